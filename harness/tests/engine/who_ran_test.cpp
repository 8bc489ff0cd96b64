// A callback that ran elsewhere than its strategy says is found, by the ids in the trace.

#include "harness/engine/who_ran.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "harness/tests/engine/cells.h"

namespace harness {
namespace {

using testing::HasSubstr;

constexpr std::int32_t kMain = 100;
constexpr std::int32_t kSubmitter = 100;

struct Ran {
  std::int32_t pid;
  std::int32_t tid;
  std::int32_t callback_pid;
  std::int32_t callback_tid;
};

std::string misplaced(std::string_view strategy, const std::vector<Ran>& tasks, const MayRun& may = {}) {
  Trace trace;
  trace.main_pid = kMain;
  trace.submitter_tid = kSubmitter;
  for (const Ran& ran : tasks) {
    TaskTrace task;
    task.pid = ran.pid;
    task.tid = ran.tid;
    task.callback_pid = ran.callback_pid;
    task.callback_tid = ran.callback_tid;
    trace.tasks.push_back(task);
  }
  return misplaced_callback(trace, testing_engine::make_cell({.strategy = strategy, .tasks = static_cast<int>(tasks.size())}),
                            may);
}

TEST(WhoRan, ACallbackOnTheWorkerIsItsTasksThread) {
  for (const char* strategy : {"worker", "fused"}) {
    EXPECT_EQ(misplaced(strategy, {{kMain, 101, kMain, 101}, {7, 7, 7, 7}}), "");
    EXPECT_THAT(misplaced(strategy, {{kMain, 101, kMain, 101}, {kMain, 102, kMain, 101}}),
                testing::AllOf(HasSubstr("the callback of task 1 ran on thread 101 of process 100"), HasSubstr("thread 102"),
                               HasSubstr(strategy)));
    EXPECT_NE(misplaced(strategy, {{7, 7, 8, 7}}), "");
  }
}

TEST(WhoRan, OnAnEventLoopAnyOfItsThreadsGoesOnWithATask) {
  const MayRun any{.any_worker = true};
  EXPECT_EQ(misplaced("worker", {{kMain, 101, kMain, 101}, {kMain, 102, kMain, 101}}, any), "");
  EXPECT_THAT(misplaced("worker", {{kMain, 101, kMain, kSubmitter}}, any), HasSubstr("does not submit"));
  EXPECT_THAT(misplaced("fused", {{kMain, 101, 7, 101}}, any), HasSubstr("of the main process"));
  EXPECT_NE(misplaced("collect", {{kMain, 101, kMain, 101}}, any), "");
  EXPECT_EQ(misplaced("worker", {{kMain, kSubmitter, kMain, kSubmitter}}, any), "") << "who submits is the loop";
}

TEST(WhoRan, TheCallbackThreadIsOneOfTheMainProcessThatRunsNoTasks) {
  EXPECT_EQ(misplaced("main", {{kMain, 101, kMain, 109}, {kMain, 102, kMain, 109}}), "");
  EXPECT_EQ(misplaced("main", {{7, 7, kMain, 109}, {8, 8, kMain, 109}}), "");
  EXPECT_THAT(misplaced("main", {{kMain, 101, kMain, 101}, {kMain, 101, kMain, 101}}), HasSubstr("runs callbacks only"));
  EXPECT_THAT(misplaced("main", {{7, 7, kMain, 109}, {8, 8, kMain, 110}}), HasSubstr("that of the others, thread 109"));
  EXPECT_THAT(misplaced("main", {{7, 7, 8, 109}}), HasSubstr("the main process"));
}

TEST(WhoRan, ParsersAreProcessesOfTheirOwnAndNoMoreThanTheCellHas) {
  EXPECT_EQ(misplaced("extra", {{kMain, 101, 7, 7}, {kMain, 101, 8, 8}}), "");
  EXPECT_THAT(misplaced("extra", {{kMain, 101, kMain, 102}}), HasSubstr("a parser process"));
  EXPECT_THAT(misplaced("extra", {{7, 7, 8, 8}, {8, 8, 9, 9}}), HasSubstr("a parser process"));
  EXPECT_THAT(misplaced("extra", {{kMain, 101, 7, 7}, {kMain, 101, 8, 8}, {kMain, 101, 9, 9}}), HasSubstr("one of 2 parsers"));
}

TEST(WhoRan, TheCallerIsTheThreadThatSubmits) {
  for (const char* strategy : {"sync", "collect", "as_completed", "map"}) {
    EXPECT_EQ(misplaced(strategy, {{kMain, 101, kMain, kSubmitter}}), "");
    EXPECT_THAT(misplaced(strategy, {{kMain, 101, kMain, 101}}), HasSubstr("the one that submits"));
  }
}

TEST(WhoRan, WhoAttachesLateMayRunACallbackOnTheThreadThatSubmits) {
  const std::vector<Ran> late{{kMain, 101, kMain, kSubmitter}, {kMain, 101, kMain, 101}};
  EXPECT_NE(misplaced("worker", late), "");
  EXPECT_EQ(misplaced("worker", late, {.attaches_late = true}), "");
}

TEST(WhoRan, NobodyIsAskedWhereThereAreNoCallbacks) { EXPECT_EQ(misplaced("none", {{kMain, 101, 0, 0}}), ""); }

}  // namespace
}  // namespace harness
