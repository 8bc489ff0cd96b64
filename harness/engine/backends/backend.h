#pragma once

// An executor under test, as the harness sees it: it runs a cell and hands back a trace. Executors with a submit seam
// share one implementation (pool_backend.h); anything else that can produce a Trace - another library, another language
// - is a Backend as well.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "harness/core/cell.h"
#include "harness/core/trace.h"
#include "harness/engine/prepared_cell.h"

namespace harness {

// Stateless and immutable; one run() at a time per process, because worker settings are process-wide.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string_view name() const = 0;
  virtual std::string_view summary() const = 0;  // one line, for `poolbench list backends`
  // What this build lacks for it, so that every cell of this backend is skipped, and what helps. Empty: nothing.
  virtual std::string_view missing() const { return {}; }

  // Why this backend cannot run a cell of that strategy; empty when it can. Throws ConfigError for an unknown strategy.
  virtual std::string skip_reason(std::string_view strategy) const = 0;

  // Why this backend cannot run tasks of that workload; empty when it can, as every backend of this language does.
  virtual std::string workload_skip_reason(std::string_view /*workload*/) const { return {}; }

  // Why this backend cannot run a cell whose tasks arrive, with that bound of its queue; empty when it can. REQUIRES: arrives(factors).
  virtual std::string arrivals_skip_reason(const Factors& /*factors*/) const { return "it is given all tasks at once"; }

  // Throws ConfigError naming what the backend needs and this machine does not have. To be called before a sweep starts.
  virtual void require() const {}

  // How many tasks of the cell run at once at most: as many sockets a server of theirs has to hold.
  virtual int tasks_at_once(const Factors& factors) const = 0;

  // The workers a cell of `tasks` tasks has when `asked` are asked for: another number where there is no choice (one of
  // `inline`, one per task of `thread_per_task`).
  virtual int workers(int asked, int /*tasks*/) const { return asked; }

  // On how many machines its workers are: of a suite's `workers` each has as many, and a cell has all of them.
  virtual int machines() const { return 1; }

  // How its processes start, the column start_method; "none" if it has none.
  virtual std::string_view start_method() const { return "none"; }

  // Whether it attaches callbacks to futures that may be done by then: such a callback runs on the thread that submits.
  virtual bool attaches_late() const { return false; }

  // Whether a callback of `worker` or `fused` may run on another of its threads than the task: a task on an event loop goes on on any.
  virtual bool any_worker_calls_back() const { return false; }

  // Runs the cell once. Every worker and parser is ready before the first stamp is taken. Throws what went wrong: a
  // task's exception, threads that cannot be started. REQUIRES: skip_reason is empty; called in the process's main
  // thread.
  virtual Trace run(const PreparedCell& prepared) const = 0;
};

// All backends of the program, in a fixed order: one line each in catalogue.cpp, cpython.cpp, node.cpp, contenders/CMakeLists.txt or
// loops/CMakeLists.txt.
std::span<const Backend* const> backend_catalogue();

// One of these, or "driver:PATH": any program that speaks the protocol of docs/drivers.md, which is asked who it is at the first mention,
// and lives as long as this program. Throws ConfigError naming the known ones, or what is wrong with the driver.
const Backend& find_backend(std::string_view name, std::span<const Backend* const> among = backend_catalogue());

// Of all its machines together, as many on each. Throws ConfigError beyond what an int holds.
int workers_on(const Backend& backend, int each);

// For `poolbench list backends`.
struct BackendInfo {
  std::string_view name;
  std::string_view summary;
  std::string_view missing = {};  // as Backend::missing()
};
std::span<const BackendInfo> backends();

// Why the cell cannot be run here: the strategy has no meaning on the backend, or the cell needs more descriptors than
// the process may ever have. Nothing when it can. Throws ConfigError for unknown names.
std::optional<std::string> skip_reason(const Factors& factors);

}  // namespace harness
