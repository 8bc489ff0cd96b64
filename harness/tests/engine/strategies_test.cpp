// Every strategy on every backend: it completes, the stamps are in order, the right process and thread ran each task
// and callback, the digests are inline's, and the relations between stamps hold that follow from who runs what.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "contenders/posting_pool.h"
#include "harness/base/errors.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/backends/event_loops.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/repetition.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/engine/who_ran.h"
#include "harness/tests/engine/cells.h"

namespace harness {
namespace {
using testing::HasSubstr;
using testing_engine::CellShape;
using testing_engine::make_cell;
using testing_engine::make_prepared;

pid_t this_thread() { return static_cast<pid_t>(::syscall(SYS_gettid)); }

struct Combination {
  std::string backend;
  std::string strategy;
  bool defined = false;
};

void PrintTo(const Combination& combination, std::ostream* out) { *out << combination.strategy << " on " << combination.backend; }

bool is_contender(std::string_view backend) {
  const auto all = contenders::registered();
  return std::any_of(all.begin(), all.end(), [&](const contenders::Registered& each) { return each.name == backend; });
}

std::vector<Combination> combinations(bool defined) {
  std::vector<Combination> found;
  for (const Backend* const each : backend_catalogue()) {
    const std::string_view name = each->name();
    // Another language, other libraries and event loops have tests of their own: cpython_test.cpp, conformance_test.cpp.
    if (drivers::known_backend(name) != nullptr || is_contender(name) || is_event_loop(name)) continue;
    for (const StrategyInfo& strategy : strategies()) {
      const Cell cell = make_cell({.backend = name, .strategy = strategy.name});
      if (!skip_reason(cell).has_value() == defined) {
        found.push_back({std::string(name), std::string(strategy.name), defined});
      }
    }
  }
  return found;
}

std::string name_of(const testing::TestParamInfo<Combination>& info) { return info.param.strategy + "_on_" + info.param.backend; }

bool caller_parses(const std::string& strategy) {
  return strategy == "sync" || strategy == "collect" || strategy == "as_completed" || strategy == "map";
}

// Whether intervals that one executor ran one after the other never overlap. `who` tells the executors apart.
struct Busy {
  std::int64_t from;
  std::int64_t to;
};
void expect_disjoint(std::vector<Busy> intervals, const std::string& who) {
  std::sort(intervals.begin(), intervals.end(), [](const Busy& a, const Busy& b) { return a.from < b.from; });
  for (std::size_t i = 1; i < intervals.size(); ++i) EXPECT_LE(intervals[i - 1].to, intervals[i].from) << who;
}

std::int64_t sum_of_tasks(const Trace& trace) {
  std::int64_t sum = 0;
  for (const TaskTrace& task : trace.tasks) sum += task.finished_ns - task.started_ns;
  return sum;
}
std::int64_t sum_of_callbacks(const Trace& trace) {
  std::int64_t sum = 0;
  for (const TaskTrace& task : trace.tasks) sum += task.callback_finished_ns - task.callback_started_ns;
  return sum;
}

class StrategyOnBackend : public testing::TestWithParam<Combination> {
 protected:
  CellShape shape() const { return {.backend = GetParam().backend, .strategy = GetParam().strategy}; }
  Trace run(const CellShape& with) const {
    const PreparedCell prepared = make_prepared(with);
    return find_backend(GetParam().backend).run(prepared);
  }
  bool has_callbacks() const { return GetParam().strategy != "none"; }
  bool is(std::string_view backend) const { return GetParam().backend == backend; }
};

TEST_P(StrategyOnBackend, LeavesACompleteTraceInOrder) {
  const Trace trace = run(shape());
  EXPECT_EQ(defect_of(trace, make_cell(shape())), "");
  EXPECT_EQ(misplaced_callback(trace, make_cell(shape()), {}), "");
  EXPECT_GT(trace.pool_start_ns, 0);
  EXPECT_GT(trace.pool_stop_ns, 0);
  EXPECT_GE(trace.submit_ns, trace.tasks.back().submitted_ns - trace.tasks.front().submitted_ns);
  EXPECT_GT(trace.resources.rss_peak_bytes, 0);
  EXPECT_GT(trace.resources.cpu_user_ns + trace.resources.cpu_sys_ns, 0);
  EXPECT_LE(trace.resources.main_cpu_ns, trace.resources.cpu_user_ns + trace.resources.cpu_sys_ns);
  for (std::size_t i = 1; i < trace.tasks.size(); ++i) {
    EXPECT_LE(trace.tasks[i - 1].submitted_ns, trace.tasks[i].submitted_ns);
  }
}

TEST_P(StrategyOnBackend, ManagesASingleTaskAndFewerTasksThanWorkers) {
  for (const int tasks : {1, 2}) {
    CellShape few = shape();
    few.tasks = tasks;
    few.workers = 4;
    EXPECT_EQ(defect_of(run(few), make_cell(few)), "") << tasks;
  }
}

TEST_P(StrategyOnBackend, RunsEachTaskWhereTheBackendSays) {
  const Trace trace = run(shape());
  std::set<pid_t> pids;
  std::set<pid_t> tids;
  for (const TaskTrace& task : trace.tasks) {
    pids.insert(task.pid);
    tids.insert(task.tid);
  }
  if (is("process") || is("remote")) {
    EXPECT_FALSE(pids.contains(::getpid()));
    EXPECT_LE(pids.size(), 2u);
  } else {
    EXPECT_EQ(pids, std::set<pid_t>{::getpid()});
  }
  EXPECT_EQ(tids.contains(this_thread()), is("inline"));
  if (is("thread")) {
    EXPECT_LE(tids.size(), 2u);
  }
  if (is("thread_per_task")) {
    EXPECT_EQ(tids.size(), trace.tasks.size());
  }
}

TEST_P(StrategyOnBackend, RunsEachCallbackWhereTheStrategySays) {
  const Trace trace = run(shape());
  const std::string& strategy = GetParam().strategy;
  std::set<pid_t> workers;
  std::set<pid_t> callback_tids;
  std::set<pid_t> callback_pids;
  for (const TaskTrace& task : trace.tasks) {
    workers.insert(task.tid);
    callback_tids.insert(task.callback_tid);
    callback_pids.insert(task.callback_pid);
  }
  if (strategy == "none") {
    EXPECT_EQ(callback_tids, std::set<pid_t>{0});
  } else if (strategy == "worker" || strategy == "fused") {
    for (const TaskTrace& task : trace.tasks) {
      EXPECT_EQ(task.callback_tid, task.tid);
      EXPECT_EQ(task.callback_pid, task.pid);
    }
  } else if (strategy == "main") {
    EXPECT_EQ(callback_pids, std::set<pid_t>{::getpid()});
    ASSERT_EQ(callback_tids.size(), 1u);
    EXPECT_NE(*callback_tids.begin(), this_thread());
    EXPECT_FALSE(workers.contains(*callback_tids.begin()));
  } else if (strategy == "extra") {
    EXPECT_FALSE(callback_pids.contains(::getpid()));
    EXPECT_LE(callback_pids.size(), 2u);
    for (const TaskTrace& task : trace.tasks) EXPECT_FALSE(callback_pids.contains(task.pid));
  } else {
    ASSERT_TRUE(caller_parses(strategy)) << "a strategy that this test does not know";
    EXPECT_EQ(callback_tids, std::set<pid_t>{this_thread()});
  }
}

TEST_P(StrategyOnBackend, GivesTheDigestsThatInlineGives) {
  CellShape reference_shape = shape();
  reference_shape.backend = "inline";
  reference_shape.strategy = has_callbacks() ? "fused" : "none";
  const Trace reference = find_backend("inline").run(make_prepared(reference_shape));
  const Trace trace = run(shape());
  ASSERT_EQ(trace.tasks.size(), reference.tasks.size());
  std::set<std::uint64_t> digests;
  for (std::size_t i = 0; i < trace.tasks.size(); ++i) {
    EXPECT_EQ(trace.tasks[i].digest, reference.tasks[i].digest) << i;
    EXPECT_EQ(trace.tasks[i].callback_digest, reference.tasks[i].callback_digest) << i;
    digests.insert(trace.tasks[i].digest);
  }
  EXPECT_EQ(digests.size(), trace.tasks.size()) << "tasks of different seeds do different work";
}

TEST_P(StrategyOnBackend, NeverRunsTwoThingsAtOnceOnOneThread) {
  const Trace trace = run(shape());
  std::map<pid_t, std::vector<Busy>> busy;
  for (const TaskTrace& task : trace.tasks) {
    busy[task.tid].push_back({task.started_ns, task.finished_ns});
    if (has_callbacks()) busy[task.callback_tid].push_back({task.callback_started_ns, task.callback_finished_ns});
  }
  for (const auto& [tid, intervals] : busy) expect_disjoint(intervals, "thread " + std::to_string(tid));
}

TEST_P(StrategyOnBackend, HasTheOrderThatItsDefinitionImplies) {
  const Trace trace = run(shape());
  const std::string& strategy = GetParam().strategy;
  for (std::size_t i = 1; i < trace.tasks.size(); ++i) {
    const TaskTrace& before = trace.tasks[i - 1];
    const TaskTrace& task = trace.tasks[i];
    if (strategy == "sync") {
      EXPECT_LE(before.callback_finished_ns, task.submitted_ns);
    }
    if (strategy == "collect" || strategy == "map") {
      EXPECT_LE(before.callback_finished_ns, task.callback_started_ns);
    }
    if (strategy == "map") {
      EXPECT_EQ(before.submitted_ns, task.submitted_ns);
    }
    if (is("inline")) {
      EXPECT_LE(before.finished_ns, task.submitted_ns);
    }
  }
  if (strategy == "collect" || strategy == "as_completed") {
    for (const TaskTrace& task : trace.tasks) EXPECT_LE(trace.tasks.back().submitted_ns, task.callback_started_ns);
  }
}

TEST_P(StrategyOnBackend, TakesNoLessThanItsServersNeedForWhatWasMeasured) {
  const Trace trace = run(shape());
  const std::string& strategy = GetParam().strategy;
  const std::int64_t makespan = makespan_ns(trace);
  const std::int64_t tasks = sum_of_tasks(trace);
  const std::int64_t callbacks = has_callbacks() ? sum_of_callbacks(trace) : 0;
  const std::int64_t workers = is("inline") ? 1 : is("thread_per_task") ? static_cast<int>(trace.tasks.size()) : 2;
  EXPECT_GE(makespan * workers, tasks);
  if (strategy == "worker" || strategy == "fused") {
    EXPECT_GE(makespan * workers, tasks + callbacks);
  }
  if (strategy == "sync") {
    EXPECT_GE(makespan, tasks + callbacks);
  }
  if (strategy == "main" || caller_parses(strategy)) {
    EXPECT_GE(makespan, callbacks);
  }
  if (strategy == "extra") {
    EXPECT_GE(makespan * 2, callbacks);
  }
}

TEST_P(StrategyOnBackend, ThrowsWhatATaskThrows) {
  CellShape refused = shape();
  refused.workload = "tcp_echo";  // port 0 in the context: no server runs
  refused.task_ns = 0;
  EXPECT_THROW(run(refused), std::exception);
}

INSTANTIATE_TEST_SUITE_P(Engine, StrategyOnBackend, testing::ValuesIn(combinations(true)), name_of);

TEST(Skips, AreExactlyTheCombinationsWithoutAMeaning) {
  std::set<std::pair<std::string, std::string>> skipped;
  for (const Combination& combination : combinations(false)) skipped.insert({combination.backend, combination.strategy});
  EXPECT_EQ(skipped, (std::set<std::pair<std::string, std::string>>{{"inline", "worker"},
                                                                    {"inline", "main"},
                                                                    {"inline", "extra"},
                                                                    {"inline", "collect"},
                                                                    {"inline", "as_completed"},
                                                                    {"inline", "map"},
                                                                    {"thread_per_task", "map"}}));
}

TEST(Skips, SayWhy) {
  EXPECT_THAT(skip_reason(make_cell({.backend = "inline", .strategy = "main"})).value(), HasSubstr("fused"));
  EXPECT_THAT(skip_reason(make_cell({.backend = "thread_per_task", .strategy = "map"})).value(), HasSubstr("map"));
}

TEST(Skips, CountTheSocketsThatTheTasksWouldHoldOpen) {
  const CellShape many{.backend = "thread_per_task", .strategy = "none", .workload = "tcp_echo", .tasks = 2'000'000'000};
  Cell cell = make_cell({.backend = many.backend, .strategy = many.strategy, .workload = many.workload});
  EXPECT_FALSE(skip_reason(cell).has_value());
  cell.tasks = cell.workers = many.tasks;
  EXPECT_THAT(skip_reason(cell).value(), HasSubstr("descriptors"));
  cell.backend = "thread";
  cell.workers = 4;
  EXPECT_FALSE(skip_reason(cell).has_value());
}

TEST(Names, ThatAreUnknownAreRefusedWithTheKnownOnes) {
  const auto message_of = [](const CellShape& shape) {
    try {
      skip_reason(make_cell(shape));
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message_of({.backend = "fibre"}), testing::AllOf(HasSubstr("fibre"), HasSubstr("thread_per_task")));
  EXPECT_THAT(message_of({.strategy = "later"}), testing::AllOf(HasSubstr("later"), HasSubstr("as_completed")));
  EXPECT_THAT(message_of({.workload = "dance"}), HasSubstr("dance"));
}

TEST(Prepare, RefusesAPayloadThatTheWorkloadCannotHaveAsAnErrorOfTheConfiguration) {
  Cell cell = make_cell({.workload = "tcp_echo"});
  cell.payload_bytes = std::int64_t{1} << 40;
  EXPECT_THROW(prepare(cell, testing_engine::unit_calibration()), ConfigError);
}

TEST(ThreadPerTask, StartsAThousandThreads) {
  const CellShape shape{.backend = "thread_per_task", .strategy = "worker", .tasks = 1'000};
  const Trace trace = find_backend("thread_per_task").run(make_prepared(shape));
  EXPECT_EQ(defect_of(trace, make_cell(shape)), "");
}

std::uint64_t address_space_in_use() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0;
  file >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST(ThreadPerTask, SaysWhichThreadCouldNotBeStarted) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer ends the program when it finds no memory for a thread of its own";
#endif
  const PreparedCell prepared =
      make_prepared({.backend = "thread_per_task", .strategy = "worker", .tasks = 4'000, .task_ns = 1'000});
  // What is left when a stack does not fit any more is half a stack: enough for what threads that run need, whose want of memory would end
  // the program.
  constexpr std::size_t kStack = std::size_t{256} << 20;
  ::mallopt(M_ARENA_MAX, 1);  // an arena reserves as much
  pthread_attr_t large{};
  ::pthread_attr_init(&large);
  ::pthread_attr_setstacksize(&large, kStack);
  ::pthread_setattr_default_np(&large);
  ::pthread_attr_destroy(&large);
  rlimit before{};
  ::getrlimit(RLIMIT_AS, &before);
  rlimit tight = before;
  tight.rlim_cur = address_space_in_use() + 3 * kStack + kStack / 2;
  ::setrlimit(RLIMIT_AS, &tight);
  std::string message;
  try {
    find_backend("thread_per_task").run(prepared);
  } catch (const std::exception& error) {
    message = error.what();
  }
  ::setrlimit(RLIMIT_AS, &before);
  EXPECT_THAT(message, testing::MatchesRegex("cannot start thread [0-9]+ of 4000: .*"));
}

}  // namespace
}  // namespace harness
