// Tasks that arrive: the generator, what strategies and backends make of it, and clients that a full queue rejects.

#include <sched.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "contenders/posting_pool.h"
#include "harness/core/sojourns.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/backends/event_loops.h"
#include "harness/engine/child_runner.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/repetition.h"
#include "harness/engine/strategies/catalogue.h"
#include "harness/engine/strategies/generator.h"
#include "harness/engine/strategies/recorder.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/engine/strategies/work_functions.h"
#include "harness/engine/who_ran.h"
#include "harness/tests/engine/cells.h"
#include "harness/tests/engine/own_process.h"
#include "pools/thread_pool.h"

namespace harness {
namespace {

using testing::HasSubstr;
using testing_engine::CellShape;
using testing_engine::make_cell;
using testing_engine::make_prepared;

constexpr std::string_view kSixArrivals = "0ms,0ms,1ms,2ms,2ms,5ms";

struct Pairing {
  std::string backend;
  std::string strategy;
};
void PrintTo(const Pairing& pairing, std::ostream* out) { *out << pairing.strategy << " on " << pairing.backend; }

// All of this language that run here.
std::vector<Pairing> pairings() {
  std::vector<Pairing> found;
  for (const Backend* const backend : backend_catalogue()) {
    if (drivers::known_backend(backend->name()) != nullptr || !backend->missing().empty()) continue;
    for (const StrategyInfo& strategy : strategies()) {
      const Cell cell = make_cell({.backend = backend->name(), .strategy = strategy.name, .arrivals = kSixArrivals});
      if (!skip_reason(cell)) found.push_back({std::string(backend->name()), std::string(strategy.name)});
    }
  }
  return found;
}

class ArrivingTasks : public testing::TestWithParam<Pairing> {};

void expect_releases_in_time(const Pairing& pairing) {
  const CellShape shape{.backend = pairing.backend, .strategy = pairing.strategy, .arrivals = kSixArrivals};
  const PreparedCell prepared = make_prepared(shape);
  const Backend& backend = find_backend(shape.backend);
  const Trace trace = backend.run(prepared);
  ASSERT_EQ(defect_of(trace, prepared.cell), "");
  EXPECT_EQ(misplaced_callback(trace, prepared.cell,
                               {.attaches_late = backend.attaches_late(), .any_worker = backend.any_worker_calls_back()}),
            "");
  for (std::size_t i = 0; i < trace.tasks.size(); ++i) {
    const TaskTrace& task = trace.tasks[i];
    EXPECT_EQ(task.arrived_ns - trace.tasks[0].arrived_ns, prepared.cell.arrivals_ns[i]) << i;
    EXPECT_EQ(task.due_ns, task.arrived_ns) << i;
    EXPECT_GE(task.submitted_ns, task.arrived_ns) << i;
    EXPECT_GT(sojourns_ns(trace)[i], 0) << i;
  }
}

// What starts threads of its library's, which no fork that a later test makes would have.
bool is_of_others(std::string_view backend) {
  const auto contenders = contenders::registered();
  return is_event_loop(backend) ||
         std::any_of(contenders.begin(), contenders.end(), [&](const auto& each) { return each.name == backend; });
}

TEST_P(ArrivingTasks, AreReleasedAtTheirTimesWhateverIsAnswered) {
  if (is_of_others(GetParam().backend)) {
    testing_engine::in_a_process_of_its_own([] { expect_releases_in_time(GetParam()); });
  } else {
    expect_releases_in_time(GetParam());
  }
}

INSTANTIATE_TEST_SUITE_P(All, ArrivingTasks, testing::ValuesIn(pairings()),
                         [](const auto& pairing) { return pairing.param.strategy + "_on_" + pairing.param.backend; });

TEST(ArrivingTasksOf, EveryFamilyOfBackendsAreMeasured) {
  std::string all;
  for (const Pairing& pairing : pairings()) all += pairing.strategy + "@" + pairing.backend + " ";
  for (const char* const expected : {"none@thread ", "extra@process ", "main@thread_per_task "}) {
    EXPECT_THAT(all, HasSubstr(expected));
  }
  EXPECT_EQ(all.find("sync@"), std::string::npos);
  EXPECT_EQ(all.find("map@"), std::string::npos);
  EXPECT_EQ(all.find("@inline"), std::string::npos);
}

// A pool of one worker that stands before a gate until so many tasks have been submitted or rejected: what its queue holds by then is exact.
class GatedExecutor {
 public:
  static constexpr WorkersAre kWorkers = WorkersAre::threads;
  static constexpr bool kHasMap = false;

  GatedExecutor(int submits, pools::QueueOptions queue) : left_(submits), pool_(options(queue)) {
    std::latch begun(1);
    pool_.post([this, &begun] {
      begun.count_down();
      gate_.wait();
    });
    begun.wait();
  }
  ~GatedExecutor() {
    if (left_ > 0) gate_.count_down();
  }

  template <auto Fn, class... Args>
  auto submit(Args&&... args) {
    const Submitted submitted(*this);
    return pool_.submit<Fn>(std::forward<Args>(args)...);
  }
  template <auto Fn, class Callback, class... Args>
  void submit_with_callback(Callback&& callback, Args&&... args) {
    const Submitted submitted(*this);
    pool_.submit_with_callback<Fn>(std::forward<Callback>(callback), std::forward<Args>(args)...);
  }

 private:
  // At the end of a submit, however it ends.
  struct Submitted {
    explicit Submitted(GatedExecutor& executor) : executor_(executor) {}
    ~Submitted() {
      if (--executor_.left_ == 0) executor_.gate_.count_down();
    }
    GatedExecutor& executor_;
  };

  static pools::ThreadPoolOptions options(pools::QueueOptions queue) {
    pools::ThreadPoolOptions options;
    options.workers = 1;
    options.queue = queue;
    return options;
  }

  int left_;
  std::latch gate_{1};
  pools::ThreadPool pool_;
};

template <class Strategy>
Trace run_gated(const CellShape& shape) {
  const PreparedCell prepared = make_prepared(shape);
  enter_measured_process(prepared.context);
  Recorder recorder(prepared);
  {
    GatedExecutor executor(prepared.cell.tasks, {.limit = 2, .when_full = pools::WhenFull::reject});
    Strategy::run(executor, recorder);
  }
  Trace trace = std::move(recorder).take();
  EXPECT_EQ(defect_of(trace, prepared.cell), "");
  return trace;
}

template <class Strategy>
void expect_four_of_six_rejected() {
  const Trace trace = run_gated<Strategy>(
      {.strategy = Strategy::kName, .workers = 1, .arrivals = "0ms,0ms,0ms,0ms,0ms,0ms", .queue = 2, .when_full = "reject"});
  std::vector<bool> rejected;
  for (const TaskTrace& task : trace.tasks) rejected.push_back(task.rejected);
  EXPECT_EQ(rejected, (std::vector<bool>{false, false, true, true, true, true})) << Strategy::kName;
  Measures measures;
  measure_arrivals(trace, 0, measures);
  EXPECT_EQ(measures.rejected, 4);
  EXPECT_EQ(measures.queue_max, 2);
}

TEST(RejectedClients, AreExactlyThoseThatFoundTheQueueFull) {
  expect_four_of_six_rejected<strategy::None>();
  expect_four_of_six_rejected<strategy::Worker>();
  expect_four_of_six_rejected<strategy::Main>();
  expect_four_of_six_rejected<strategy::Fused>();
  expect_four_of_six_rejected<strategy::Collect>();
  expect_four_of_six_rejected<strategy::AsCompleted>();
}

// The pools' own bounds, as a cell has them: one worker, and all come while it sleeps.
TEST(RejectedClients, AreThoseBeyondTheBoundOfACellsQueue) {
  for (const char* const backend : {"thread", "process"}) {
    const CellShape shape{.backend = backend,
                          .workload = "sleep",
                          .workers = 1,
                          .task_ns = 900'000'000,
                          .arrivals = "0ms,300ms,300ms,300ms,300ms,300ms",
                          .queue = 2,
                          .when_full = "reject"};
    const PreparedCell prepared = make_prepared(shape);
    const Trace trace = find_backend(backend).run(prepared);
    EXPECT_EQ(defect_of(trace, prepared.cell), "");
    Measures measures;
    measure_arrivals(trace, 0, measures);
    EXPECT_EQ(measures.rejected, 3) << backend;
    EXPECT_LE(measures.queue_max, 3) << backend;
  }
}

TEST(AFullQueue, HasTheCallerRunTheTask) {
  const CellShape shape{.workload = "sleep",
                        .workers = 1,
                        .task_ns = 400'000'000,
                        .arrivals = "0ms,200ms,200ms,200ms,200ms,200ms",
                        .queue = 1,
                        .when_full = "caller_runs"};
  const PreparedCell prepared = make_prepared(shape);
  const Trace trace = find_backend("thread").run(prepared);
  EXPECT_EQ(defect_of(trace, prepared.cell), "");
  EXPECT_EQ(trace.tasks[2].tid, trace.submitter_tid);
  EXPECT_GT(trace.tasks[3].due_ns, trace.tasks[3].arrived_ns);  // by then it was busy with the third
  EXPECT_EQ(late_releases(trace, prepared.cell), "");
}

TEST(AGenerator, IsHeldByAFullQueueOnlyWhereItMayBe) {
  Cell cell = make_cell({.tasks = 2, .arrivals = "0ms,0ms"});
  for (const std::string when_full : {"none", "reject", "block", "caller_runs"}) {
    cell.when_full = when_full;
    Generator generator(cell);
    const Generator::Release first = generator.await(0);
    const Generator::Release second = generator.await(1);
    EXPECT_EQ(first.due_ns, first.arrived_ns);
    EXPECT_EQ(second.arrived_ns, first.arrived_ns);
    const bool held = when_full == "block" || when_full == "caller_runs";
    EXPECT_EQ(second.due_ns > second.arrived_ns, held) << when_full;
  }
}

TEST(AGenerator, ComesBeforeOrdinaryThreadsWhereItMayAndHandsThatOnToNobody) {
  const int before = ::sched_getscheduler(0);
  Cell cell = make_cell({.tasks = 2, .arrivals = "0ms,0ms"});
  {
    const Generator generator(cell);
    const int policy = ::sched_getscheduler(0);
    int of_a_thread = -1;
    std::thread([&] { of_a_thread = ::sched_getscheduler(0); }).join();
    EXPECT_EQ(of_a_thread & ~SCHED_RESET_ON_FORK, SCHED_OTHER);
    if ((policy & ~SCHED_RESET_ON_FORK) != SCHED_FIFO) GTEST_SKIP() << "this user may not: root may, or a limit by ulimit -r";
  }
  EXPECT_EQ(::sched_getscheduler(0), before);
  cell.when_full = "caller_runs";  // it may have to run tasks
  const Generator generator(cell);
  EXPECT_EQ(::sched_getscheduler(0), before);
}

TEST(DefectOf, ATraceOfArrivalsSaysWhatIsWrong) {
  const Cell cell = make_cell({.tasks = 2, .arrivals = "0ms,1ms", .queue = 2, .when_full = "reject"});
  Trace trace = find_backend("thread").run(prepare(cell, testing_engine::unit_calibration()));
  ASSERT_EQ(defect_of(trace, cell), "");
  Trace early = trace;
  early.tasks[1].submitted_ns = early.tasks[1].arrived_ns - 1;
  EXPECT_THAT(defect_of(early, cell), HasSubstr("the arrival of task 1 is missing or out of order"));
  Trace none = trace;
  none.tasks[0].arrived_ns = kNoStamp;
  EXPECT_THAT(defect_of(none, cell), HasSubstr("task 0"));
  Trace begun = trace;
  begun.tasks[1].rejected = true;
  EXPECT_THAT(defect_of(begun, cell), HasSubstr("was rejected and has begun"));
  EXPECT_THAT(defect_of(trace, make_cell({.tasks = 2})), HasSubstr("the arrival of task 0"));
}

TEST(ARepetition, OfTasksThatArriveHasItsColumns) {
  const std::unique_ptr<CellRunner> runner = make_child_runner({.calibration = testing_engine::unit_calibration()});
  const Cell cell = make_cell(
      {.strategy = "main", .workload = "sleep", .workers = 3, .tasks = 3, .task_ns = 600'000'000, .arrivals = "0ms,10ms,30ms"});
  EXPECT_EQ(runner->check_digests(cell, std::chrono::seconds(60)), "");
  const RepetitionResult result = runner->run(cell, std::chrono::seconds(60));
  ASSERT_EQ(result.sample.status, "ok") << result.sample.error;
  EXPECT_EQ(result.sample.arrivals, "0ms,10ms,30ms");
  EXPECT_GE(result.sample.sojourn_p50_ns, 600'000'000);
  EXPECT_GE(result.sample.sojourn_max_ns, result.sample.sojourn_p50_ns);
  EXPECT_GE(result.sample.makespan_ns, 630'000'000);
  EXPECT_GT(result.sample.completed_per_s, 0);
  EXPECT_GT(result.sample.clients_mean, 0);
}

}  // namespace
}  // namespace harness
