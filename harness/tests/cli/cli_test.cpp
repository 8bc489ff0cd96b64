// The command line, up to where something would be measured: what goes to which stream, and the exit code.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "harness/base/errors.h"
#include "harness/sweep/run_directory.h"
#include "harness/tests/cli/invocation.h"
#include "harness/tests/colours.h"
#include "harness/tests/front_cells.h"

namespace harness {
namespace {

using testing_cli::Invocation;
using testing_cli::poolbench;

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

void expect_refused(const std::vector<std::string>& arguments, const std::vector<std::string>& said) {
  const Invocation ending = poolbench(arguments);
  EXPECT_EQ(ending.exit_code, kExitUsage) << testing::PrintToString(arguments);
  EXPECT_THAT(ending.out, IsEmpty());
  EXPECT_THAT(ending.err, StartsWith("poolbench: "));
  EXPECT_EQ(std::count(ending.err.begin(), ending.err.end(), '\n'), 1) << ending.err;
  for (const std::string& words : said) EXPECT_THAT(ending.err, HasSubstr(words));
}

TEST(CommandLine, HasHelpAndAVersion) {
  const Invocation help = poolbench({"--help"});
  EXPECT_EQ(help.exit_code, kExitOk);
  for (const char* const command : {"run", "case", "predict", "validate", "show", "compare", "doctor", "list"})
    EXPECT_THAT(help.out, HasSubstr(command));
  EXPECT_THAT(poolbench({"run", "--help"}).out, HasSubstr("--time-budget"));
  const Invocation version = poolbench({"--version"});
  EXPECT_EQ(version.exit_code, kExitOk);
  EXPECT_THAT(version.out, StartsWith("poolbench "));
}

TEST(CommandLine, NamesWhatIsWrongAndWhatIsAllowed) {
  expect_refused({"rum"}, {"unknown command 'rum'", "did you mean 'run'", "allowed: run, "});
  expect_refused({"--nonsense"}, {"unknown flag '--nonsense'"});
  expect_refused({"run", "--rums=3"}, {"run: unexpected '--rums=3'", "did you mean '--runs'", "--output"});
  expect_refused({"run", "default", "sizes"}, {"unexpected 'sizes'"});
  expect_refused({"run", "--runs"}, {"--runs"});
}

TEST(ListCommand, ListsWhatThereIs) {
  const Invocation backends = poolbench({"list", "backends"});
  EXPECT_EQ(backends.exit_code, kExitOk);
  EXPECT_THAT(backends.err, IsEmpty());
  for (const char* const name : {"thread ", "process ", "inline ", "thread_per_task "})
    EXPECT_THAT(backends.out, HasSubstr(name));
  EXPECT_THAT(poolbench({"list", "workloads"}).out, AllOf(HasSubstr("gil_spin"), HasSubstr("http_page")));
  EXPECT_THAT(poolbench({"list", "strategies"}).out, AllOf(HasSubstr("extra"), HasSubstr("as_completed")));
  EXPECT_THAT(poolbench({"list", "suites"}).out, AllOf(HasSubstr("default"), HasSubstr("tutorial"), HasSubstr("clients")));
  expect_refused({"list", "pools"}, {"unknown list 'pools'", "backends, workloads, strategies, suites"});
  expect_refused({"list"}, {"WHAT"});
}

TEST(DoctorCommand, ExaminesThisMachine) {
  const Invocation ending = poolbench({"doctor"});
  EXPECT_EQ(ending.exit_code, kExitOk);
  EXPECT_THAT(ending.err, IsEmpty());
  for (const char* const id : {"governor", "quota", "timers", "clock", "vm"}) EXPECT_THAT(ending.out, HasSubstr(id));
  EXPECT_THAT(poolbench({"doctor", "--json"}).out, StartsWith("{"));
  expect_refused({"doctor", "me"}, {"unexpected 'me'"});
}

TEST(RunCommand, RefusesBadValues) {
  expect_refused({"run", "defalt"}, {"unknown suite 'defalt'", "did you mean 'default'"});
  expect_refused({"run", "no/such.toml"}, {"no/such.toml", "No such file"});
  expect_refused({"run", "-n", "--runs", "0"}, {"bad --runs '0'"});
  expect_refused({"run", "-n", "--runs", "-1"}, {"bad --runs '-1'"});
  expect_refused({"run", "-n", "-w", "many"}, {"bad --warmup 'many'"});
  expect_refused({"run", "-n", "--order", "sorted"}, {"bad order 'sorted'", "random, round-robin, batch"});
  expect_refused({"run", "-n", "--seed", "x"}, {"bad seed 'x'"});
  expect_refused({"run", "-n", "--timeout", "10"}, {"bad duration '10'", "unit"});
  expect_refused({"run", "-n", "--timeout", "0s"}, {"bad --timeout '0s'"});
  expect_refused({"run", "-n", "--time-budget", "soon"}, {"bad duration 'soon'"});
  expect_refused({"run", "-n", "--filter", "backend"}, {"bad filter 'backend'"});
  expect_refused({"run", "-n", "--filter", "pool=thread"}, {"unknown filter axis 'pool'", "backend, workers"});
  expect_refused({"run", "-n", "--filter", "backend=threads"}, {"matches nothing", "thread, process"});
}

TEST(ValidateCommand, RefusesAPressureThatIsNoPercentage) {
  for (const char* const text : {"nan", "-nan", "inf", "-inf", "-1", "100.1", "1e400", "five", "5%"}) {
    expect_refused({"validate", "--max-pressure", text, "-r", "1"},
                   {"bad --max-pressure '" + std::string(text) + "'; allowed: a number from 0 to 100"});
  }
}

TEST(CommandLine, ShowsWhatItWasGivenEscapedOnOneLineAndNotAtFullLength) {
  expect_refused({"run", "a\x1b[31mb\nc\xff"}, {"'a\\x1b[31mb c\\xff'"});
  const Invocation ending = poolbench({"run", std::string(100'000, 'a')});
  EXPECT_EQ(ending.exit_code, kExitUsage);
  EXPECT_LT(ending.err.size(), 1'000U);
  EXPECT_THAT(ending.err, HasSubstr("allowed: arrivals, callbacks, clients"));
}

TEST(Formats, AreTheSameFlagsEverywhereAndOneAtATime) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"show", "D"}, {"compare", "A", "B"}, {"recommend"}, {"validate"}, {"doctor"}}) {
    for (const auto& [a, b] :
         {std::pair{"--json", "--csv"}, std::pair{"--json", "--markdown"}, std::pair{"--csv", "--markdown"}}) {
      std::vector<std::string> arguments = command;
      arguments.insert(arguments.end(), {a, b});
      const Invocation ending = poolbench(arguments);
      EXPECT_EQ(ending.exit_code, kExitUsage) << command.front();
      EXPECT_THAT(ending.err, HasSubstr("excludes")) << command.front();
    }
  }
}

TEST(Formats, HaveColoursByTheSameFlagEverywhere) {
  for (std::vector<std::string> command : {std::vector<std::string>{"run", "quick", "-n"},
                                           {"show", "D"},
                                           {"compare", "A", "B"},
                                           {"recommend"},
                                           {"validate"},
                                           {"doctor"},
                                           {"merge", "D", "--status"},
                                           {"predict", "--backend", "thread", "--tasks", "1ms", "--strategy", "none"},
                                           {"case", "--backend", "thread", "--tasks", "1ms", "--strategy", "none"}}) {
    command.insert(command.end(), {"--color", "sometimes"});
    expect_refused(command, {"bad --color 'sometimes'; allowed: auto, always, never"});
  }
}

TEST(Formats, AreQuietOrVerboseByTheSameFlagsAndNotBoth) {
  for (std::vector<std::string> command :
       {std::vector<std::string>{"run"}, {"case", "--backend", "thread", "--strategy", "none"}, {"validate"}, {"recommend"}}) {
    command.insert(command.end(), {"-q", "-v"});
    expect_refused(command, {"excludes"});
  }
}

TEST(Formats, HaveColoursInTextOnly) {
  const Invocation text = poolbench({"doctor", "--color", "always"});
  EXPECT_THAT(text.out, HasSubstr(kColour));
  EXPECT_THAT(poolbench({"doctor"}).out, Not(HasSubstr(kColour)));  // a file is no terminal
  for (const char* const format : {"--json", "--csv", "--markdown"}) {
    EXPECT_THAT(poolbench({"doctor", "--color", "always", format}).out, Not(HasSubstr(kColour)));
  }
}

TEST(Formats, OfWhatTheDoctorFindsHaveTheSameRows) {
  const Invocation csv = poolbench({"doctor", "--csv"});
  EXPECT_THAT(csv.out, StartsWith("id,verdict,found,why,remedy\n"));
  EXPECT_THAT(poolbench({"doctor", "--markdown"}).out,
              StartsWith("| id | verdict | found | why | remedy |\n|---|---|---|---|---|\n"));
}

TEST(RunCommand, MeasuresAgainOnlyWhatIsThere) {
  const TestDirectory directory;
  expect_refused({"run", "quick", "--again", "-o", (directory / "out").string()}, {"out", "is not a directory"});
  expect_refused({"run", "quick", "--again", "--fresh"}, {"excludes"});
}

TEST(RunCommand, RefusesADirectoryThatCannotBeWritten) {
  const TestDirectory directory;
  write_text(directory / "file", "");
  expect_refused({"run", "quick", "-o", (directory / "file/out").string()}, {"cannot write to the output directory", "file/out"});
}

TEST(RunCommand, RefusesAForeignResultsFileAndLeavesItAlone) {
  const TestDirectory directory;
  write_text(directory / "results.csv", "name,age\n");
  expect_refused({"run", "quick", "-o", directory.path().string()}, {"foreign header", "--fresh"});
  EXPECT_EQ(content(directory / "results.csv"), "name,age\n");
}

TEST(RunCommand, DryRunPrintsCellsSkipsAndATimeAndWritesNothing) {
  const TestDirectory directory;
  const Invocation ending = poolbench({"run", "quick", "-n", "-o", (directory / "out").string()});
  EXPECT_EQ(ending.exit_code, kExitOk);
  EXPECT_THAT(ending.out, StartsWith("suite quick: "));
  EXPECT_THAT(ending.out, HasSubstr("backend=process workers=4 workload=sleep strategy=extra parsers=4"));
  EXPECT_THAT(ending.out, HasSubstr("skipped backend=inline"));
  EXPECT_THAT(ending.out, HasSubstr("inline has one worker"));
  EXPECT_FALSE(std::filesystem::exists(directory / "out"));
}

TEST(RunCommand, TakesOneValuePerFilterAndSeveralFilters) {
  const Invocation ending = poolbench({"run", "-n", "--filter", "backend=thread", "--filter", "workload=sleep", "quick"});
  EXPECT_EQ(ending.exit_code, kExitOk);
  EXPECT_THAT(ending.out, StartsWith("suite quick: "));
  EXPECT_THAT(ending.out, Not(HasSubstr("cell 0 backend=process")));
}

TEST(RunDirectories, AreRenamedNotRemoved) {
  const TestDirectory directory;
  EXPECT_TRUE(put_old_directory_away(directory / "out").empty());
  for (int n = 1; n <= 3; ++n) {
    std::filesystem::create_directory(directory / "out");
    write_text(directory / "out/results.csv", std::to_string(n));
    const std::filesystem::path aside = put_old_directory_away((directory / "out").string() + (n == 2 ? "/" : ""));
    EXPECT_THAT(aside.string(), EndsWith("out.old-" + std::to_string(n)));
    EXPECT_EQ(content(aside / "results.csv"), std::to_string(n));
  }
}

TEST(RunDirectories, KeepEveryFrozenSuite) {
  const TestDirectory directory;
  const RunDirectory run(directory / "out");
  Suite suite;
  suite.text = "one";
  run.freeze(suite);
  run.freeze(suite);
  EXPECT_FALSE(std::filesystem::exists(directory / "out/suite.toml.old-1"));
  suite.text = "two";
  testing::internal::CaptureStderr();
  run.freeze(suite);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("suite.toml.old-1"));
  EXPECT_EQ(content(directory / "out/suite.toml.old-1"), "one");
  EXPECT_EQ(content(directory / "out/suite.toml"), "two");
}

TEST(ResumeCommands, AreWhatAShellTakesWithoutFresh) {
  EXPECT_EQ(resume_command({"build/poolbench", "run", "--fresh", "-o", "my out", "--filter", "workers=cores*5", "it's"}),
            "build/poolbench run -o 'my out' --filter 'workers=cores*5' 'it'\\''s'");
}

}  // namespace
}  // namespace harness
