// The critical path of a case on an event loop.

#include <gtest/gtest.h>

#include <random>

#include "harness/model/critical_path.h"
#include "harness/model/simulate.h"
#include "harness/tests/model/chains.h"
#include "harness/tests/model/random_cases.h"

namespace harness::model {
namespace {

using testing::expect_from_0_to_the_makespan;
using testing::kLoopStrategies;
using testing::random_loop_case;
using testing::show;

constexpr int kPathCases = 3000;  // per strategy

// From 0 to the makespan without a gap, each link an activity that the prediction has.
void expect_a_chain_of_a_loop(const Case& c, const Prediction& prediction) {
  const std::vector<Link> path = critical_path(c, prediction);
  expect_from_0_to_the_makespan(c, prediction, path);
  const bool on_loop = c.strategy == Strategy::worker || c.strategy == Strategy::fused;
  for (const Link& link : path) {
    const TaskTimes& times = prediction.tasks.at(link.task);
    switch (link.activity) {
      case Activity::wait:
        EXPECT_EQ(link.start_ns, times.start_ns) << show(c);
        EXPECT_EQ(link.alone_ns, c.tasks[link.task].wait_ns) << show(c);
        break;
      case Activity::task:
        EXPECT_EQ(link.start_ns, times.resumed_ns) << show(c);
        EXPECT_EQ(link.finish_ns, times.finish_ns) << show(c);
        EXPECT_EQ(link.alone_ns, c.tasks[link.task].compute_ns) << show(c);
        break;
      case Activity::callback_wait:
        EXPECT_EQ(link.start_ns, times.callback_start_ns) << show(c);
        EXPECT_EQ(link.alone_ns, c.callbacks[link.task].wait_ns) << show(c);
        break;
      case Activity::callback:
        EXPECT_EQ(link.start_ns, on_loop ? times.callback_resumed_ns : times.callback_start_ns) << show(c);
        EXPECT_EQ(link.finish_ns, times.callback_finish_ns) << show(c);
        break;
      default:
        EXPECT_LE(link.finish_ns - link.start_ns, link.alone_ns) << show(c);
    }
  }
}

class LoopPath : public ::testing::TestWithParam<Strategy> {
 protected:
  std::mt19937_64 random_{778u + static_cast<unsigned>(GetParam())};
};

TEST_P(LoopPath, leads_from_the_first_submit_to_the_makespan_without_a_gap) {
  for (int i = 0; i < kPathCases && !HasFailure(); ++i) {
    const Case c = random_loop_case(random_, GetParam(), {.tasks = 14, .threads = 4, .cores = i % 3 == 0});
    expect_a_chain_of_a_loop(c, simulate(c));
  }
}

INSTANTIATE_TEST_SUITE_P(EveryStrategy, LoopPath, ::testing::ValuesIn(kLoopStrategies),
                         [](const auto& param) { return std::string(name(param.param)); });

TEST(LoopPaths, tell_what_each_link_waited_for) {
  Case c;
  c.executor = Executor::loop;
  c.in_flight = 2;
  c.tasks.assign(3, {.wait_ns = 10, .compute_ns = 5});
  c.overheads.wake_ns = 1;
  // 1 and 2 are ready at 10, computed from 11 and from 16; 3 starts at 16, is ready at 26, computed from 27 to 32.
  const std::vector<Link> path = critical_path(c, simulate(c));
  ASSERT_EQ(path.size(), 6u);
  EXPECT_EQ(path[0].activity, Activity::wait);
  EXPECT_EQ(path[0].released, Released::at_once);
  EXPECT_EQ(path[1].activity, Activity::dispatch);
  EXPECT_EQ(path[1].released, Released::by_wait);
  EXPECT_EQ(path[2].activity, Activity::task);
  EXPECT_EQ(path[2].released, Released::by_dispatch);
  EXPECT_EQ(path[3].released, Released::by_room);
  EXPECT_EQ(path[3].after, 0u);
  EXPECT_EQ(path[5].finish_ns, 32);

  c.in_flight = 0;
  const std::vector<Link> queued = critical_path(c, simulate(c));
  ASSERT_EQ(queued.size(), 5u);
  EXPECT_EQ(queued[4].released, Released::by_worker);
  EXPECT_EQ(queued[4].after, 1u);
}

}  // namespace
}  // namespace harness::model
