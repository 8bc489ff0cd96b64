#pragma once

// Profiles, measurements and machines whose numbers are known, for the tests of recommend.

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/quantity.h"
#include "harness/engine/backends/remote.h"
#include "harness/model/simulate.h"
#include "harness/plan/model_case.h"
#include "harness/recommend/decision.h"
#include "harness/recommend/recommend.h"

namespace harness::recommend::testing_recommend {

inline const Progress kSilent = [](const std::string&, double) {};

inline Trace trace_of(const std::vector<std::pair<std::int64_t, std::int64_t>>& wall_and_cpu) {
  Trace trace;
  std::int64_t now = 0;
  for (const auto& [wall, cpu] : wall_and_cpu) {
    trace.tasks.push_back({.submitted_ns = 0, .started_ns = now, .finished_ns = now + wall, .cpu_ns = cpu});
    now += wall;
  }
  return trace;
}

inline Profile profile_with(std::int64_t wait, std::int64_t compute, int cores = 2) {
  const Trace trace = trace_of({{wait + compute, compute}});
  return profile_of({&trace}, cores);
}

inline Measured measured(Choice choice, std::vector<std::int64_t> makespans) {
  return {choice, 0, makespans, model::median(makespans), model::median_interval(makespans)};
}

// Runs nothing: takes what a machine with these demands would take.
class ModelMachine final : public CellRunner {
 public:
  ModelMachine(model::Demand demand, double lock) : demand_(demand), lock_(lock) {}

  RepetitionResult run(const Cell& cell, std::chrono::nanoseconds) override {
    RepetitionResult result;
    if (runs == stop_after) {
      result.interrupted = true;
      return result;
    }
    const std::string& error = arrives(cell) && failure.empty() ? failure_of_arrivals : failure;
    if (!error.empty()) {
      result.sample.status = "invalid";
      result.sample.error = error;
      return result;
    }
    model::Case c;
    c.strategy = *model::find_strategy(cell.strategy);
    c.workers = cell.workers;
    c.cores = cell.cores;
    model::Demand demand = demand_;
    const bool away = is_remote(cell.backend);
    if (away) {
      c.cores *= machines_of(cell.backend);
      c.hop = hop;
      if (cell.workload != "command") demand = {};  // what measures the way is no work
    }
    demand.locked = lock_ > 0 && cell.backend.ends_with("thread");
    c.tasks.assign(static_cast<std::size_t>(cell.tasks), demand);
    c.callbacks.assign(c.tasks.size(), model::has_callbacks(c.strategy) ? callback : model::Demand{});
    c.parsers = std::max(1, cell.parsers);
    c.arrivals_ns = cell.arrivals_ns;
    if (arrives(cell)) set_full_queue(cell, c);
    if (cell.backend.ends_with("asyncio")) {
      c.executor = model::Executor::loop;
      c.in_flight = cell.in_flight;
    }
    for (model::Demand& task : c.tasks) task.wait_ns += arrives(cell) ? slower_ns : 0;
    (arrives(cell) ? arriving : batches).push_back(cell);
    const model::Prediction prediction = model::simulate(c);
    Trace trace;
    for (const model::TaskTimes& times : prediction.tasks) {
      trace.tasks.push_back(
          {.submitted_ns = 0, .started_ns = times.start_ns, .finished_ns = times.finish_ns, .cpu_ns = demand.compute_ns});
      TaskTrace& task = trace.tasks.back();
      if (arrives(cell)) task.arrived_ns = task.due_ns = task.submitted_ns = cell.arrivals_ns[trace.tasks.size() - 1];
      task.rejected = times.rejected();
      if (task.rejected || callback.service_ns() == 0 || !model::has_callbacks(c.strategy)) continue;
      task.callback_started_ns = times.callback_start_ns;
      task.callback_finished_ns = times.callback_finish_ns;
      task.callback_cpu_ns = callback.compute_ns;
    }
    if (away) trace.clocks = {{.host = "a"}};
    if (away && cell.strategy == "sync") {  // one at a time: each is submitted when it can leave at once
      for (TaskTrace& task : trace.tasks) {
        task.submitted_ns = task.started_ns - hop.latency_ns;
        task.callback_started_ns = task.finished_ns + hop.latency_ns;
      }
    }
    int& disturbed = cell.backend.ends_with("thread") ? threads_disturbed : processes_disturbed;
    if (cell.workers > 1 && disturbed > 0) {
      --disturbed;
      for (TaskTrace& task : trace.tasks) {
        task.started_ns *= 2;
        task.finished_ns *= 2;
      }
    }
    if (cell.backend.find("process") != std::string::npos) trace.pool_start_ns = process_start_ns * cell.workers;
    trace.pool_start_ns += parser_start_ns * cell.parsers;
    result.sample = sample_of(cell);
    result.sample.makespan_ns = makespan_ns(trace);
    result.trace = trace;
    ++runs;
    return result;
  }
  std::string check_digests(const Cell&, std::chrono::nanoseconds) override { return {}; }
  void interrupt() noexcept override {}

  std::string failure;
  std::string failure_of_arrivals;  // likewise, where tasks arrive
  std::int64_t slower_ns = 0;       // so much longer tasks that arrive wait
  std::vector<Factors> arriving;    // what was run of those
  std::vector<Factors> batches;     // and of the others
  int runs = 0;
  int stop_after = -1;                // as Ctrl-C does
  model::Demand callback = {};        // of the user's own
  std::int64_t process_start_ns = 0;  // of each worker process; part of what Python's pools take
  std::int64_t parser_start_ns = 0;   // of each parser process, likewise
  model::Hop hop = {};                // to the workers of remote backends, whose hosts are as this machine
  int threads_disturbed = 0;          // so many runs of threads take twice as long
  int processes_disturbed = 0;        // likewise

 private:
  const model::Demand demand_;
  const double lock_;
};

inline Question question(int tasks) {
  Question q;
  q.title = q.workload = "command";
  q.tasks = tasks;
  q.cores = 2;
  return q;
}

inline const Choice& chosen(const Recommendation& r) { return r.measured[r.choice].choice; }

}  // namespace harness::recommend::testing_recommend
