#pragma once

// The one implementation of Backend for executors with a submit seam (harness/engine/strategies/executor.h), templated on the
// executor. Beyond what strategies ask, an executor type has
//   explicit E(const ExecutorOptions&)        returns when every worker is ready
//   void shutdown()                           waits; idempotent; the destructor does it too
//   std::vector<pid_t> worker_processes()     empty when the workers are threads
//   static int tasks_at_once(const Factors&)
//   void within(const std::function<void()>& body)   only where submits have to go on inside of something: calls body once
//   void put_on_one_clock(Trace&)             only where stamps may be of other clocks; throws where that cannot be
//   static int workers_for(int tasks)         only where the number of workers is not a choice

#include <sys/types.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/errors.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/backends/work_processes.h"
#include "harness/engine/strategies/catalogue.h"
#include "harness/engine/strategies/executor.h"
#include "harness/engine/strategies/recorder.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/engine/strategies/work_functions.h"
#include "harness/machine/resources.h"
#include "pools/process_pool.h"
#include "workloads/work.h"

namespace harness {

struct ExecutorOptions {
  std::string_view backend;  // its name
  int workers = 1;
  int tasks = 1;      // how many will be submitted
  int in_flight = 0;  // how many are under way at most; 0: any number
  CallbacksOn callbacks = CallbacksOn::worker;
  const workloads::RunContext& context;  // for worker processes
};

// The parsers of a strategy that uses them; for all others nothing at all.
template <class Strategy>
class Parsers {
 public:
  explicit Parsers(const PreparedCell& prepared) {
    if constexpr (Strategy::kUsesParsers) {
      pool_.emplace(work_processes(prepared.cell.parsers, "parser", prepared.context));
      pool_->start_all();
    }
  }

  template <class Executor>
  void run_strategy(Executor& executor, Recorder& recorder) {
    if constexpr (Strategy::kUsesParsers) {
      Strategy::run(executor, recorder, *pool_);
    } else {
      Strategy::run(executor, recorder);
    }
  }

  std::vector<pid_t> processes() const { return pool_ ? pool_->worker_pids() : std::vector<pid_t>{}; }
  void shutdown() {
    if (pool_) pool_->shutdown();
  }

 private:
  std::optional<pools::ProcessPool> pool_;
};

template <class Executor, class Strategy>
Trace run_strategy_on(const PreparedCell& prepared) {
  ResourceMeter meter;
  enter_measured_process(prepared.context);
  Recorder recorder(prepared);  // outlives the pools, whose threads write into it

  const std::int64_t starting = workloads::monotonic_ns();
  Parsers<Strategy> parsers(prepared);  // outlives the executor, whose workers hand results to it
  Executor executor(ExecutorOptions{.backend = prepared.cell.backend,
                                    .workers = prepared.cell.workers,
                                    .tasks = prepared.cell.tasks,
                                    .in_flight = prepared.cell.in_flight,
                                    .callbacks = Strategy::kCallbacks,
                                    .context = prepared.context});
  const std::int64_t ready = workloads::monotonic_ns();

  if constexpr (requires { executor.within(std::function<void()>()); }) {
    executor.within([&] { parsers.run_strategy(executor, recorder); });
  } else {
    parsers.run_strategy(executor, recorder);
  }

  std::vector<pid_t> processes = executor.worker_processes();
  const std::vector<pid_t> parser_processes = parsers.processes();
  processes.insert(processes.end(), parser_processes.begin(), parser_processes.end());
  meter.read_peak_memory(processes);

  const std::int64_t stopping = workloads::monotonic_ns();
  executor.shutdown();
  parsers.shutdown();
  const std::int64_t stopped = workloads::monotonic_ns();

  Trace trace = std::move(recorder).take();
  if constexpr (requires { executor.put_on_one_clock(trace); }) executor.put_on_one_clock(trace);
  trace.pool_start_ns = ready - starting;
  trace.pool_stop_ns = stopped - stopping;
  trace.resources = meter.finish();
  return trace;
}

template <class Executor>
class PoolBackend : public Backend {
 public:
  PoolBackend(std::string_view name, std::string_view summary) : name_(name), summary_(summary) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return summary_; }

  std::string skip_reason(std::string_view strategy) const override {
    const Row& row = row_of(strategy);
    return row.skip_reason.empty() ? std::string() : std::string(name()) + ": " + std::string(row.skip_reason);
  }

  int tasks_at_once(const Factors& factors) const override { return Executor::tasks_at_once(factors); }

  int workers(int asked, [[maybe_unused]] int tasks) const override {
    if constexpr (requires { Executor::workers_for(tasks); }) {
      return Executor::workers_for(tasks);
    } else {
      return Executor::kWorkers == WorkersAre::the_caller ? 1 : asked;
    }
  }

  std::string_view start_method() const override { return Executor::kWorkers == WorkersAre::processes ? "exec" : "none"; }

  Trace run(const PreparedCell& prepared) const override {
    const Row& row = row_of(prepared.cell.strategy);
    if (row.run == nullptr) throw ConfigError(skip_reason(prepared.cell.strategy));
    return row.run(prepared);
  }

 private:
  // A strategy on this executor: run is null where it is not defined.
  struct Row {
    std::string_view name;
    std::string_view skip_reason;
    Trace (*run)(const PreparedCell&) = nullptr;
  };

  template <class Strategy>
  static constexpr Row row() {
    constexpr std::string_view reason = Strategy::template skip_reason<Executor>();
    if constexpr (reason.empty()) {
      return {Strategy::kName, reason, &run_strategy_on<Executor, Strategy>};
    } else {
      return {Strategy::kName, reason, nullptr};
    }
  }

  template <class... Strategies>
  static const Row& row_in(std::string_view strategy, StrategyList<Strategies...>) {
    static constexpr Row kRows[] = {row<Strategies>()...};
    require_strategy(strategy);
    return *std::find_if(std::begin(kRows), std::end(kRows), [strategy](const Row& row) { return row.name == strategy; });
  }
  static const Row& row_of(std::string_view strategy) { return row_in(strategy, StrategyCatalogue{}); }

  std::string_view name_;
  std::string_view summary_;
};

}  // namespace harness
