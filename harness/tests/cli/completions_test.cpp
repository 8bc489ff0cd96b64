// What a shell offers, the manual, help and its examples: each made of the commands themselves.

#include "harness/cli/completions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "harness/base/errors.h"
#include "harness/cli/cli.h"
#include "harness/cli/examples.h"
#include "harness/cli/flag_values.h"
#include "harness/cli/manual.h"
#include "harness/cli/suite_keys.h"
#include "harness/plan/suite.h"
#include "harness/tests/cli/invocation.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;
using testing_cli::Invocation;
using testing_cli::poolbench;

class CommandTree : public testing::Test {
 protected:
  CommandTree() { add_commands(app, context); }

  std::vector<std::string> offered(const std::vector<std::string>& words) const {
    std::vector<std::string> names;
    for (const ListEntry& entry : complete(app, words).candidates) names.push_back(entry.name);
    return names;
  }

  CommandContext context;
  CLI::App app{"", "poolbench"};
};

using Completions = CommandTree;

TEST_F(Completions, offer_the_commands_first) {
  EXPECT_THAT(offered({""}), IsSupersetOf({"run", "recommend", "check-driver"}));
  EXPECT_THAT(offered({}), Contains("run"));
  EXPECT_THAT(offered({"re"}), ElementsAre("recommend", "report"));
  EXPECT_THAT(offered({"--v"}), ElementsAre("--version"));
}

TEST_F(Completions, offer_the_flags_of_a_command) {
  EXPECT_THAT(offered({"run", "--ti"}), ElementsAre("--timeout", "--time-budget"));
  EXPECT_THAT(offered({"show", "x", ""}), AllOf(Contains("--json"), Not(Contains("--timeout"))));
}

TEST_F(Completions, offer_the_values_of_a_flag) {
  EXPECT_THAT(offered({"case", "--backend", "thr"}), ElementsAre("thread", "thread_per_task"));
  EXPECT_THAT(offered({"case", "--strategy", ""}), Contains("as_completed"));
  EXPECT_THAT(offered({"recommend", "--workload", "ht"}), ElementsAre("http_page"));
  EXPECT_THAT(offered({"run", "--order", ""}), ElementsAre("random", "round-robin", "batch"));
  EXPECT_THAT(offered({"submit", "--on", "s"}), ElementsAre("slurm"));
  EXPECT_THAT(offered({"validate", "--only", "loop_"}), Not(IsEmpty()));
  EXPECT_THAT(offered({"run", "--runs", ""}), IsEmpty());
}

TEST_F(Completions, take_a_value_behind_an_equals_sign_whole_or_in_the_pieces_of_bash) {
  EXPECT_THAT(offered({"case", "--backend=thr"}), ElementsAre("--backend=thread", "--backend=thread_per_task"));
  EXPECT_THAT(offered({"case", "--backend", "=", "thr"}), ElementsAre("thread", "thread_per_task"));
  EXPECT_THAT(offered({"submit", "--on", "="}), ElementsAre("slurm", "parallel"));
}

TEST_F(Completions, offer_what_an_argument_may_be) {
  EXPECT_THAT(offered({"run", "def"}), ElementsAre("default"));
  EXPECT_THAT(offered({"run", "--runs", "3", "def"}), ElementsAre("default"));
  EXPECT_THAT(offered({"run", "--strict", "def"}), ElementsAre("default"));
  EXPECT_THAT(offered({"list", "b"}), ElementsAre("backends"));
  EXPECT_THAT(offered({"completions", ""}), ElementsAre("bash", "zsh", "fish"));
  EXPECT_THAT(offered({"run", "default", ""}), AllOf(Contains("--runs"), Not(Contains("default"))));
}

TEST_F(Completions, say_where_files_or_directories_may_stand) {
  EXPECT_TRUE(complete(app, {"recommend", "--inputs", ""}).files);
  EXPECT_TRUE(complete(app, {"run", ""}).files) << "a suite may be a file";
  EXPECT_TRUE(complete(app, {"run", "-o", ""}).directories);
  EXPECT_TRUE(complete(app, {"recommend", "--", "gz"}).files);
  EXPECT_THAT(to_lines(complete(app, {"submit", "--on", "sl"})), "words\nslurm\t\n");
}

TEST_F(Completions, offer_directories_with_results_and_those_that_may_lead_there) {
  const std::filesystem::path root = std::filesystem::path(testing::TempDir()) / "completions";
  std::filesystem::remove_all(root);
  for (const char* const name : {"a_run", "folder", ".hidden"}) std::filesystem::create_directories(root / name);
  std::ofstream(root / "a_run" / "results.csv") << "x\n";
  std::ofstream(root / "a_file") << "x\n";
  EXPECT_THAT(offered({"show", root.string() + '/'}), ElementsAre(root.string() + "/a_run", root.string() + "/folder/"));
  EXPECT_THAT(offered({"compare", "x", root.string() + "/a_"}), ElementsAre(root.string() + "/a_run"));
  EXPECT_THAT(offered({"merge", "x", "y", root.string() + "/f"}), ElementsAre(root.string() + "/folder/"));
  EXPECT_THAT(offered({"show", root.string() + "/nowhere/"}), IsEmpty());
  std::filesystem::remove_all(root);
}

TEST_F(Completions, have_nothing_to_say_of_what_there_is_not) {
  EXPECT_THAT(offered({"nonsense", ""}), IsEmpty());
  EXPECT_THAT(offered({"run", "--nonsense="}), IsEmpty());
  EXPECT_THAT(offered({"case", "--backend", "nonsense"}), IsEmpty());
}

TEST(CompletionsCommand, answers_a_shell_whatever_was_typed) {
  const Invocation asked = poolbench({"completions", "--for", "run", "--nonsense", "--order", "r"});
  EXPECT_EQ(asked.exit_code, kExitOk);
  EXPECT_EQ(asked.out, "words\nrandom\t\nround-robin\t\n");
}

TEST(CompletionsCommand, refuses_a_shell_that_it_does_not_know) {
  const Invocation refused = poolbench({"completions", "tcsh"});
  EXPECT_EQ(refused.exit_code, kExitUsage);
  EXPECT_EQ(refused.err, "poolbench: unknown shell 'tcsh'; allowed: bash, zsh, fish\n");
}

using Manual = CommandTree;

TEST_F(Manual, has_a_page_for_each_command_with_each_of_its_flags) {
  const std::vector<std::string> pages = manual_pages(app);
  EXPECT_EQ(pages.size(), app.get_subcommands([](CLI::App*) { return true; }).size() + 2);
  for (const CLI::App* const command : app.get_subcommands([](CLI::App*) { return true; })) {
    const std::string page = manual_page(app, command->get_name());
    EXPECT_THAT(page, StartsWith(".TH POOLBENCH\\-"));
    for (const CLI::Option* const option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        std::string escaped = "--" + name;
        for (std::size_t at = 0; (at = escaped.find('-', at)) != std::string::npos; at += 2) escaped.insert(at, "\\");
        EXPECT_THAT(page, HasSubstr(escaped)) << command->get_name();
      }
    }
  }
}

TEST_F(Manual, knows_the_keys_of_a_suite_and_no_other) {
  std::set<std::string_view> axes;
  for (const SuiteKey& key : suite_keys()) {
    if (key.place == KeyPlace::axis) axes.insert(key.name);
  }
  EXPECT_EQ(axes, std::set<std::string_view>(std::begin(kAxes), std::end(kAxes)));
  const auto allowed = [](const std::string& text) {
    try {
      parse_suite(text, "x.toml");
    } catch (const ConfigError& error) {
      const std::string said = error.what();
      return said.substr(said.rfind("allowed: ") + 9);
    }
    return std::string();
  };
  const auto words = [](KeyPlace first, KeyPlace second) {
    std::set<std::string> names;
    for (const SuiteKey& key : suite_keys()) {
      if (key.place == first || key.place == second) names.emplace(key.name);
    }
    return names;
  };
  const auto split = [](const std::string& text) {
    std::set<std::string> names;
    std::istringstream in(text);
    for (std::string word; in >> word;) names.insert(word.substr(0, word.find(',')));
    return names;
  };
  EXPECT_EQ(split(allowed("name = \"x\"\nnonsense = 1\n")), words(KeyPlace::suite, KeyPlace::suite));
  EXPECT_EQ(split(allowed("name = \"x\"\n[[grid]]\nnonsense = 1\n")), words(KeyPlace::axis, KeyPlace::table));
}

TEST_F(Manual, refuses_a_page_that_there_is_not) {
  const Invocation refused = poolbench({"manual", "rum"});
  EXPECT_EQ(refused.exit_code, kExitUsage);
  EXPECT_THAT(refused.err, HasSubstr("no page 'rum'; did you mean 'run'?; allowed: poolbench, run"));
}

using Examples = CommandTree;

TEST_F(Examples, are_there_for_every_command_and_are_command_lines_of_it) {
  std::vector<std::string> names{"poolbench"};
  for (const CLI::App* const command : app.get_subcommands([](CLI::App*) { return true; })) names.push_back(command->get_name());
  for (const std::string& name : names) {
    EXPECT_THAT(examples_of(name), Not(IsEmpty())) << name;
    for (const Example& example : examples_of(name)) {
      CommandContext own;
      CLI::App parser{"", "poolbench"};
      add_commands(parser, own);
      std::string words = example.command.substr(0, std::min(example.command.find(" > "), example.command.find(" | ")));
      ASSERT_THAT(words, StartsWith(name == "poolbench" ? "poolbench " : "poolbench " + name));
      EXPECT_NO_THROW(parser.parse(words, true)) << words;
      EXPECT_TRUE(own.action) << words;
    }
  }
}

TEST(Help, names_values_by_what_they_are_and_fits_its_width) {
  const Invocation help = poolbench({"run", "--help"});
  EXPECT_EQ(help.exit_code, kExitOk);
  EXPECT_THAT(help.out, AllOf(HasSubstr("--timeout DURATION"), HasSubstr("-o, --output DIR"), HasSubstr("\nExamples:\n"),
                              Not(HasSubstr("TEXT"))));
  std::istringstream lines(help.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

TEST(Help, of_the_program_alone_is_what_to_type_first) {
  const Invocation alone = poolbench({});
  EXPECT_EQ(std::count(alone.out.begin(), alone.out.end(), '\n'), 5);
  EXPECT_THAT(alone.out, HasSubstr("poolbench run quick"));
  EXPECT_EQ(alone.exit_code, kExitUsage);
  EXPECT_THAT(alone.err, AllOf(StartsWith("poolbench: a command is missing; allowed: run, case, "),
                               HasSubstr("list, completions, manual\n")));
}

}  // namespace
}  // namespace harness
