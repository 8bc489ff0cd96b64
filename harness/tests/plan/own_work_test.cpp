// Work of the user's own in suites: what a plan makes of it, and what it refuses.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "harness/base/errors.h"
#include "harness/engine/own/own_work.h"
#include "harness/plan/plan.h"
#include "harness/plan/scenario.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class OwnWork : public testing::Test {
 protected:
  ~OwnWork() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name, const std::string& content) {
    const std::filesystem::path path = directory_ / name;
    std::ofstream(path) << content;
    return path.string();
  }
  std::string inputs(const std::string& content = "one\n\ntwo\nthree\n") { return file("inputs", content); }

  // Of one grid with these keys; inputs of three lines unless it has others.
  Plan plan(const std::string& keys) {
    const std::string more = keys.find("inputs=") == std::string::npos ? "inputs='" + inputs() + "'\n" : "";
    return make_plan(parse_suite("name=\"own\"\n[[grid]]\n" + more + keys + "\n", "own.toml"), {.cores = 2});
  }

  std::string refused(const std::string& keys) {
    try {
      plan(keys);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "was accepted";
  }

 private:
  const std::filesystem::path directory_ = [] {
    std::string path = (std::filesystem::temp_directory_path() / "poolbench-own-XXXXXX").string();
    return std::filesystem::path(::mkdtemp(path.data()));
  }();
};

TEST_F(OwnWork, HasATaskPerInputAndNoDurations) {
  const Plan found = plan("workload='command:test {}'\nbackend=['thread','process']\nworkers=2\n");
  ASSERT_THAT(found.cells, SizeIs(2));
  const Cell& cell = found.cells[0].cell;
  EXPECT_EQ(cell.workload, "command:test {}");
  EXPECT_EQ(cell.tasks, 3);
  EXPECT_EQ(cell.task_ns, 0);
  EXPECT_EQ(cell.task_durations_ns, std::vector<std::int64_t>(3, 0));
  EXPECT_THAT(describe(cell), AllOf(HasSubstr("workload=command:test {}"), HasSubstr("tasks=3 inputs=")));
  EXPECT_EQ(scenario_key(cell), scenario_key(found.cells[1].cell));
  EXPECT_EQ(plan("workload='command:test {}'\nbackend='thread'\ninputs='7..46'").cells[0].cell.tasks, 40);
  EXPECT_EQ(plan("workload='command:test {}'\nbackend='thread'\ntasks=5").cells[0].cell.tasks, 5);
}

TEST_F(OwnWork, IsAnotherCellWithOtherInputsWhateverTheFileIsCalled) {
  const std::string keys = "workload='command:test {}'\nbackend='thread'\n";
  const Cell three = plan(keys).cells[0].cell;
  EXPECT_EQ(plan(keys).cells[0].cell.cell_id, three.cell_id);
  const std::string other = "inputs='" + inputs("one\ntwo\nfour\n") + "'\n";
  EXPECT_NE(plan(keys + other).cells[0].cell.cell_id, three.cell_id);
  EXPECT_NE(scenario_key(plan(keys + other).cells[0].cell), scenario_key(three));
}

TEST_F(OwnWork, TakesWhatItTakesSoThatDurationsMakeNoCells) {
  const Plan found = plan(
      "workload=['command:test {}','sleep']\nbackend='thread'\ntasks=4\ntask=['1ms','2ms']\nstrategy='main'\n"
      "callback=['1ms','3ms']\ncallback_workload='command:cat'");
  ASSERT_THAT(found.cells, SizeIs(1 + 4));
  EXPECT_EQ(found.cells[0].cell.callback_workload, "command:cat");
  EXPECT_EQ(found.cells[0].cell.callback_ns, 0);
  EXPECT_EQ(found.cells[1].cell.workload, "sleep");
  EXPECT_EQ(found.cells[1].cell.callback_workload, "");
  EXPECT_EQ(found.cells[1].cell.inputs, "");
}

TEST_F(OwnWork, HasNoCallbackWorkloadWithoutCallbacks) {
  const Plan found =
      plan("workload='command:test {}'\nbackend='thread'\nstrategy=['none','fused']\ncallback_workload='command:cat'");
  ASSERT_THAT(found.cells, SizeIs(2));
  EXPECT_EQ(found.cells[0].cell.callback_workload, "");
  EXPECT_THAT(found.cells[1].cell.callback_workload, "command:cat");
}

TEST_F(OwnWork, OfPythonIsForCPythonsExecutorsAndItsOwnCallbacks) {
  const Plan found =
      plan("workload='python:crawler:fetch'\nbackend=['thread','cpython_thread']\nstrategy=['none','worker']\nworkers=2");
  std::string reasons;
  for (const Skip& skip : found.skips) reasons += skip.what + ": " + skip.reason + "\n";
  ASSERT_THAT(found.cells, SizeIs(1)) << reasons;
  EXPECT_EQ(found.cells[0].cell.backend, "cpython_thread");
  EXPECT_THAT(reasons, AllOf(HasSubstr("thread: only CPython's executors run functions of Python's"),
                             HasSubstr("worker has callbacks, and no callback_workload says what they do")));
  EXPECT_THAT(refused("workload='python:a:b'\nbackend='cpython_thread'\nstrategy='worker'\ncallback_workload='command:cat'"),
              HasSubstr("what python:a:b gives cannot be given to command:cat"));
}

TEST_F(OwnWork, BecomesTheSubjectOfItsCell) {
  Factors factors;
  factors.workload = "command:sh -c 'exit {}'";
  factors.callback_workload = "command:wc -c";
  factors.inputs = inputs();
  const workloads::Subject subject = own::subject_of(factors);
  EXPECT_THAT(subject.command, ElementsAre("sh", "-c", "exit {}"));
  EXPECT_THAT(subject.callback_command, ElementsAre("wc", "-c"));
  EXPECT_THAT(subject.inputs, ElementsAre("one", "two", "three"));
  factors.workload = "python:" + file("crawler.py", "") + ":fetch";
  factors.callback_workload = "python:pages:parse.links";
  factors.inputs = file("urls.jsonl", "{\"a\": 1}\n2\n");
  EXPECT_THAT(own::subject_of(factors).python,
              AllOf(HasSubstr(R"("function":"crawler:fetch")"), HasSubstr(R"("callback":"pages:parse.links")"),
                    HasSubstr(R"("inputs":[{"a":1},2])")));
}

TEST_F(OwnWork, ThatIsNotThereIsRefusedBeforeAnythingRuns) {
  const std::string thread = "backend='thread'\n";
  const std::string python = "backend='cpython_thread'\n";
  const std::string library = file("libx.so", "");
  const std::pair<std::string, std::string> wrong[] = {
      {"workload='command:/nonexistent/tool {}'", "own.toml:5: cannot execute '/nonexistent/tool'"},
      {"workload='command:ls'", "has no {} to put the input in: ls"},
      {"workload='command:ls \"{}'", "a quote, \", that does not end"},
      {"workload='command:'", "no command"},
      {"workload='function:./nonexistent.so'", "there is no shared object './nonexistent.so'"},
      {"workload='function:" + library + ":a-b'", "names no function of a shared object"},
      {"workload='python:crawler'", "names no function"},
      {"workload='python:./nonexistent.py:fetch'", "there is no file './nonexistent.py'"},
      {"workload='python:a b:fetch'", "has no name of a module"},
      {"workload=\"command:ls {}\\u0007\"", "has a control character"},
      {"workload='command:ls {}'\nstrategy='main'\ncallback_workload='jq'", "bad callback_workload 'jq'; allowed: python:"},
      {"workload='command:ls {}'\nstrategy='main'\ncallback_workload='command:/nonexistent'", "cannot execute '/nonexistent'"},
      {"workload='command:ls {}'\ninputs='/nonexistent'", "/nonexistent"},
      {"workload='command:ls {}'\ninputs='5..4'", "inputs '5..4' is empty"},
      {"workload='command'\ntasks=1\ntask='0s'", "'command' says not which: python:MODULE:FUNCTION, command:PROGRAM {}"},
      {"workload=['sleep','command:ls {}']\ntasks=1", "this [[grid]] has no 'task'"},
  };
  for (const auto& [keys, message] : wrong) EXPECT_THAT(refused(thread + keys), HasSubstr(message)) << keys;
  EXPECT_THAT(refused(thread + "workload='command:ls {}'\ninputs='" + file("empty", "\n") + "'"), HasSubstr("holds no inputs"));
  EXPECT_THAT(refused(python + "workload='python:a:b'\ninputs='" + file("bad.jsonl", "{") + "'"),
              HasSubstr("input 1 is no JSON value"));
  const auto suite = [](const std::string& toml) {
    try {
      make_plan(parse_suite("name='x'\n" + toml, "own.toml"), {.cores = 2});
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("was accepted");
  };
  EXPECT_THAT(suite("[[grid]]\nbackend='thread'\nworkload='command:ls {}'"),
              HasSubstr("'command:ls {}' has no inputs; needed: inputs = "));
  EXPECT_THAT(suite("[[case]]\nbackend='thread'\nworkload='command:ls {}'\ntask='1s'"), HasSubstr("a [[case]] lists durations"));
  EXPECT_THAT(suite("[[case]]\nbackend='thread'\ninputs='x'\ntask='1s'"), HasSubstr("a [[case]] has no 'inputs'"));
}

}  // namespace
}  // namespace harness
