// Other libraries' pools carry out every strategy as this project's own do.

#include "harness/engine/backends/contenders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "contenders/posting_pool.h"
#include "harness/base/errors.h"
#include "harness/engine/repetition.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/engine/who_ran.h"
#include "harness/tests/engine/cells.h"

namespace harness {
namespace {

using testing_engine::CellShape;
using testing_engine::make_cell;
using testing_engine::make_prepared;

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const Backend* backend : contender_backends()) {
    if (backend->missing().empty()) all.emplace_back(backend->name());
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

class StrategyOnContender : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  const Backend& backend() const { return find_backend(std::get<0>(GetParam())); }
  CellShape shape(int tasks) const {
    const int workers = backend().workers(2, tasks);
    return {.backend = backend().name(), .strategy = std::get<1>(GetParam()), .workers = workers, .tasks = tasks};
  }
};

TEST_P(StrategyOnContender, IsCarriedOutAsItsDefinitionSays) {
  for (const int tasks : {1, 40}) {
    const CellShape own = shape(tasks);
    const Cell cell = make_cell(own);
    EXPECT_EQ(skip_reason(cell), std::nullopt);
    const Trace trace = backend().run(make_prepared(own));
    ASSERT_EQ(defect_of(trace, cell), "");
    EXPECT_EQ(misplaced_callback(trace, cell, false), "");

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
    EXPECT_LE(tids.size(), static_cast<std::size_t>(backend().tasks_at_once(cell)));
  }
}

TEST_P(StrategyOnContender, ThrowsWhatATaskThrows) {
  CellShape refused = shape(3);
  refused.workload = "tcp_echo";  // port 0 in the context: no server runs
  refused.task_ns = 0;
  EXPECT_THROW(backend().run(make_prepared(refused)), std::exception);
}

INSTANTIATE_TEST_SUITE_P(Engine, StrategyOnContender,
                         testing::Combine(testing::ValuesIn(names()), testing::ValuesIn(defined_strategies())),
                         [](const auto& tested) { return std::get<1>(tested.param) + "_on_" + std::get<0>(tested.param); });

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
