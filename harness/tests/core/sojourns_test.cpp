// What is measured of tasks that arrived, from traces written by hand.

#include "harness/core/sojourns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kOrigin = 1'000'000'000;

// Released `lag` after its arrival, begun after `wait` more, ended after `takes`. ms.
TaskTrace client(std::int64_t arrived, std::int64_t lag, std::int64_t wait, std::int64_t takes) {
  TaskTrace task;
  task.arrived_ns = task.due_ns = kOrigin + arrived * kMillisecond;
  task.submitted_ns = task.due_ns + lag * kMillisecond;
  task.started_ns = task.submitted_ns + wait * kMillisecond;
  task.finished_ns = task.started_ns + takes * kMillisecond;
  return task;
}

TaskTrace rejected_client(std::int64_t arrived) {
  TaskTrace task;
  task.arrived_ns = task.due_ns = task.submitted_ns = kOrigin + arrived * kMillisecond;
  task.rejected = true;
  return task;
}

TEST(Sojourns, CountFromTheIntendedArrivalToTheEndOfTheCallback) {
  Trace trace;
  trace.tasks = {client(0, 3, 0, 10), client(1, 0, 5, 10), rejected_client(2)};
  trace.tasks[1].callback_started_ns = trace.tasks[1].finished_ns + kMillisecond;
  trace.tasks[1].callback_finished_ns = trace.tasks[1].callback_started_ns + 2 * kMillisecond;
  EXPECT_THAT(sojourns_ns(trace), ElementsAre(13 * kMillisecond, 18 * kMillisecond, kNoStamp));
}

TEST(Sojourns, FillTheColumns) {
  Trace trace;
  trace.tasks = {client(0, 0, 0, 100), client(10, 5, 20, 10), client(10, 5, 30, 10), rejected_client(20), client(50, 0, 0, 50)};
  Measures measures;
  measure_arrivals(trace, 0, measures);
  EXPECT_EQ(measures.rejected, 1);
  EXPECT_EQ(measures.sojourn_mean_ns, (100 + 35 + 45 + 50) * kMillisecond / 4);
  EXPECT_EQ(measures.sojourn_p50_ns, 45 * kMillisecond);
  EXPECT_EQ(measures.sojourn_max_ns, 100 * kMillisecond);
  EXPECT_EQ(measures.release_lag_max_ns, 5 * kMillisecond);
  EXPECT_EQ(measures.queue_max, 2);
  EXPECT_EQ(makespan_ns(trace), 100 * kMillisecond);
  EXPECT_DOUBLE_EQ(measures.completed_per_s, 40);
  EXPECT_DOUBLE_EQ(measures.clients_mean, (100 + 30 + 40 + 50) / 100.0);
}

// Who is late is served, and counts like anybody; of who was rejected nobody knows. The first tenth is counted, too.
TEST(Sojourns, AreLateAfterTheDeadline) {
  Trace trace;
  trace.tasks = {client(0, 0, 0, 100), client(10, 5, 20, 10), client(10, 5, 30, 10), rejected_client(20), client(50, 0, 0, 50)};
  Measures measures;
  measure_arrivals(trace, 45 * kMillisecond, measures);
  EXPECT_EQ(measures.late_by_deadline, 2) << "100 and 50 ms; 45 ms are in time";
  EXPECT_EQ(measures.rejected, 1);
  EXPECT_EQ(measures.sojourn_max_ns, 100 * kMillisecond);
  measure_arrivals(trace, 45 * kMillisecond - 1, measures);
  EXPECT_EQ(measures.late_by_deadline, 3);
  measure_arrivals(trace, 0, measures);
  EXPECT_EQ(measures.late_by_deadline, 0);
}

// Of ten clients the first finds an empty system: its time is in the mean, which is Little's, and in no percentile.
TEST(Sojourns, LeaveTheFirstTenthOutOfPercentiles) {
  Trace trace;
  for (int i = 0; i < 10; ++i) trace.tasks.push_back(client(10 * i, 0, 0, i == 0 ? 500 : 20));
  Measures measures;
  measure_arrivals(trace, 0, measures);
  EXPECT_EQ(measures.sojourn_max_ns, 20 * kMillisecond);
  EXPECT_EQ(measures.sojourn_mean_ns, 68 * kMillisecond);
  EXPECT_EQ(first_counted(9), 0u);
  EXPECT_EQ(first_counted(1000), 100u);
}

// Little's law: L = lambda W, exact where nothing was released late.
TEST(Sojourns, ObeyLittlesLaw) {
  Trace trace;
  for (int i = 0; i < 50; ++i) trace.tasks.push_back(client(7 * i, 0, i % 3, 10 + i % 11));
  Measures measures;
  measure_arrivals(trace, 0, measures);
  EXPECT_NEAR(measures.clients_mean, measures.completed_per_s * static_cast<double>(measures.sojourn_mean_ns) / 1e9, 1e-6);
}

TEST(Sojourns, OfAFullQueueThatHeldTheGeneratorAreNoLagOfIts) {
  Trace trace;
  trace.tasks = {client(0, 0, 0, 10), client(1, 40, 0, 10)};
  trace.tasks[1].due_ns = trace.tasks[1].submitted_ns;
  Measures measures;
  measure_arrivals(trace, 0, measures);
  EXPECT_EQ(measures.release_lag_max_ns, 0);
  EXPECT_EQ(measures.sojourn_max_ns, 50 * kMillisecond);  // his wait all the same
}

TEST(LateReleases, MakeARepetitionInvalidBeyondALimitFixedBeforehand) {
  Trace trace;
  Cell cell;
  cell.tasks = 100;
  cell.task_durations_ns.assign(100, kMillisecond);
  cell.callback_durations_ns.assign(100, 0);
  for (int i = 0; i < 100; ++i) trace.tasks.push_back(client(i, i == 5 ? 3 : 1, 0, 1));
  EXPECT_EQ(late_releases(trace, cell), "");  // one of a hundred may be later than 1 ms
  trace.tasks[6] = client(6, 2, 0, 1);
  EXPECT_THAT(late_releases(trace, cell), HasSubstr("1 % of them more than 2"));
  trace.resources.cgroup_throttled_ns = 999'999;
  EXPECT_THAT(late_releases(trace, cell), HasSubstr("1 % of them more than 2"));
  trace.resources.cgroup_throttled_ns = 1'000'000;  // a quota stopped everybody for so long
  EXPECT_EQ(late_releases(trace, cell), "");
  trace.resources.cgroup_throttled_ns = 0;
  cell.callback_durations_ns.assign(100, 19 * kMillisecond);  // a tenth of 20 ms
  EXPECT_EQ(late_releases(trace, cell), "");
  EXPECT_EQ(most_release_lag_ns(cell), 2 * kMillisecond);
  trace.tasks[0].arrived_ns = kNoStamp;
  EXPECT_EQ(late_releases(trace, cell), "");  // a batch
}

}  // namespace
}  // namespace harness
