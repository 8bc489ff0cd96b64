// Stamps of hosts whose clocks are others, put on this machine's.

#include "harness/core/one_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kHost = 7;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kAhead = 1000 * kSecond;  // what its clock is

ClockHistories history(std::initializer_list<ClockReading> readings) {
  ClockHistories clocks;
  for (const ClockReading& reading : readings) clocks[kHost].add(reading);
  return clocks;
}

// As its clock has it.
TaskTrace away(std::int64_t submitted, std::int64_t started, std::int64_t finished, std::int64_t answered) {
  TaskTrace task;
  task.host = kHost;
  task.submitted_ns = submitted;
  task.started_ns = started;
  task.finished_ns = finished;
  task.answered_ns = answered;
  return task;
}

Trace trace_of(std::vector<TaskTrace> tasks) {
  Trace trace;
  trace.tasks = std::move(tasks);
  return trace;
}

TEST(OneClock, LeavesTasksOfThisMachineAlone) {
  TaskTrace here = away(5, 10, 20, 30);
  here.host = 0;
  Trace trace = trace_of({here});
  EXPECT_THAT(put_on_one_clock(trace, {}), IsEmpty());
  EXPECT_EQ(trace.tasks[0].started_ns, 10);
}

TEST(OneClock, TakesTheOffsetOff) {
  Trace trace = trace_of({away(1000, kAhead + 1500, kAhead + 1700, 2500)});
  EXPECT_THAT(put_on_one_clock(trace, history({{0, kAhead, 100}})), IsEmpty());
  EXPECT_EQ(trace.tasks[0].started_ns, 1500);
  EXPECT_EQ(trace.tasks[0].finished_ns, 1700);
}

TEST(OneClock, MovesAllTasksOfAHostTogetherAsLittleAsMakesSense) {
  // The offset is 40 too large: the first task would start 30 before it was submitted.
  Trace trace = trace_of({away(1000, kAhead + 970, kAhead + 1170, 2500), away(1000, kAhead + 1200, kAhead + 1400, 2500)});
  EXPECT_THAT(put_on_one_clock(trace, history({{0, kAhead, 100}})), IsEmpty());
  EXPECT_EQ(trace.tasks[0].started_ns, 1000);
  EXPECT_EQ(trace.tasks[0].finished_ns, 1200);
  EXPECT_EQ(trace.tasks[1].started_ns, 1230);
  EXPECT_EQ(trace.tasks[1].finished_ns, 1430);
  // And too small.
  trace = trace_of({away(1000, kAhead + 2000, kAhead + 2530, 2500)});
  EXPECT_THAT(put_on_one_clock(trace, history({{0, kAhead, 100}})), IsEmpty());
  EXPECT_EQ(trace.tasks[0].started_ns, 1970);
  EXPECT_EQ(trace.tasks[0].finished_ns, 2500);
}

TEST(OneClock, RefusesWhatNoMoveWithinTheBoundMakesPossible) {
  Trace trace = trace_of({away(1000, kAhead + 1100, kAhead + 1200, 2500), away(1000, kAhead + 800, kAhead + 1170, 2500)});
  EXPECT_THAT(put_on_one_clock(trace, history({{0, kAhead, 100}})),
              HasSubstr("known to within 100 ns, task 1 starts 200 ns before it was submitted"));
  trace = trace_of({away(1000, kAhead + 2000, kAhead + 2700, 2500)});
  EXPECT_THAT(put_on_one_clock(trace, history({{0, kAhead, 100}})), HasSubstr("task 0 ends 200 ns after its answer was here"));
}

TEST(OneClock, MovesTasksEachForItselfWhereTheClockHasDrifted) {
  Trace trace = trace_of({away(1000, kAhead + 950, kAhead + 1000, 2500), away(1000, kAhead + 2500, kAhead + 2550, 2500)});
  EXPECT_THAT(put_on_one_clock(trace, history({{0, kAhead, 100}})), IsEmpty());
  EXPECT_EQ(trace.tasks[0].started_ns, 1000);
  EXPECT_EQ(trace.tasks[1].finished_ns, 2500);
}

TEST(OneClock, CutsATaskThatSeemsLongerThanItCanHaveBeen) {
  Trace trace = trace_of({away(1000, kAhead + 1000, kAhead + 2550, 2500)});
  EXPECT_THAT(put_on_one_clock(trace, history({{0, kAhead, 100}})), IsEmpty());
  EXPECT_EQ(trace.tasks[0].started_ns, 1000);
  EXPECT_EQ(trace.tasks[0].finished_ns, 2500);
  trace = trace_of({away(1000, kAhead + 1000, kAhead + 2750, 2500)});
  EXPECT_THAT(put_on_one_clock(trace, history({{0, kAhead, 100}})), HasSubstr("250 ns after its answer was here"));
}

TEST(OneClock, HasCallbacksThatRanThereMoveAlongAndOthersStayWhereTheyAre) {
  TaskTrace there = away(1000, kAhead + 1500, kAhead + 1600, 2500);
  there.callback_host = kHost;
  there.callback_started_ns = kAhead + 1600;
  there.callback_finished_ns = kAhead + 1900;
  TaskTrace here = away(1000, kAhead + 1500, kAhead + 1600, 1595);  // its answer was here before its clock said that it had ended
  here.callback_started_ns = 1597;
  here.callback_finished_ns = 1700;
  Trace trace = trace_of({there, here});
  EXPECT_THAT(put_on_one_clock(trace, history({{0, kAhead, 100}})), IsEmpty());
  EXPECT_EQ(trace.tasks[0].callback_started_ns, 1595);
  EXPECT_EQ(trace.tasks[0].callback_finished_ns, 1895);
  EXPECT_EQ(trace.tasks[1].finished_ns, 1595);
  EXPECT_EQ(trace.tasks[1].callback_started_ns, 1597);
}

TEST(OneClock, FollowsAClockThatDrifts) {
  // It gains 50 us a second.
  const auto clocks = history({{0, kAhead, 100}, {kSecond, kAhead + 50'000, 100}, {2 * kSecond, kAhead + 100'000, 100}});
  const std::int64_t half = kSecond / 2;
  Trace trace = trace_of({away(half - 1000, half + kAhead + 25'000, half + kAhead + 25'500, half + 5000)});
  EXPECT_THAT(put_on_one_clock(trace, clocks), IsEmpty());
  EXPECT_NEAR(static_cast<double>(trace.tasks[0].started_ns), static_cast<double>(half), 5);
}

TEST(OneClock, KeepsTheMostExactOfReadingsThatFollowEachOtherQuickly) {
  ClockHistory history;
  history.add({0, 900, 500});
  history.add({1000, 1000, 50});
  history.add({2000, 1200, 400});
  EXPECT_EQ(history.when_it_was(2000).offset_ns, 1000);
  EXPECT_EQ(history.when_it_was(2000).bound_ns, 50);
  EXPECT_GT(history.when_it_was(10 * kSecond).bound_ns, 900'000) << "it may have drifted by 100 ppm";
}

TEST(OneClock, IsNotGuessed) {
  Trace trace = trace_of({away(1000, kAhead + 1500, kAhead + 1700, 2500)});
  EXPECT_THAT(put_on_one_clock(trace, {}), HasSubstr("is not known"));
}

}  // namespace
}  // namespace harness
