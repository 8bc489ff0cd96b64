// No peer races that loses a task, runs one twice or delivers another's result; and who ran a task is what the count says.

#include "pools/benchmarks/peers/catalogue.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>

#include "pools/benchmarks/peers/bursts.h"
#include "pools/benchmarks/peers/check.h"
#include "pools/benchmarks/peers/machine.h"
#include "pools/benchmarks/peers/process_peers.h"

namespace pools::benchmarks {
namespace {

constexpr Effort kTiny{.tasks = 300, .seconds = 0.001, .at_least = 100, .scale = 0.01};

class PeerCheck : public testing::TestWithParam<std::tuple<std::string, int, int>> {
 protected:
  static const ThreadPeer& peer() {
    for (const ThreadPeer& peer : thread_peers()) {
      if (peer.name == std::get<0>(GetParam())) return peer;
    }
    throw std::logic_error("no such peer");
  }
  static Entry entry() { return {.workers = std::get<1>(GetParam()), .producers = std::get<2>(GetParam())}; }
};

TEST_P(PeerCheck, EveryTaskRunsOnceAndEveryFutureDelivers) { EXPECT_EQ(peer().check(entry()), std::vector<std::string>{}); }

TEST_P(PeerCheck, WhoRunsTheTasksIsWhatThePeerSays) {
  for (const auto& run : peer().runs) {
    if (run.scenario != "detached" && run.scenario != "future") continue;
    const Measured measured = run.measure(entry(), kTiny);
    EXPECT_GT(measured.tasks, 0) << run.scenario;
    EXPECT_GT(measured.value, 0) << run.scenario;
    EXPECT_GE(measured.producer_share, 0) << run.scenario;
    EXPECT_LE(measured.producer_share, 1) << run.scenario;
    if (peer().executed_by != ExecutedBy::helping) {
      EXPECT_EQ(measured.producer_share, 0) << run.scenario;
    }
  }
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const ThreadPeer& peer : thread_peers()) all.emplace_back(peer.name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Peers, PeerCheck,
                         testing::Combine(testing::ValuesIn(names()), testing::Values(1, 4), testing::Values(1, 4)),
                         [](const auto& tested) {
                           return std::get<0>(tested.param) + "_" + std::to_string(std::get<1>(tested.param)) + "_workers_" +
                                  std::to_string(std::get<2>(tested.param)) + "_producers";
                         });

TEST(Race, EveryScenarioOfEveryThreadPeerMeasuresSomething) {
  for (const ThreadPeer& peer : thread_peers()) {
    for (const auto& run : peer.runs) {
      const Measured measured = run.measure({.workers = 2, .producers = 1}, kTiny);
      EXPECT_GT(measured.tasks, 0) << peer.name << " " << run.scenario;
      EXPECT_GT(measured.seconds, 0) << peer.name << " " << run.scenario;
    }
  }
}

TEST(Race, EveryScenarioOfEveryProcessPeerMeasuresSomething) {
  for (const ProcessPeer& peer : process_peers()) {
    for (const auto& run : peer.runs) {
      const Measured measured = run.measure({.workers = 2, .producers = 1}, kTiny);
      EXPECT_GT(measured.tasks, 0) << peer.name << " " << run.scenario;
      EXPECT_GT(measured.seconds, 0) << peer.name << " " << run.scenario;
    }
  }
}

TEST(Race, NoTwoPeersAndNoTwoScenariosOfAPeerHaveOneName) {
  std::set<std::string_view> peers;
  for (const ThreadPeer& peer : thread_peers()) {
    EXPECT_TRUE(peers.insert(peer.name).second) << peer.name;
    std::set<std::string_view> scenarios;
    for (const auto& run : peer.runs) EXPECT_TRUE(scenarios.insert(run.scenario).second) << run.scenario;
  }
}

TEST(Race, SizesAreEachThereOnceAndAPeerWithoutWorkersHasOne) {
  const auto sizes = [](Entries entries, bool has_workers, int cores) {
    std::vector<std::pair<int, int>> all;
    for (const Entry& entry : entries_of(entries, has_workers, cores)) all.emplace_back(entry.workers, entry.producers);
    return all;
  };
  using Sizes = std::vector<std::pair<int, int>>;
  EXPECT_EQ(sizes(Entries::sizes, true, 2), (Sizes{{1, 1}, {2, 1}, {4, 1}, {10, 1}}));
  EXPECT_EQ(sizes(Entries::sizes, true, 8), (Sizes{{1, 1}, {2, 1}, {4, 1}, {8, 1}, {40, 1}}));
  EXPECT_EQ(sizes(Entries::sizes_and_producers, true, 1),
            (Sizes{{1, 1}, {1, 4}, {2, 1}, {2, 4}, {4, 1}, {4, 4}, {5, 1}, {5, 4}}));
  EXPECT_EQ(sizes(Entries::sizes_and_producers, false, 2), (Sizes{{0, 1}, {0, 4}}));
  EXPECT_EQ(sizes(Entries::five_times, true, 2), (Sizes{{10, 1}}));
  EXPECT_EQ(sizes(Entries::cores_and_ten_times, true, 2), (Sizes{{2, 1}, {20, 1}}));
}

// --- the check itself ---------------------------------------------------------------------------------------------------

// Runs every task where it is submitted, and one of them in a way of its own.
struct Faulty : contenders::Defaults {
  static constexpr ExecutedBy kExecutedBy = ExecutedBy::helping;
  explicit Faulty(int) {}
  template <class F>
  void post(F f) {
    f();
    if (++posted == 6) f();
  }
  template <class F>
  int submit(F f) {
    const int value = f();
    return ++submitted == 8 ? -5 : value;
  }
  int result(int value) { return value; }
  int posted = 0;
  int submitted = 0;
};

TEST(PeerCheckItself, FindsATaskThatRanTwiceAndAResultThatIsWrong) {
  EXPECT_EQ(check_peer<Faulty>({.workers = 1, .producers = 1}),
            (std::vector<std::string>{"posted task 5 ran times: 2", "the future of task 7 delivered -5"}));
}

TEST(PeerCheckItself, ABurstThatRanATaskTwiceIsNoMeasurement) {
  Faulty faulty(1);
  EXPECT_THROW(burst_of_posts(faulty, 1, 10), std::runtime_error);
  Faulty wrong(1);
  EXPECT_THROW(burst_of_submits(wrong, 1, 10, submit_empty), std::runtime_error);
}

// --- counting -----------------------------------------------------------------------------------------------------------

TEST(ExecutionsCount, WhatAThreadRanIsItsRolesAlsoWhenItHasEnded) {
  const Executions before = executions();
  std::thread([] {
    count_execution();
    const ProducerScope scope;
    count_execution();
    count_execution();
  }).join();
  count_execution();
  const Executions ran = executions() - before;
  EXPECT_EQ(ran.by_workers, 2);
  EXPECT_EQ(ran.by_producers, 2);
  EXPECT_EQ(ran.producer_share(), 0.5);
}

TEST(Median, IsTheLowerMiddle) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 3, 2}), 2);
  EXPECT_EQ(median({}), 0);
}

TEST(FittingTasks, StaysBetweenTheBoundsAndFollowsTheTime) {
  const Effort effort{.tasks = 5000, .seconds = 1, .at_least = 10};
  const auto at = [&](double seconds_per_task) {
    return fitting_tasks(effort, 4000, [=](std::int64_t tasks) { return static_cast<double>(tasks) * seconds_per_task; });
  };
  EXPECT_EQ(at(1e-2), 100);
  EXPECT_EQ(at(1e-9), 4000);
  EXPECT_EQ(at(10), 10);
}

TEST(Machine, MoreRoundsForMoreTimeAndMoreMemoryWhenMoreIsTouched) {
  EXPECT_GT(spin_rounds_of(std::chrono::microseconds(100)), spin_rounds_of(std::chrono::microseconds(10)));
  const std::int64_t before = resident_bytes();
  const std::vector<char> touched(64 << 20, 1);
  EXPECT_GE(resident_bytes() - before, 32 << 20) << touched.back();
}

}  // namespace
}  // namespace pools::benchmarks
