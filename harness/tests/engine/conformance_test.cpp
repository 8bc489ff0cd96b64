// What every backend that is registered in a CMakeLists.txt has to do: carry out each strategy as its definition says. Other libraries' pools and
// event loops, as this project's own do in strategies_test.cpp.

#include "harness/engine/backends/contenders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "contenders/posting_pool.h"
#include "harness/base/errors.h"
#include "harness/engine/backends/event_loops.h"
#include "harness/engine/repetition.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/engine/who_ran.h"
#include "harness/tests/engine/cells.h"
#include "harness/tests/engine/own_process.h"

namespace harness {
namespace {

using testing_engine::CellShape;
using testing_engine::in_a_process_of_its_own;
using testing_engine::make_cell;
using testing_engine::make_prepared;

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& backends : {contender_backends(), event_loop_backends()}) {
    for (const Backend* backend : backends) {
      if (backend->missing().empty()) all.emplace_back(backend->name());
    }
  }
  return all;
}
std::vector<std::string> defined_strategies() {
  std::vector<std::string> all;
  for (const StrategyInfo& strategy : strategies()) {
    if (strategy.name != "map") all.emplace_back(strategy.name);
  }
  return all;
}

class Conformance : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  const Backend& backend() const { return find_backend(std::get<0>(GetParam())); }
  CellShape shape(int tasks) const {
    const int workers = backend().workers(2, tasks);
    return {.backend = backend().name(), .strategy = std::get<1>(GetParam()), .workers = workers, .tasks = tasks};
  }
  int threads_at_once(const Cell& cell) const {
    return is_event_loop(cell.backend) ? cell.workers : backend().tasks_at_once(cell);
  }

  void expect_carried_out(const CellShape& own) const {
    const Cell cell = make_cell(own);
    EXPECT_EQ(skip_reason(cell), std::nullopt);
    const Trace trace = backend().run(make_prepared(own));
    ASSERT_EQ(defect_of(trace, cell), "");
    EXPECT_EQ(misplaced_callback(trace, cell, {.any_worker = backend().any_worker_calls_back()}), "");

    CellShape inline_shape = own;
    inline_shape.backend = "inline";
    inline_shape.strategy = has_callbacks(own.strategy) ? "fused" : "none";
    const Trace reference = find_backend("inline").run(make_prepared(inline_shape));
    std::set<std::int32_t> tids;
    for (std::size_t index = 0; index < trace.tasks.size(); ++index) {
      EXPECT_EQ(trace.tasks[index].digest, reference.tasks[index].digest);
      EXPECT_EQ(trace.tasks[index].callback_digest, reference.tasks[index].callback_digest);
      EXPECT_EQ(trace.tasks[index].pid, trace.main_pid);
      tids.insert(trace.tasks[index].tid);
    }
    EXPECT_LE(tids.size(), static_cast<std::size_t>(threads_at_once(cell)));
  }
};

TEST_P(Conformance, CarriesOutTheStrategyAsItsDefinitionSays) {
  for (const std::string_view workload : {"hash", "mixed"}) {
    for (const int tasks : {1, 40}) {
      CellShape own = shape(tasks);
      own.workload = workload;
      in_a_process_of_its_own([&] { expect_carried_out(own); });
    }
  }
}

TEST_P(Conformance, ThrowsWhatATaskThrows) {
  CellShape refused = shape(3);
  refused.workload = "tcp_echo";  // port 0 in the context: no server runs
  refused.task_ns = 0;
  in_a_process_of_its_own([&] { EXPECT_THROW(backend().run(make_prepared(refused)), std::exception); });
}

INSTANTIATE_TEST_SUITE_P(Engine, Conformance,
                         testing::Combine(testing::ValuesIn(names()), testing::ValuesIn(defined_strategies())),
                         [](const auto& tested) { return std::get<1>(tested.param) + "_on_" + std::get<0>(tested.param); });

TEST(EventLoops, AreAllKnownAndThoseThatThisBuildGoesWithoutSayWhatTheyLack) {
  ASSERT_FALSE(registered_loops().empty());
  for (const RegisteredLoop& loop : registered_loops()) {
    const Backend& backend = find_backend(loop.name);
    EXPECT_TRUE(is_event_loop(loop.name));
    EXPECT_EQ(backend.summary(), loop.summary);
    EXPECT_EQ(backend.missing(), loop.missing);
    if (loop.make == nullptr) {
      EXPECT_THAT(skip_reason(make_cell({.backend = loop.name})).value(), testing::HasSubstr(std::string(loop.missing)));
    }
  }
  EXPECT_FALSE(is_event_loop("thread"));
}

TEST(EventLoops, HaveNoChunksAndNoFormOfWorksThatBlock) {
  EXPECT_THAT(skip_reason(make_cell({.backend = "coroutine", .strategy = "map"})).value(), testing::HasSubstr("a chunk is what"));
  EXPECT_THAT(skip_reason(make_cell({.backend = "coroutine", .workload = "file_io"})).value(), testing::HasSubstr("file_io"));
  EXPECT_EQ(skip_reason(make_cell({.backend = "coroutine", .workload = "blocking_sleep"})), std::nullopt);
}

// 60 tasks of 20 ms wait side by side: on one thread one after the other they would take 1.2 s.
TEST(EventLoops, ATaskThatWaitsHoldsNoThreadAndOneThatBlocksDoes) {
  constexpr std::int64_t kWait = 20'000'000;
  for (const RegisteredLoop& loop : registered_loops()) {
    if (loop.make == nullptr) continue;
    const auto most_at_once = [&](std::string_view workload, int tasks, int in_flight = 0) {
      const Trace trace = find_backend(loop.name).run(make_prepared(
          {.backend = loop.name, .workload = workload, .workers = 1, .tasks = tasks, .task_ns = kWait, .in_flight = in_flight}));
      std::vector<std::pair<std::int64_t, int>> changes;
      for (const TaskTrace& task : trace.tasks) {
        changes.emplace_back(task.started_ns, 1);
        changes.emplace_back(task.finished_ns, -1);
      }
      std::ranges::sort(changes);
      int now = 0;
      int most = 0;
      for (const auto& [at, change] : changes) most = std::max(most, now += change);
      return most;
    };
    in_a_process_of_its_own([&] { EXPECT_GT(most_at_once("sleep", 60), 1) << loop.name; });
    in_a_process_of_its_own([&] { EXPECT_EQ(most_at_once("blocking_sleep", 4), 1) << loop.name; });
    in_a_process_of_its_own([&] { EXPECT_LE(most_at_once("sleep", 20, 5), 5) << loop.name; });
  }
}

TEST(Contenders, AreAllKnownAndThoseThatThisBuildGoesWithoutSayWhatTheyLack) {
  for (const contenders::Registered& contender : contenders::registered()) {
    const Backend& backend = find_backend(contender.name);
    EXPECT_EQ(backend.missing().empty(), contender.make != nullptr) << contender.name;
    if (backend.missing().empty()) continue;
    EXPECT_THAT(skip_reason(make_cell({.backend = contender.name})).value(), testing::HasSubstr(std::string(contender.missing)));
    EXPECT_THROW(backend.require(), ConfigError);
  }
}

TEST(Contenders, HaveNoMapAndSaySo) {
  EXPECT_THAT(skip_reason(make_cell({.backend = "mutex_condvar", .strategy = "map"})).value(),
              testing::HasSubstr("mutex_condvar: the backend has no map"));
}

TEST(Contenders, OfAThreadPerTaskHaveAsManyWorkersAsTasks) {
  EXPECT_EQ(find_backend("std_async").workers(2, 17), 17);
  EXPECT_EQ(find_backend("mutex_condvar").workers(2, 17), 2);
}

}  // namespace
}  // namespace harness
