// CPython's own executors, concurrent.futures, run by a driver written in Python (scripts/drivers/cpython). The cell goes
// to it as data, the trace comes back as data; its stamps are of the same clock.

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "harness/base/errors.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/cpython/cells.h"
#include "harness/engine/cpython/interpreter.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/machine/resources.h"

namespace harness {
namespace {

using nlohmann::json;

// The driver's name for what a work does; empty when it cannot do it.
std::string_view kind_of(std::string_view workload) {
  if (workload.starts_with("mixed")) return "mixed";
  for (const std::string_view kind : {"sleep", "spin", "gil_spin", "tcp_echo"}) {
    if (workload == kind) return kind;
  }
  return {};
}

json works_of(const std::vector<workloads::Work>& works, const workloads::RunContext& context) {
  json list = json::array();
  for (const workloads::Work& work : works) {
    const workloads::Workload& workload = *workloads::catalogue()[work.kind];
    int port = 0;
    if (workload.needs().echo_server) {
      port = work.resource < context.ports.size() ? context.ports[work.resource] : 0;
      if (port == 0) throw std::runtime_error(std::string(workload.name()) + ": no server runs for it");
    }
    list.push_back(json::array({kind_of(workload.name()), port, work.wait_ns, work.compute_units, work.bytes, work.seed}));
  }
  return list;
}

TaskTrace task_from(const json& row) {
  if (row.size() != 13)
    throw std::runtime_error("the Python driver's answer has a task of " + std::to_string(row.size()) + " numbers");
  TaskTrace task;
  row[0].get_to(task.submitted_ns);
  row[1].get_to(task.started_ns);
  row[2].get_to(task.finished_ns);
  row[3].get_to(task.pid);
  row[4].get_to(task.tid);
  row[5].get_to(task.cpu_ns);
  row[6].get_to(task.digest);
  row[7].get_to(task.callback_started_ns);
  row[8].get_to(task.callback_finished_ns);
  row[9].get_to(task.callback_pid);
  row[10].get_to(task.callback_tid);
  row[11].get_to(task.callback_cpu_ns);
  row[12].get_to(task.callback_digest);
  return task;
}

Trace trace_from(const json& answer) {
  Trace trace;
  for (const json& row : answer.at("tasks")) trace.tasks.push_back(task_from(row));
  answer.at("pool_start_ns").get_to(trace.pool_start_ns);
  answer.at("submit_ns").get_to(trace.submit_ns);
  answer.at("pool_stop_ns").get_to(trace.pool_stop_ns);
  answer.at("main_pid").get_to(trace.main_pid);
  answer.at("submitter_tid").get_to(trace.submitter_tid);
  const json& used = answer.at("resources");
  used.at("cpu_user_ns").get_to(trace.resources.cpu_user_ns);
  used.at("cpu_sys_ns").get_to(trace.resources.cpu_sys_ns);
  used.at("main_cpu_ns").get_to(trace.resources.main_cpu_ns);
  used.at("ctx_switches_voluntary").get_to(trace.resources.ctx_switches_voluntary);
  used.at("ctx_switches_involuntary").get_to(trace.resources.ctx_switches_involuntary);
  used.at("rss_peak_bytes").get_to(trace.resources.rss_peak_bytes);
  return trace;
}

class CPythonBackend final : public Backend {
 public:
  enum class Workers { threads, processes };

  constexpr CPythonBackend(std::string_view name, std::string_view summary, Workers workers)
      : name_(name), summary_(summary), workers_(workers) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return summary_; }

  std::string skip_reason(std::string_view strategy) const override {
    const auto known = strategies();
    if (std::none_of(known.begin(), known.end(), [&](const StrategyInfo& info) { return info.name == strategy; })) {
      throw ConfigError("unknown strategy '" + std::string(strategy) + "'");
    }
    if (workers_ == Workers::threads && strategy == "main") {
      return std::string(name_) +
             ": a done callback runs in the worker thread (worker); the caller parses in collect and as_completed";
    }
    if (workers_ == Workers::processes && strategy == "worker") {
      return std::string(name_) + ": a done callback runs in the main process (main); what a worker process parses is fused";
    }
    return {};
  }

  std::string workload_skip_reason(std::string_view workload) const override {
    if (!kind_of(workload).empty()) return {};
    return std::string(name_) + ": the driver has no '" + std::string(workload) +
           "'; it has sleep, spin, gil_spin, mixed, tcp_echo";
  }

  void require() const override { cpython::require_driver(); }

  int tasks_at_once(const Factors& factors) const override { return std::min(factors.workers, factors.tasks); }

  bool attaches_late() const override { return true; }

  std::string_view start_method() const override { return workers_ == Workers::threads ? "none" : "fork"; }

  Trace run(const PreparedCell& prepared) const override {
    const Cell& cell = prepared.cell;
    const cpython::Driver driver = cpython::require_driver();
    const ResourceMeter meter;  // for what the driver cannot know: the time for which a CPU quota stopped it
    const json question = {{"command", "run"},
                           {"executor", workers_ == Workers::threads ? "thread" : "process"},
                           {"strategy", cell.strategy},
                           {"workers", cell.workers},
                           {"parsers", cell.parsers},
                           {"chunksize", cell.chunksize},
                           {"tasks", works_of(prepared.tasks, prepared.context)},
                           {"callbacks", works_of(prepared.callbacks, prepared.context)}};
    Trace trace = trace_from(json::parse(cpython::ask(driver, question.dump())));
    trace.resources.cgroup_throttled_ns = meter.finish().cgroup_throttled_ns;
    return trace;
  }

 private:
  const std::string_view name_;
  const std::string_view summary_;
  const Workers workers_;
};

}  // namespace

const Backend& cpython_thread_backend() {
  static const CPythonBackend kBackend(cpython::kThreadBackend, "CPython's ThreadPoolExecutor, of the python3 on the PATH",
                                       CPythonBackend::Workers::threads);
  return kBackend;
}

const Backend& cpython_process_backend() {
  static const CPythonBackend kBackend(cpython::kProcessBackend, "CPython's ProcessPoolExecutor, of the python3 on the PATH",
                                       CPythonBackend::Workers::processes);
  return kBackend;
}

}  // namespace harness
