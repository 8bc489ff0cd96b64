// The child runner: what a repetition can do to itself, and that the sweep gets a row and a clean machine every time.

#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "harness/engine/child_runner.h"
#include "harness/tests/engine/cells.h"

namespace harness {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing_engine::make_cell;

// Long enough that only a hang reaches it.
constexpr auto kGenerous = 50s;

// A directory of the test's own, gone with it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() { ::mkdtemp(path_.data()); }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::filesystem::path path() const { return path_; }
  bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "poolbench-test-XXXXXX").string();
};

class ChildRunnerTest : public testing::Test {
 protected:
  ~ChildRunnerTest() override {
    runner_.reset();
    EXPECT_TRUE(scratch_parent_.empty()) << "a scratch directory was left behind";
    // The runner has made this process the heir of its descendants' orphans, so one left behind would be a child now.
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a process was left behind";
    EXPECT_EQ(errno, ECHILD);
  }

  TemporaryDirectory scratch_parent_;
  std::unique_ptr<CellRunner> runner_ =
      make_child_runner({.calibration = testing_engine::unit_calibration(), .scratch_parent = scratch_parent_.path()});
};

void expect_failure(const RepetitionResult& result, std::string_view status) {
  EXPECT_EQ(result.sample.status, status);
  EXPECT_FALSE(result.interrupted);
  EXPECT_FALSE(result.trace.has_value());
  EXPECT_THAT(result.sample.error, AllOf(Not(testing::IsEmpty()), Not(HasSubstr("\n"))));
  EXPECT_EQ(result.sample.makespan_ns, 0);
}

TEST_F(ChildRunnerTest, RunsACellInAnotherProcessAndMeasuresIt) {
  const Cell cell = make_cell({.backend = "thread", .strategy = "main"});
  const RepetitionResult result = runner_->run(cell, kGenerous);
  EXPECT_EQ(result.sample.status, "ok") << result.sample.error;
  EXPECT_EQ(result.sample.error, "");
  EXPECT_EQ(result.sample.cell_id, cell.cell_id);
  EXPECT_GE(result.sample.load1, 0);
  ASSERT_TRUE(result.trace.has_value());
  EXPECT_EQ(result.sample.makespan_ns, makespan_ns(*result.trace));
  EXPECT_NE(result.trace->tasks.front().pid, ::getpid());
}

TEST_F(ChildRunnerTest, MakesACrashARowWithTheSignalAndTheLastWords) {
  const RepetitionResult result = runner_->run(make_cell({.backend = "segfault"}), kGenerous);
  expect_failure(result, "crash");
  EXPECT_THAT(result.sample.error, AllOf(HasSubstr("signal 11"), HasSubstr("something is rotten")));
}

TEST_F(ChildRunnerTest, MakesAnExitARowWithItsStatus) {
  const RepetitionResult result = runner_->run(make_cell({.backend = "exit"}), kGenerous);
  expect_failure(result, "crash");
  EXPECT_EQ(result.sample.error, "exited with status 3");
}

TEST_F(ChildRunnerTest, DoesNotTakeAnExitWithZeroForAnAnswer) {
  const RepetitionResult result = runner_->run(make_cell({.backend = "silent_exit"}), kGenerous);
  expect_failure(result, "crash");
  EXPECT_EQ(result.sample.error, "exited without an answer");
}

TEST_F(ChildRunnerTest, MakesAnExceptionAnInvalidRowWithItsMessage) {
  const RepetitionResult result = runner_->run(make_cell({.backend = "throw"}), kGenerous);
  expect_failure(result, "invalid");
  EXPECT_EQ(result.sample.error, "first line second line");
  expect_failure(runner_->run(make_cell({.backend = "throw_int"}), kGenerous), "invalid");
}

TEST_F(ChildRunnerTest, MakesAnIncompleteTraceAnInvalidRow) {
  const RepetitionResult result = runner_->run(make_cell({.backend = "half_a_trace"}), kGenerous);
  expect_failure(result, "invalid");
  EXPECT_THAT(result.sample.error, HasSubstr("task 5"));
}

TEST_F(ChildRunnerTest, MakesCallbacksThatRanElsewhereThanTheStrategySaysAnInvalidRow) {
  const RepetitionResult result = runner_->run(make_cell({.backend = "callbacks_elsewhere", .strategy = "main"}), kGenerous);
  expect_failure(result, "invalid");
  EXPECT_THAT(result.sample.error, testing::AllOf(HasSubstr("the callback of task 0"), HasSubstr("no 'main'")));
}

TEST_F(ChildRunnerTest, MakesUnknownNamesInvalidRows) {
  const RepetitionResult no_backend = runner_->run(make_cell({.backend = "fibre"}), kGenerous);
  expect_failure(no_backend, "invalid");
  EXPECT_THAT(no_backend.sample.error, HasSubstr("fibre"));
  expect_failure(runner_->run(make_cell({.workload = "dance"}), kGenerous), "invalid");
}

TEST_F(ChildRunnerTest, KillsAHangAtItsDeadlineWithEveryProcessItStarted) {
  const RepetitionResult result = runner_->run(make_cell({.backend = "hang"}), 5s);
  expect_failure(result, "timeout");
  EXPECT_THAT(result.sample.error, AllOf(HasSubstr("deadline of 5"), MatchesRegex(".*: workers [0-9]+ [0-9]+")));
  // That they are gone is checked when the test is torn down; that these were they, here.
  std::istringstream words(result.sample.error.substr(result.sample.error.rfind("workers") + 7));
  for (pid_t worker = 0; words >> worker;) EXPECT_EQ(::kill(worker, 0), -1) << worker;
}

TEST_F(ChildRunnerTest, KillsTheWorkersOfARepetitionThatCrashed) {
  const RepetitionResult result = runner_->run(make_cell({.backend = "orphans"}), kGenerous);
  expect_failure(result, "crash");
  EXPECT_THAT(result.sample.error, MatchesRegex(".*: workers [0-9]+ [0-9]+"));
  std::istringstream words(result.sample.error.substr(result.sample.error.rfind("workers") + 7));
  for (pid_t worker = 0; words >> worker;) EXPECT_EQ(::kill(worker, 0), -1) << worker;
}

TEST_F(ChildRunnerTest, KillsWhatARepetitionThatWentWellLeftRunning) {
  const RepetitionResult result = runner_->run(make_cell({.backend = "abandon"}), kGenerous);
  EXPECT_EQ(result.sample.status, "ok") << result.sample.error;
}

TEST_F(ChildRunnerTest, GoesOnAfterAFailure) {
  expect_failure(runner_->run(make_cell({.backend = "segfault"}), kGenerous), "crash");
  EXPECT_EQ(runner_->run(make_cell({.backend = "process", .strategy = "extra"}), kGenerous).sample.status, "ok");
}

TEST_F(ChildRunnerTest, IsNotHeldUpByAChildThatPrintsMuch) {
  EXPECT_EQ(runner_->run(make_cell({.backend = "shout"}), kGenerous).sample.status, "ok");
}

TEST_F(ChildRunnerTest, LeavesNoDescriptorsOpen) {
  const auto open_descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  runner_->run(make_cell({}), kGenerous);
  const auto before = open_descriptors();
  runner_->run(make_cell({.backend = "process"}), kGenerous);
  runner_->run(make_cell({.backend = "segfault"}), kGenerous);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ChildRunnerTest, ReturnsInterruptedAndLeavesNothingRunning) {
  const TemporaryDirectory directory;
  const std::string fifo = (directory.path() / "hanging").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  Cell cell = make_cell({.backend = "hang"});
  cell.workers_spec = fifo;  // opened by the child when its workers run
  std::thread interrupter([&] {
    const int hanging = ::open(fifo.c_str(), O_RDONLY | O_CLOEXEC);  // returns when the child opens it too
    runner_->interrupt();
    ::close(hanging);
  });
  const RepetitionResult result = runner_->run(cell, kGenerous);
  interrupter.join();
  EXPECT_TRUE(result.interrupted);
  EXPECT_NE(result.sample.status, "ok");
  EXPECT_TRUE(runner_->run(make_cell({}), kGenerous).interrupted) << "an interrupt is final";
}

TEST_F(ChildRunnerTest, GivesWorkloadsTheServersAndTheScratchDirectoryTheyNeed) {
  for (const std::string_view workload : {"tcp_echo", "http_page", "file_io"}) {
    for (const std::string_view backend : {"thread", "process"}) {
      const Cell cell = make_cell({.backend = backend, .strategy = "worker", .workload = workload, .callback_ns = 0});
      EXPECT_EQ(runner_->check_digests(cell, kGenerous), "") << workload << " on " << backend;
      const RepetitionResult result = runner_->run(cell, kGenerous);
      EXPECT_EQ(result.sample.status, "ok") << workload << " on " << backend << ": " << result.sample.error;
    }
  }
  EXPECT_FALSE(scratch_parent_.empty());
}

TEST_F(ChildRunnerTest, GivesThePageToWhoeverParsesIt) {
  for (const std::string_view strategy : {"worker", "main", "extra", "fused", "collect", "as_completed", "map"}) {
    const Cell cell = make_cell({.backend = "process", .strategy = strategy, .workload = "http_page", .callback_ns = 0});
    // Only the first of them is checked by check_digests, the works being the same: compare the traces themselves.
    const RepetitionResult result = runner_->run(cell, kGenerous);
    ASSERT_EQ(result.sample.status, "ok") << strategy << ": " << result.sample.error;
    const RepetitionResult reference =
        runner_->run(make_cell({.backend = "inline", .strategy = "fused", .workload = "http_page", .callback_ns = 0}), kGenerous);
    ASSERT_EQ(reference.sample.status, "ok") << reference.sample.error;
    for (std::size_t task = 0; task < result.trace->tasks.size(); ++task) {
      EXPECT_EQ(result.trace->tasks[task].callback_digest, reference.trace->tasks[task].callback_digest) << strategy;
    }
  }
}

TEST_F(ChildRunnerTest, TidiesUpAfterARepetitionThatCrashedWhileWriting) {
  const RepetitionResult result = runner_->run(make_cell({.backend = "litter", .workload = "file_io"}), kGenerous);
  expect_failure(result, "crash");
  const std::filesystem::path scratch = std::filesystem::directory_iterator(scratch_parent_.path())->path();
  EXPECT_TRUE(std::filesystem::is_empty(scratch));
}

TEST_F(ChildRunnerTest, FindsDigestsThatDiffer) {
  EXPECT_EQ(runner_->check_digests(make_cell({.backend = "thread", .strategy = "main"}), kGenerous), "");
  EXPECT_THAT(runner_->check_digests(make_cell({.backend = "wrong_digest"}), kGenerous),
              AllOf(HasSubstr("hash gives digest"), HasSubstr("on wrong_digest")));
  EXPECT_THAT(runner_->check_digests(make_cell({.backend = "wrong_callback_digest", .strategy = "fused"}), kGenerous),
              AllOf(HasSubstr("callback"), HasSubstr("on wrong_callback_digest")));
}

TEST_F(ChildRunnerTest, ReportsADigestCheckThatFails) {
  EXPECT_THAT(runner_->check_digests(make_cell({.backend = "segfault"}), kGenerous),
              AllOf(HasSubstr("segfault: crash"), HasSubstr("signal 11")));
  EXPECT_THAT(runner_->check_digests(make_cell({.workload = "dance"}), kGenerous), HasSubstr("dance"));
}

TEST_F(ChildRunnerTest, ChecksEachWorkOncePerBackend) {
  const Cell cell = make_cell({.backend = "thread"});
  EXPECT_EQ(runner_->check_digests(cell, kGenerous), "");
  // A deadline that nothing meets: only a check that has nothing to run passes.
  EXPECT_EQ(runner_->check_digests(make_cell({.backend = "thread", .workers = 1}), 1ns), "");
  EXPECT_THAT(runner_->check_digests(make_cell({.backend = "process"}), 1ns), HasSubstr("process: timeout"));
}

TEST_F(ChildRunnerTest, ChecksWaitingWorkWithoutTheWait) {
  // An hour of sleep, checked within the test's time.
  EXPECT_EQ(runner_->check_digests(
                make_cell({.backend = "thread", .strategy = "worker", .workload = "sleep", .task_ns = 3'600'000'000'000}),
                kGenerous),
            "");
}

}  // namespace
}  // namespace harness
