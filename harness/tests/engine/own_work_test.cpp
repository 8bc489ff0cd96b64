// Cells of the user's own work, run: every strategy gives the callback what the task gave, on threads and in processes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "harness/engine/child_runner.h"
#include "harness/plan/cell_builder.h"
#include "harness/tests/engine/cells.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class OwnCells : public testing::Test {
 protected:
  ~OwnCells() override {
    runner_.reset();
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a process was left behind";
    std::filesystem::remove_all(directory_);
  }

  static Cell cell(const std::string& backend, const std::string& strategy, const std::string& workload,
                   const std::string& callback, const std::string& inputs, int tasks) {
    Factors factors;
    factors.backend = backend;
    factors.strategy = strategy;
    factors.workload = workload;
    factors.callback_workload = callback;
    factors.inputs = inputs;
    factors.workers = 2;
    factors.tasks = tasks;
    factors.distribution = "equal";
    return CellBuilder(canonical(std::move(factors))).build();
  }

  RepetitionResult run(const Cell& cell) { return runner_->run(cell, std::chrono::seconds(50)); }

  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(directory_ / name) << content;
    return (directory_ / name).string();
  }
  std::string place(const std::string& name) const { return (directory_ / name).string(); }

  std::unique_ptr<CellRunner> runner_ = make_child_runner({.calibration = testing_engine::unit_calibration()});

 private:
  const std::filesystem::path directory_ = [] {
    std::string path = (std::filesystem::temp_directory_path() / "poolbench-own-XXXXXX").string();
    return std::filesystem::path(::mkdtemp(path.data()));
  }();
};

TEST_F(OwnCells, GiveACommandsOutputToTheCallbackCommandInEveryStrategy) {
  const std::string inputs = file("inputs", "alpha\nbeta\ngamma\n");
  // Fails unless its standard input is the line that the task printed for the same input.
  const std::string callback = "command:sh -c 'test \"$(cat)\" = \"got {}\"'";
  for (const std::string backend : {"thread", "process"}) {
    for (const std::string strategy : {"worker", "main", "extra", "fused", "sync", "collect", "as_completed", "map"}) {
      const RepetitionResult result = run(cell(backend, strategy, "command:echo got {}", callback, inputs, 3));
      EXPECT_EQ(result.sample.status, "ok") << backend << " " << strategy << ": " << result.sample.error;
    }
  }
  const RepetitionResult wrong = run(cell("thread", "fused", "command:echo other {}", callback, inputs, 3));
  EXPECT_EQ(wrong.sample.status, "invalid");
  EXPECT_THAT(wrong.sample.error, AllOf(HasSubstr("'sh' exited with status 1"), HasSubstr("for the input '")));
}

TEST_F(OwnCells, GiveAFunctionsResultToTheCallback) {
  const std::string library = std::string("function:") + EXAMPLE_FUNCTION;
  for (const std::string backend : {"thread", "process"}) {
    for (const std::string strategy : {"none", "main", "extra", "collect"}) {
      const RepetitionResult result = run(cell(backend, strategy, library, strategy == "none" ? "" : library, "100..103", 4));
      EXPECT_EQ(result.sample.status, "ok") << backend << " " << strategy << ": " << result.sample.error;
    }
  }
  // A command may be given it, too: 25 primes are below 100.
  EXPECT_EQ(run(cell("process", "main", library, "command:grep -qx 25", "100..100", 1)).sample.status, "ok");
  EXPECT_THAT(run(cell("thread", "main", library, "command:grep -qx 26", "100..100", 1)).sample.error, HasSubstr("status 1"));
  const RepetitionResult missing = run(cell("thread", "none", library + ":count_them", "", "100..103", 4));
  EXPECT_EQ(missing.sample.status, "invalid");
  EXPECT_THAT(missing.sample.error, HasSubstr("has no entry point count_them(const char* input)"));
}

TEST_F(OwnCells, HaveCallbacksThatSleepWithoutACallbackWorkload) {
  Factors factors = cell("thread", "main", "command:true {}", "", "1..2", 2);
  factors.callback_ns = 5'000'000;
  const RepetitionResult result = run(CellBuilder(factors).build());
  ASSERT_EQ(result.sample.status, "ok") << result.sample.error;
  EXPECT_GE(result.sample.callback_sum_ns, 10'000'000);
}

TEST_F(OwnCells, AreNotCheckedBeforehandWhichWouldDoTheWorkOnceMore) {
  const std::string mark = place("mark");
  const Cell once = cell("thread", "none", "command:sh -c 'echo {} >> " + mark + "'", "", "1..1", 1);
  EXPECT_EQ(runner_->check_digests(once, std::chrono::seconds(50)), "");
  EXPECT_FALSE(std::filesystem::exists(mark));
  EXPECT_EQ(run(once).sample.status, "ok");
  EXPECT_TRUE(std::filesystem::exists(mark));
}

TEST_F(OwnCells, WhoseInputsAreGoneAreRowsThatSaySo) {
  const RepetitionResult result = run(cell("thread", "none", "command:true {}", "", place("nowhere"), 1));
  EXPECT_EQ(result.sample.status, "invalid");
  EXPECT_THAT(result.sample.error, HasSubstr("nowhere"));
}

}  // namespace
}  // namespace harness
