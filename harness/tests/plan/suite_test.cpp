#include "harness/plan/suite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "harness/base/errors.h"
#include "harness/plan/plan.h"

namespace harness {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kGood = R"(name = "small"
description = "one grid"
runs = 3
warmup = 2
timeout = "10s"
order = "round-robin"
seed = 7

[[grid]]
backend = ["thread", "process"]
workers = [1, "cores*5"]
workload = "sleep"
tasks = 8
task = "10ms"
runs = 9
exclude = [{backend = "process", workers = "cores*5"}]

[[case]]
backend = "thread"
strategy = "main"
task = ["1s", "2x500ms"]
callback = "100ms"
timeout = "1min"
)";

std::string suite_refusal(std::string_view toml) {
  try {
    make_plan(parse_suite(toml, "bad.toml"), {.cores = 2});
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
    return error.what();
  }
  ADD_FAILURE() << "was accepted";
  return {};
}

// kGood with line `line` (from 1) replaced.
std::string with_line(int line, std::string_view replacement) {
  std::string text;
  int at = 0;
  for (std::string_view rest = kGood; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    text += ++at == line ? replacement : rest.substr(0, end);
    text += '\n';
    rest.remove_prefix(end + 1);
  }
  return text;
}

TEST(Suites, OfAnyNestingAreRefusedAndNotAStackOverflow) {
  std::string dotted = "a";
  for (int i = 0; i < 200'000; ++i) dotted += ".a";
  const std::string open(200'000, '[');
  for (const std::string& text :
       {dotted + " = 1\n", "[" + dotted + "]\n", "[[" + dotted + "]]\n", "x = {" + dotted + " = 1}\n", "x = " + open}) {
    EXPECT_THAT(suite_refusal(text), HasSubstr("bad.toml:1: "));
  }
  EXPECT_THAT(suite_refusal("name = \"" + std::string(200, '.') + "\"\n"), HasSubstr("bad suite name"));  // no key
}

TEST(Suites, OfMoreTasksThanMemoryHoldsAreRefusedWithTheWayToSplitThem) {
  EXPECT_THAT(
      suite_refusal(
          "name = \"big\"\n[[case]]\nbackend = \"thread\"\nworkload = \"sleep\"\ntask = \"1000000x1ms\"\nworkers = \"1..100\"\n"),
      HasSubstr("bad.toml:2: the cells have more than 20000000 tasks in all; split them over several suites"));
}

TEST(Suites, AreReadWithTheLinesOfTheirValues) {
  const Suite suite = parse_suite(kGood, "good.toml");
  EXPECT_EQ(suite.name, "small");
  EXPECT_EQ(suite.description, "one grid");
  EXPECT_EQ(suite.runs, 3);
  EXPECT_EQ(suite.warmup, 2);
  EXPECT_EQ(suite.timeout, std::chrono::seconds(10));
  EXPECT_EQ(suite.order, Order::round_robin);
  EXPECT_EQ(suite.seed, 7u);
  EXPECT_EQ(suite.text, kGood);
  ASSERT_EQ(suite.tables.size(), 2u);
  const Table& grid = suite.tables[0];
  EXPECT_FALSE(grid.explicit_case);
  EXPECT_EQ(grid.line, 9);
  EXPECT_EQ(grid.repetitions.runs, 9);
  EXPECT_FALSE(grid.repetitions.warmup);
  ASSERT_EQ(grid.axes.at("workers").size(), 2u);
  EXPECT_EQ(grid.axes.at("workers")[0].text, "1");
  EXPECT_EQ(grid.axes.at("workers")[1].text, "cores*5");
  EXPECT_EQ(grid.axes.at("workers")[1].line, 11);
  ASSERT_EQ(grid.exclusions.size(), 1u);
  EXPECT_EQ(grid.exclusions[0].axes.at("backend")[0].text, "process");
  EXPECT_TRUE(suite.tables[1].explicit_case);
  EXPECT_EQ(suite.tables[1].repetitions.timeout, std::chrono::minutes(1));
}

TEST(Suites, HaveDefaults) {
  const Suite suite = parse_suite("name = \"s\"\n[[grid]]\nbackend=\"thread\"\nworkload=\"sleep\"\ntasks=1\ntask=\"1ms\"", "s");
  EXPECT_EQ(suite.runs, 5);
  EXPECT_EQ(suite.warmup, 1);
  EXPECT_EQ(suite.timeout, std::chrono::seconds(60));
  EXPECT_EQ(suite.order, Order::random);
}

TEST(Suites, RefuseWrongKeysWithFileLineAndWhatIsAllowed) {
  const std::string typo = suite_refusal(with_line(10, "backnd = \"thread\""));
  EXPECT_THAT(typo, StartsWith("bad.toml:10: unknown key 'backnd' of a [[grid]]; did you mean 'backend'?; allowed: backend, "));
  EXPECT_THAT(suite_refusal(with_line(3, "repetitions = 3")), StartsWith("bad.toml:3: unknown key 'repetitions' of a suite"));
  EXPECT_THAT(suite_refusal(with_line(16, "exclude = [{pool = \"process\"}]")),
              StartsWith("bad.toml:16: unknown key 'pool' of an exclusion"));
  EXPECT_THAT(suite_refusal(with_line(22, "distribution = \"equal\"")),
              StartsWith("bad.toml:22: a [[case]] has no 'distribution'"));
  EXPECT_THAT(suite_refusal(with_line(22, "tasks = 4")), StartsWith("bad.toml:22: a [[case]] has no 'tasks'"));
  EXPECT_THAT(suite_refusal(with_line(18, "[[cases]]")),
              StartsWith("bad.toml:18: unknown key 'cases' of a suite; did you mean 'case'?"));
}

TEST(Suites, RefuseWrongTypes) {
  EXPECT_THAT(suite_refusal(with_line(3, "runs = \"3\"")), "bad.toml:3: 'runs' is a string; allowed: an integer");
  EXPECT_THAT(suite_refusal(with_line(1, "name = 3")), "bad.toml:1: 'name' is an integer; allowed: a string");
  EXPECT_THAT(suite_refusal(with_line(14, "task = 0.5")), HasSubstr("bad.toml:14: 'task' is a floating-point number"));
  EXPECT_THAT(suite_refusal(with_line(14, "task = true")), HasSubstr("bad.toml:14: 'task' is a boolean"));
  EXPECT_THAT(suite_refusal(with_line(14, "task = []")), HasSubstr("bad.toml:14: 'task' is an empty array"));
  EXPECT_THAT(suite_refusal(with_line(9, "[grid]")), HasSubstr("'grid' is a table; allowed: tables [[grid]]"));
  EXPECT_THAT(suite_refusal(with_line(16, "exclude = {backend = \"process\"}")), StartsWith("bad.toml:16: 'exclude' is a table"));
  EXPECT_THAT(suite_refusal(with_line(16, "exclude = [{}]")), StartsWith("bad.toml:16: an empty exclusion"));
}

TEST(Suites, RefuseWrongValues) {
  EXPECT_THAT(suite_refusal(with_line(3, "runs = 0")), "bad.toml:3: bad runs '0'; allowed: a whole number from 1 to 1000000");
  EXPECT_THAT(suite_refusal(with_line(4, "warmup = -1")), StartsWith("bad.toml:4: bad warmup '-1'"));
  EXPECT_THAT(suite_refusal(with_line(5, "timeout = \"10\"")), StartsWith("bad.toml:5: bad duration '10': the unit is missing"));
  EXPECT_THAT(suite_refusal(with_line(5, "timeout = \"0s\"")), StartsWith("bad.toml:5: bad timeout '0s'"));
  EXPECT_THAT(suite_refusal(with_line(6, "order = \"shuffled\"")),
              "bad.toml:6: bad order 'shuffled'; allowed: random, round-robin, batch");
  EXPECT_THAT(suite_refusal(with_line(7, "seed = -7")), StartsWith("bad.toml:7: bad seed '-7'"));
  EXPECT_THAT(suite_refusal(with_line(1, "name = \"a/b\"")), StartsWith("bad.toml:1: bad suite name 'a/b'"));
}

TEST(Suites, TakeAnyRatioOfWaitingToComputing) {
  const Suite suite = parse_suite(
      "name = \"any\"\n[[grid]]\nbackend = \"thread\"\nworkers = 2\nstrategy = \"none\"\ntask = \"1ms\"\n"
      "tasks = 2\nworkload = [\"mixed:16.0\", \"mixed:2.5~0.25\"]\n",
      "any.toml");
  std::vector<std::string> names;
  for (const PlannedCell& planned : make_plan(suite, {.cores = 2}).cells) names.push_back(planned.cell.workload);
  EXPECT_THAT(names, testing::ElementsAre("mixed:16", "mixed:2.5~0.25"));
}

TEST(Suites, RefuseUnknownNamesSizesAndDurationsWithTheirLine) {
  EXPECT_THAT(suite_refusal(with_line(10, "backend = [\"thread\",\n \"proces\"]")),
              StartsWith("bad.toml:11: unknown backend 'proces'; did you mean 'process'?; allowed: thread, "));
  EXPECT_THAT(suite_refusal(with_line(12, "workload = \"slep\"")),
              StartsWith("bad.toml:12: unknown workload 'slep'; did you mean 'sleep'?; allowed: "));
  EXPECT_THAT(suite_refusal(with_line(20, "strategy = \"mian\"")), StartsWith("bad.toml:20: unknown strategy 'mian'"));
  EXPECT_THAT(suite_refusal(with_line(11, "workers = 0")), StartsWith("bad.toml:11: bad size '0': it comes to 0"));
  EXPECT_THAT(suite_refusal(with_line(11, "workers = -2")), StartsWith("bad.toml:11: bad size '-2': it is negative"));
  EXPECT_THAT(suite_refusal(with_line(14, "task = \"0.5ns\"")), StartsWith("bad.toml:14: bad duration '0.5ns': fractional"));
  EXPECT_THAT(suite_refusal(with_line(14, "distribution = \"normal\"\ntask = \"1ms\"")),
              StartsWith("bad.toml:14: unknown distribution 'normal'"));
  EXPECT_THAT(suite_refusal(with_line(16, "exclude = [{backend = \"proces\"}]")),
              StartsWith("bad.toml:16: unknown backend 'proces'"));
  EXPECT_THAT(suite_refusal(with_line(22, "callback = [\"1s\", \"2s\"]")),
              StartsWith("bad.toml:22: 2 callback durations for 3 tasks; allowed: one for all, or one per task"));
  EXPECT_THAT(suite_refusal(with_line(15, "start_method = \"vfork\"")), StartsWith("bad.toml:15: unknown start_method 'vfork'"));
  EXPECT_THAT(suite_refusal(with_line(13, "tasks = 2000000")), StartsWith("bad.toml:13: bad tasks '2000000'"));
  EXPECT_THAT(suite_refusal(with_line(21, "task = \"3x2562047h\"")), StartsWith("bad.toml:21: bad duration"));
  EXPECT_THAT(suite_refusal(with_line(21, "task = \"3x9000000000s\"")), HasSubstr("more than 2^63-1 ns"));
}

TEST(Suites, RefuseWhatIsMissing) {
  EXPECT_THAT(suite_refusal(with_line(14, "")), StartsWith("bad.toml:9: this [[grid]] has no 'task'; needed: backend, workload"));
  EXPECT_THAT(suite_refusal(with_line(19, "")), StartsWith("bad.toml:18: this [[case]] has no 'backend'"));
  EXPECT_THAT(suite_refusal(with_line(1, "")), StartsWith("bad.toml:1: the suite has no name"));
  EXPECT_THAT(suite_refusal("name = \"s\""), HasSubstr("neither a [[grid]] nor a [[case]]"));
}

TEST(Suites, RefuseWhatIsNoTomlWithItsLine) {
  EXPECT_THAT(suite_refusal(with_line(10, "backend = [\"thread\"")), StartsWith("bad.toml:1"));
  EXPECT_THAT(suite_refusal(with_line(3, "runs 3")), StartsWith("bad.toml:3: "));
  EXPECT_THAT(suite_refusal(with_line(4, "runs = 4")), StartsWith("bad.toml:4: "));  // twice
}

TEST(Suites, AreFoundByNameAndByPath) {
  EXPECT_EQ(load_suite("tutorial").name, "tutorial");
  try {
    load_suite("tutoral");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(
        error.what(),
        StartsWith(
            "unknown suite 'tutoral'; did you mean 'tutorial'?; allowed: arrivals, callbacks, clients, closed_open, contenders, default"));
  }
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "poolbench_suite_test.toml";
  std::ofstream(path) << kGood;
  const Suite suite = load_suite(path.string());
  EXPECT_EQ(suite.source, path.string());
  EXPECT_EQ(suite.name, "small");
  std::filesystem::remove(path);
  EXPECT_THROW(load_suite(path.string()), ConfigError);
  EXPECT_THROW(load_suite(testing::TempDir() + "/"), ConfigError);
}

class BuiltinSuites : public testing::TestWithParam<int> {};

// On a small and on a large machine: sizes such as cores*5 must have a meaning on both.
TEST_P(BuiltinSuites, HaveAPlanAndTheNameOfTheirFile) {
  ASSERT_GE(builtin_suites().size(), 6u);
  for (const BuiltinSuite& builtin : builtin_suites()) {
    const Suite suite = load_suite(std::string(builtin.name));
    EXPECT_EQ(suite.name, builtin.name);
    EXPECT_FALSE(suite.description.empty());
    const Plan plan = make_plan(suite, {.cores = GetParam()});
    EXPECT_GT(plan.cells.size(), 0u);
    for (const PlannedCell& planned : plan.cells) {
      EXPECT_LT(predicted_makespan(planned.cell), planned.timeout / 2) << describe(planned.cell);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(On, BuiltinSuites, testing::Values(1, 2, 64), testing::PrintToStringParamName());

TEST(BuiltinSuites, DefaultFitsItsTimeOnTwoCores) {
  const Plan plan = make_plan(load_suite("default"), {.cores = 2});
  std::chrono::nanoseconds makespans{0};
  for (const PlannedCell& planned : plan.cells) makespans += predicted_makespan(planned.cell) * (planned.runs + planned.warmup);
  EXPECT_LT(makespans * 5 / 4, std::chrono::seconds(75));
}

}  // namespace
}  // namespace harness
