// CPython's executors as backends: traces, digests and who ran what as the strategies say, and what the model makes of them. The driver
// itself is tested in scripts/tests, what one can do wrong in drivers_test.cpp.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>

#include "harness/base/errors.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/child_runner.h"
#include "harness/engine/backends/cpython.h"
#include "harness/engine/drivers/foreign.h"
#include "harness/engine/repetition.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/model/simulate.h"
#include "harness/plan/model_case.h"
#include "harness/tests/engine/cells.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_engine::CellShape;
using testing_engine::make_cell;

constexpr auto kLongEnough = std::chrono::seconds(50);  // only a hang reaches it

workloads::Calibration calibration() {
  workloads::Calibration calibration = testing_engine::unit_calibration();
  for (const drivers::DriverBackend* backend : cpython_backends())
    calibration.foreign[std::string(backend->name())] = {0.01, true};
  return calibration;
}

Cell cell_on(std::string_view backend, std::string_view strategy, std::string_view workload = "spin") {
  Cell cell = make_cell({.backend = backend, .strategy = strategy, .workload = workload});
  cell.start_method = find_backend(backend).start_method();
  cell.cell_id = cell_id(cell);
  return cell;
}

TEST(CPython, RunsEveryStrategyWithAMeaningAsARepetitionAndDoesTheWorkThatInlineDoes) {
  const std::unique_ptr<CellRunner> runner = make_child_runner({.calibration = calibration()});
  int ran = 0;
  for (const std::string_view backend : {"cpython_thread", "cpython_process"}) {
    for (const StrategyInfo& strategy : strategies()) {
      const Cell cell = cell_on(backend, strategy.name);
      if (skip_reason(cell)) continue;
      SCOPED_TRACE(std::string(backend) + " " + std::string(strategy.name));
      ++ran;
      EXPECT_EQ(runner->check_digests(cell, kLongEnough), "");
      const RepetitionResult result = runner->run(cell, kLongEnough);
      ASSERT_EQ(result.sample.status, "ok") << result.sample.error;
      EXPECT_EQ(defect_of(*result.trace, cell), "");
      EXPECT_GT(result.sample.pool_start_ns, 0);
      EXPECT_GT(result.sample.rss_peak_bytes, 0);
      EXPECT_GT(result.sample.cpu_user_ns + result.sample.cpu_sys_ns, 0);
    }
  }
  EXPECT_EQ(ran, 16);
}

TEST(CPython, RunsFunctionsOfTheUsersAndSaysWhatIsWrongWithThem) {
  std::string directory = (std::filesystem::temp_directory_path() / "poolbench-user-XXXXXX").string();
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  std::ofstream(directory + "/crawler.py") << "def fetch(url): return url * 2\ndef parse(page): return len(page)\n"
                                              "def fails(url): raise ValueError('no ' + url)\n";
  workloads::Subject subject;
  const auto asked = [&](const std::string& function) {
    return R"({"function": "crawler:)" + function + R"(", "callback": "crawler:parse", "paths": [")" + directory +
           R"("], "inputs": ["a", "b"], "environment": {}})";
  };
  subject.python = asked("fetch");
  const std::unique_ptr<CellRunner> runner = make_child_runner({.calibration = calibration(), .subject = subject});
  for (const std::string_view backend : {"cpython_thread", "cpython_process"}) {
    const Cell cell = cell_on(backend, "fused", "python:crawler:fetch");
    const RepetitionResult result = runner->run(cell, kLongEnough);
    ASSERT_EQ(result.sample.status, "ok") << result.sample.error;
    EXPECT_EQ(defect_of(*result.trace, cell), "");
    EXPECT_EQ(result.trace->tasks.back().digest, result.trace->tasks.size() - 1);
  }
  subject.spread_over = 1000;
  const Cell part = cell_on("cpython_thread", "none", "python:crawler:fetch");
  const RepetitionResult spread = make_child_runner({.calibration = calibration(), .subject = subject})->run(part, kLongEnough);
  ASSERT_EQ(spread.sample.status, "ok") << spread.sample.error;
  for (std::size_t task = 0; task < spread.trace->tasks.size(); ++task) {
    EXPECT_EQ(spread.trace->tasks[task].digest, (2 * task + 1) * 1000 / (2 * spread.trace->tasks.size())) << "which input it had";
  }
  subject.spread_over = 0;
  subject.python = asked("fails");
  const RepetitionResult failure = make_child_runner({.calibration = calibration(), .subject = subject})
                                       ->run(cell_on("cpython_thread", "none", "python:crawler:fails"), kLongEnough);
  EXPECT_EQ(failure.sample.status, "invalid");
  EXPECT_THAT(failure.sample.error, HasSubstr("crawler:fails failed for input 1, 'a': ValueError: no a"));
  EXPECT_THAT(skip_reason(cell_on("thread", "none", "python:crawler:fetch")).value_or(""),
              HasSubstr("only CPython's executors run functions of Python's"));
  std::filesystem::remove_all(directory);
}

TEST(CPython, RunsTasksAndCallbacksWhereItsExecutorsDo) {
  const std::unique_ptr<CellRunner> runner = make_child_runner({.calibration = calibration()});
  const auto tasks_of = [&](std::string_view backend, std::string_view strategy) {
    Cell cell = cell_on(backend, strategy, "sleep");
    // Longer than attaching a callback takes: CPython runs that of a finished future in the submitter.
    cell.task_durations_ns.assign(cell.task_durations_ns.size(), 50'000'000);
    const RepetitionResult result = runner->run(cell, kLongEnough);
    EXPECT_EQ(result.sample.status, "ok") << result.sample.error;
    return result.trace ? result.trace->tasks : std::vector<TaskTrace>();
  };
  std::set<pid_t> processes;
  for (const TaskTrace& task : tasks_of("cpython_thread", "worker")) {
    processes.insert(task.pid);
    EXPECT_EQ(task.callback_tid, task.tid);
    EXPECT_NE(task.tid, task.pid) << "not the main thread";
  }
  EXPECT_EQ(processes.size(), 1u);

  processes.clear();
  std::set<pid_t> callback_threads;
  std::set<pid_t> callback_processes;
  for (const TaskTrace& task : tasks_of("cpython_process", "main")) {
    processes.insert(task.pid);
    callback_threads.insert(task.callback_tid);
    callback_processes.insert(task.callback_pid);
  }
  EXPECT_EQ(processes.size(), 2u);
  EXPECT_EQ(callback_threads.size(), 1u);
  ASSERT_EQ(callback_processes.size(), 1u);
  EXPECT_FALSE(processes.contains(*callback_processes.begin()));
}

// Each is released at its own time, and not when the one before has ended. What makes who releases them late there is a client's wait: threads of
// one process share a lock with it.
TEST(CPython, SubmitsTasksWhenTheyArrive) {
  const std::unique_ptr<CellRunner> runner = make_child_runner({.calibration = calibration()});
  for (const std::string_view backend : {"cpython_thread", "cpython_process", "cpython_asyncio"}) {
    for (const std::string_view strategy : {"none", "fused"}) {
      SCOPED_TRACE(std::string(backend) + " " + std::string(strategy));
      Cell cell = make_cell({.backend = backend,
                             .strategy = strategy,
                             .workload = "sleep",
                             .workers = 1,
                             .tasks = 4,
                             .task_ns = 60'000'000,
                             .arrivals = "0ms,1ms,1ms,30ms"});
      cell.start_method = find_backend(backend).start_method();
      ASSERT_EQ(skip_reason(cell), std::nullopt);
      const RepetitionResult result = runner->run(cell, kLongEnough);
      if (backend == "cpython_process" && result.sample.error.starts_with("tasks were released too late")) continue;
      ASSERT_EQ(result.sample.status, "ok") << result.sample.error;
      const std::vector<TaskTrace>& tasks = result.trace->tasks;
      for (std::size_t i = 0; i < tasks.size(); ++i) {
        EXPECT_EQ(tasks[i].arrived_ns - tasks[0].arrived_ns, cell.arrivals_ns[i]);
        EXPECT_GE(tasks[i].submitted_ns, tasks[i].arrived_ns);
        EXPECT_EQ(tasks[i].due_ns, backend == "cpython_process" ? tasks[i].arrived_ns : tasks[i].submitted_ns);
      }
      EXPECT_GT(result.sample.sojourn_max_ns, 60'000'000);
      EXPECT_GT(result.sample.completed_per_s, 0);
      if (backend != "cpython_process") {
        EXPECT_EQ(result.sample.release_lag_max_ns, 0);
      }
    }
  }
  EXPECT_THAT(skip_reason(make_cell({.backend = "cpython_thread",
                                     .workload = "sleep",
                                     .arrivals = "0ms,1ms,2ms,3ms,4ms,5ms",
                                     .queue = 3,
                                     .when_full = "reject"}))
                  .value_or(""),
              HasSubstr("its queue has no bound"));
}

TEST(CPython, TalksToTheEchoServer) {
  const std::unique_ptr<CellRunner> runner = make_child_runner({.calibration = calibration()});
  const Cell cell = cell_on("cpython_thread", "worker", "tcp_echo");
  EXPECT_EQ(runner->check_digests(cell, kLongEnough), "");
}

TEST(CPython, LeavesNothingRunningAtADeadline) {
  const std::unique_ptr<CellRunner> runner = make_child_runner({.calibration = calibration()});
  for (const std::string_view strategy : {"main", "extra"}) {
    Cell cell = cell_on("cpython_process", strategy, "sleep");
    cell.task_durations_ns.assign(cell.task_durations_ns.size(), 3'600'000'000'000);
    EXPECT_EQ(runner->run(cell, std::chrono::seconds(2)).sample.status, "timeout");
  }
  // The runner has made this process the heir of its descendants' orphans, so one left behind would be a child now.
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(CPython, IsMeasured) {
  const drivers::DriverBackend& backend = *cpython_backends().front();
  drivers::Record python = drivers::record_of(backend);
  EXPECT_FALSE(python.version.empty());
  drivers::measure_rate(backend, python);
  EXPECT_GT(python.spin_units_per_ns, 0);
  EXPECT_LT(python.spin_units_per_ns, 1) << "a step a nanosecond is beyond any interpreter";
  EXPECT_TRUE(python.is(drivers::record_of(backend)));
}

TEST(CPythonSkips, AreWhatItsExecutorsDoNotHave) {
  EXPECT_THAT(skip_reason(cell_on("cpython_thread", "main")).value(), HasSubstr("worker thread"));
  EXPECT_THAT(skip_reason(cell_on("cpython_process", "worker")).value(), HasSubstr("main process"));
  EXPECT_THAT(skip_reason(cell_on("cpython_thread", "none", "hash")).value(), AllOf(HasSubstr("hash"), HasSubstr("gil_spin")));
  EXPECT_THROW(skip_reason(cell_on("cpython_thread", "later")), ConfigError);
}

TEST(CPythonModel, CouplesTheProcessPoolWhereNothingComputes) {
  EXPECT_TRUE(waiting_case(cell_on("cpython_process", "main", "sleep")).coupled);
  EXPECT_TRUE(modelled_case(cell_on("cpython_process", "main", "sleep"), calibration()).model_case.coupled);
  EXPECT_FALSE(modelled_case(cell_on("cpython_process", "main", "spin"), calibration()).model_case.coupled);
  EXPECT_FALSE(waiting_case(cell_on("cpython_process", "collect", "sleep")).coupled);
  EXPECT_FALSE(waiting_case(cell_on("cpython_thread", "worker", "sleep")).coupled);
  EXPECT_FALSE(waiting_case(cell_on("process", "main", "sleep")).coupled);
}

TEST(CPythonModel, LetsThreadsComputeOneAtATimeUnlessThereIsNoGil) {
  const auto locked = [](std::string_view backend, std::string_view strategy, bool gil, bool of_callback) {
    workloads::Calibration rates = calibration();
    for (auto& [name, rate] : rates.foreign) rate.one_lock = gil;
    const model::Case c = modelled_case(cell_on(backend, strategy), rates).model_case;
    return (of_callback ? c.callbacks : c.tasks).front().locked;
  };
  EXPECT_TRUE(locked("cpython_thread", "worker", true, false));
  EXPECT_TRUE(locked("cpython_thread", "worker", true, true));
  EXPECT_FALSE(locked("cpython_thread", "worker", false, false));
  EXPECT_FALSE(locked("cpython_thread", "extra", true, true)) << "parsers are processes";
  EXPECT_FALSE(locked("cpython_process", "main", true, false));
  EXPECT_FALSE(locked("thread", "worker", true, false));
}

TEST(CPythonModel, TakesAsyncioForALoopOfOneThreadAndToThreadForAPool) {
  const model::Case loop = modelled_case(cell_on("cpython_asyncio", "worker", "mixed"), calibration()).model_case;
  EXPECT_EQ(loop.executor, model::Executor::loop);
  EXPECT_EQ(modelled_case(cell_on("gevent", "none", "mixed"), calibration()).model_case.executor, model::Executor::loop);
  const model::Case pool = modelled_case(cell_on("cpython_to_thread", "none"), calibration()).model_case;
  EXPECT_EQ(pool.executor, model::Executor::pool);
  EXPECT_TRUE(pool.tasks.front().locked);
  EXPECT_TRUE(waiting_case(cell_on("cpython_process_spawn", "main", "sleep")).coupled);
  EXPECT_FALSE(waiting_case(cell_on("cpython_to_thread", "main", "sleep")).coupled);
}

TEST(CPythonModel, AsksForTheDurationAtPythonsOwnSpeed) {
  const Cell cell = cell_on("cpython_thread", "worker");
  EXPECT_EQ(prepare(cell, calibration()).tasks.front().compute_units, cell.task_ns / 100);
  EXPECT_EQ(modelled_case(cell, calibration()).model_case.tasks.front().compute_ns, cell.task_ns);
  EXPECT_EQ(prepare(cell_on("thread", "worker"), calibration()).tasks.front().compute_units, cell.task_ns);
}

}  // namespace
}  // namespace harness
