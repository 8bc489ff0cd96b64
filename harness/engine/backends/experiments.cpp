#include "harness/engine/backends/experiments.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "harness/engine/backends/work_processes.h"
#include "harness/engine/strategies/recorder.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/engine/strategies/submit_each.h"
#include "harness/engine/strategies/work_functions.h"
#include "harness/machine/resources.h"
#include "pools/errors.h"
#include "pools/process_pool.h"
#include "pools/thread_pool.h"

namespace harness {
namespace {

auto options_of(const PreparedCell& prepared, const pools::ThreadPool*) {
  pools::ThreadPoolOptions options;
  options.workers = prepared.cell.workers;
  return options;
}
auto options_of(const PreparedCell& prepared, const pools::ProcessPool*) {
  return work_processes(prepared.cell.workers, "worker", prepared.context);
}

// Throws unless submit and map are refused.
template <class Pool>
void expect_shut(Pool& pool, const Recorder& recorder) {
  const auto refused = [](auto submit) {
    try {
      submit();
      return false;
    } catch (const pools::ShutdownError&) {
      return true;
    }
  };
  if (!refused([&] { (void)pool.template submit<&run_task>(recorder.task(0)); })) {
    throw std::runtime_error("a submit after shutdown was accepted");
  }
  if (!refused([&] { (void)pool.template map<&run_task>(recorder.works()); })) {
    throw std::runtime_error("a map after shutdown was accepted");
  }
}

// Times are as for any other backend, but that pool_stop_ns is the time of the one call of shutdown that is the experiment.
template <class Pool, class Experiment>
Trace run_on(const PreparedCell& prepared, Experiment experiment) {
  ResourceMeter meter;
  enter_measured_process(prepared.context);
  Recorder recorder(prepared);  // outlives the pool, whose threads write into it
  const std::int64_t starting = workloads::monotonic_ns();
  Pool pool(options_of(prepared, static_cast<const Pool*>(nullptr)));
  pool.start_all();
  const std::int64_t ready = workloads::monotonic_ns();
  const std::int64_t pool_stop_ns = experiment(pool, recorder);
  pool.shutdown();
  Trace trace = std::move(recorder).take();
  trace.pool_start_ns = ready - starting;
  trace.pool_stop_ns = pool_stop_ns;
  trace.resources = meter.finish();
  return trace;
}

template <class Pool>
Trace shut_down(const PreparedCell& prepared, bool wait) {
  return run_on<Pool>(prepared, [wait](Pool& pool, Recorder& recorder) {
    auto submitted = submit_each(recorder, [&](int task) { return pool.template submit<&run_task>(recorder.task(task)); });
    const std::int64_t stopping = workloads::monotonic_ns();
    pool.shutdown({.wait = wait});
    const std::int64_t stopped = workloads::monotonic_ns();
    expect_shut(pool, recorder);
    await_each(submitted, [&](int task, const workloads::Outcome& outcome) { recorder.task_ran(task, outcome); });
    return stopped - stopping;
  });
}

template <class Pool>
Trace shutdown_and_wait(const PreparedCell& prepared) {
  return shut_down<Pool>(prepared, true);
}
template <class Pool>
Trace shutdown_at_once(const PreparedCell& prepared) {
  return shut_down<Pool>(prepared, false);
}

template <class Pool>
Trace attach_late(const PreparedCell& prepared) {
  return run_on<Pool>(prepared, [](Pool& pool, Recorder& recorder) {
    auto submitted = submit_each(recorder, [&](int task) { return pool.template submit<&run_task>(recorder.task(task)); });
    await_each(submitted, [](int, const workloads::Outcome&) {});
    for (std::size_t task = 0; task < submitted.futures.size(); ++task) {
      submitted.futures[task].add_done_callback([&recorder, task](auto done) { recorder.deliver(static_cast<int>(task), done); });
    }
    recorder.wait();
    return std::int64_t{0};
  });
}

class ExperimentBackend final : public Backend {
 public:
  constexpr ExperimentBackend(std::string_view own_name, Trace (*runs)(const PreparedCell&), bool callbacks, bool processes)
      : name_(own_name), run_(runs), callbacks_(callbacks), processes_(processes) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return "an experiment of the validator"; }
  std::string skip_reason(std::string_view strategy) const override {
    if (has_callbacks(strategy) == callbacks_) return {};
    return std::string(name_) + (callbacks_ ? " attaches callbacks" : " has no callbacks");
  }
  int tasks_at_once(const Factors& factors) const override { return std::min(factors.workers, factors.tasks); }
  std::string_view start_method() const override { return processes_ ? "exec" : "none"; }
  Trace run(const PreparedCell& prepared) const override { return run_(prepared); }

 private:
  std::string_view name_;
  Trace (*run_)(const PreparedCell&);
  bool callbacks_;
  bool processes_;
};

}  // namespace

bool attaches_late(std::string_view name) { return name == "thread_attach_late" || name == "process_attach_late"; }

const Backend* find_experiment(std::string_view name) {
  using pools::ProcessPool;
  using pools::ThreadPool;
  static const std::array kExperiments{
      ExperimentBackend("thread_shutdown", shutdown_and_wait<ThreadPool>, false, false),
      ExperimentBackend("process_shutdown", shutdown_and_wait<ProcessPool>, false, true),
      ExperimentBackend("thread_shutdown_no_wait", shutdown_at_once<ThreadPool>, false, false),
      ExperimentBackend("process_shutdown_no_wait", shutdown_at_once<ProcessPool>, false, true),
      ExperimentBackend("thread_attach_late", attach_late<ThreadPool>, true, false),
      ExperimentBackend("process_attach_late", attach_late<ProcessPool>, true, true),
  };
  for (const ExperimentBackend& experiment : kExperiments) {
    if (experiment.name() == name) return &experiment;
  }
  return nullptr;
}

}  // namespace harness
