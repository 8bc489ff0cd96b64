// What every registered backend has to do: carry out each strategy as its definition says. Other libraries' pools, event loops and other
// languages' executors, as this project's own do in strategies_test.cpp.

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
#include "harness/core/evidence.h"
#include "harness/engine/backends/event_loops.h"
#include "harness/engine/drivers/catalogue.h"
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

// A driver is a process of its own.
class DriverConformance : public testing::TestWithParam<std::pair<const drivers::DriverBackend*, std::string>> {};

TEST_P(DriverConformance, CarriesOutTheStrategyAsItsDefinitionSays) {
  const auto& [backend, strategy] = GetParam();
  if (!backend->missing().empty()) GTEST_SKIP() << backend->missing();
  const int workers = backend->workers(2, 9);
  PreparedCell prepared =
      make_prepared({.backend = backend->name(), .strategy = strategy, .workload = "mixed", .workers = workers, .tasks = 9});
  const auto compute = [](std::vector<workloads::Work>& works) {
    for (workloads::Work& work : works) work.compute_units = 300;
  };
  compute(prepared.tasks);
  compute(prepared.callbacks);
  const Trace trace = backend->run(prepared);
  ASSERT_EQ(defect_of(trace, prepared.cell), "");
  EXPECT_EQ(misplaced_callback(trace, prepared.cell,
                               {.attaches_late = backend->attaches_late(), .any_worker = backend->any_worker_calls_back()}),
            "");
  PreparedCell on_inline = prepared;
  on_inline.cell.backend = "inline";
  on_inline.cell.strategy = has_callbacks(strategy) ? "fused" : "none";
  const Trace reference = find_backend("inline").run(on_inline);
  std::set<std::pair<std::int32_t, std::int32_t>> threads;
  for (std::size_t index = 0; index < trace.tasks.size(); ++index) {
    EXPECT_EQ(trace.tasks[index].digest, reference.tasks[index].digest);
    EXPECT_EQ(trace.tasks[index].callback_digest, reference.tasks[index].callback_digest);
    EXPECT_EQ(trace.tasks[index].pid == trace.main_pid, backend->start_method() == "none");
    threads.insert({trace.tasks[index].pid, trace.tasks[index].tid});
  }
  EXPECT_LE(threads.size(), static_cast<std::size_t>(workers));
}

std::vector<std::pair<const drivers::DriverBackend*, std::string>> driven_strategies() {
  std::vector<std::pair<const drivers::DriverBackend*, std::string>> all;
  for (const drivers::DriverBackend* backend : drivers::builtin_backends()) {
    for (const std::string& strategy : backend->known().strategies) all.emplace_back(backend, strategy);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Engine, DriverConformance, testing::ValuesIn(driven_strategies()), [](const auto& tested) {
  return tested.param.second + "_on_" + std::string(tested.param.first->name());
});

TEST(DriverCatalogue, DescribesItsDriversAsTheyDo) {
  for (const drivers::DriverBackend* backend : drivers::builtin_backends()) {
    SCOPED_TRACE(backend->name());
    if (!backend->missing().empty()) continue;
    const drivers::Description said = drivers::describe(backend->command());
    const drivers::Description& known = backend->known();
    EXPECT_THAT(known.strategies, testing::UnorderedElementsAreArray(said.strategies));
    EXPECT_THAT(known.workloads, testing::UnorderedElementsAreArray(said.workloads));
    EXPECT_EQ(known.start_method, said.start_method);
    EXPECT_EQ(known.event_loop, said.event_loop);
    EXPECT_EQ(known.attaches_late, said.attaches_late);
    EXPECT_EQ(known.workers, said.workers);
    EXPECT_THAT(known.name, testing::HasSubstr(said.name));
  }
}

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

// How many of a loop's tasks of 20 ms are under way at once.
int most_at_once(const Backend& loop, std::string_view workload, int tasks, int in_flight = 0) {
  return static_cast<int>(evidence_of(loop.run(make_prepared({.backend = loop.name(),
                                                              .workload = workload,
                                                              .workers = 1,
                                                              .tasks = tasks,
                                                              .task_ns = 20'000'000,
                                                              .in_flight = in_flight})))
                              .tasks_at_once);
}

// 60 tasks of 20 ms wait side by side: on one thread one after the other they would take 1.2 s.
TEST(EventLoops, ATaskThatWaitsHoldsNoThreadAndOneThatBlocksDoes) {
  for (const RegisteredLoop& loop : registered_loops()) {
    if (loop.make == nullptr) continue;
    const Backend& backend = find_backend(loop.name);
    in_a_process_of_its_own([&] { EXPECT_GT(most_at_once(backend, "sleep", 60), 1) << loop.name; });
    in_a_process_of_its_own([&] { EXPECT_EQ(most_at_once(backend, "blocking_sleep", 4), 1) << loop.name; });
    in_a_process_of_its_own([&] { EXPECT_LE(most_at_once(backend, "sleep", 20, 5), 5) << loop.name; });
  }
}

TEST(EventLoops, OfOtherLanguagesLikewise) {
  int tried = 0;
  for (const drivers::DriverBackend* const loop : drivers::builtin_backends()) {
    if (!is_event_loop(loop->name()) || !loop->missing().empty()) continue;
    ++tried;
    EXPECT_GT(most_at_once(*loop, "sleep", 60), 1) << loop->name();
    EXPECT_EQ(most_at_once(*loop, "blocking_sleep", 4), 1) << loop->name();
    EXPECT_LE(most_at_once(*loop, "sleep", 20, 5), 5) << loop->name();
  }
  EXPECT_GE(tried, 1);
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
