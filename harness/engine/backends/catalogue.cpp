#include <string>
#include <vector>

#include "harness/base/errors.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/backends/contenders.h"
#include "harness/engine/backends/event_loops.h"
#include "harness/engine/backends/remote.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/own/own_work.h"
#include "harness/engine/strategies/strategy.h"
#include "os/descriptor.h"
#include "workloads/work.h"

namespace harness {

const Backend& thread_backend();
const Backend& process_backend();
const Backend& inline_backend();
const Backend& thread_per_task_backend();

std::span<const Backend* const> backend_catalogue() {
  static const std::vector<const Backend*> kCatalogue = [] {
    // A registration is a line.
    // clang-format off
    std::vector<const Backend*> all{
        &thread_backend(),
        &process_backend(),
        &inline_backend(),
        &thread_per_task_backend(),
        &remote_backend(),
    };
    // clang-format on
    const auto driven = drivers::builtin_backends();
    all.insert(all.end(), driven.begin(), driven.end());
    for (const auto& others : {contender_backends(), event_loop_backends()}) all.insert(all.end(), others.begin(), others.end());
    return all;
  }();
  return kCatalogue;
}

const Backend& find_backend(std::string_view name, std::span<const Backend* const> among) {
  if (name.starts_with(drivers::kPrefix)) return drivers::backend_at(name);
  if (name.starts_with(kRemotePrefix)) return remote_backend_at(name);
  std::string known;
  for (const Backend* backend : among) {
    if (backend->name() == name) return *backend;
    known += (known.empty() ? "" : ", ") + std::string(backend->name());
  }
  if (const drivers::DriverBackend* const made = drivers::known_backend(name)) return *made;
  throw ConfigError("unknown backend '" + std::string(name) + "'; known: " + known + ", driver:PATH, remote:HOSTS");
}

int workers_on(const Backend& backend, int each) {
  int all = 0;
  if (__builtin_mul_overflow(each, backend.machines(), &all)) {
    throw ConfigError("more workers than can be counted: " + std::to_string(each) + " on each of " +
                      std::to_string(backend.machines()) + " machines");
  }
  return all;
}

std::span<const BackendInfo> backends() {
  static const std::vector<BackendInfo> kInfos = [] {
    std::vector<BackendInfo> infos;
    for (const Backend* backend : backend_catalogue()) {
      infos.push_back({backend->name(), backend->summary(), backend->missing()});
    }
    return infos;
  }();
  return kInfos;
}

std::optional<std::string> skip_reason(const Factors& factors) {
  const Backend& backend = find_backend(factors.backend);
  if (std::string reason = backend.skip_reason(factors.strategy); !reason.empty()) return reason;
  if (arrives(factors)) {
    if (const std::string_view reason = no_arrivals(factors.strategy); !reason.empty())
      return "where tasks arrive, " + factors.strategy + " has no meaning: " + std::string(reason);
    if (const std::string reason = backend.arrivals_skip_reason(factors); !reason.empty()) return factors.backend + ": " + reason;
  }

  const workloads::Workload* workload = workloads::find_workload(factors.workload);
  if (workload == nullptr) throw ConfigError("unknown workload '" + factors.workload + "'");
  if (std::string reason = backend.workload_skip_reason(factors.workload); !reason.empty()) return reason;
  if (workload->needs().subject) {
    if (std::string reason = own::skip_reason(factors); !reason.empty()) return reason;
  }
  if (workload->needs().echo_server || workload->needs().http_server) {
    // One socket per running task in the server's process, besides what any process has open.
    constexpr std::uint64_t kOthers = 64;
    const auto sockets = static_cast<std::uint64_t>(backend.tasks_at_once(factors));
    if (sockets + kOthers > os::descriptor_limit()) {
      return "needs " + std::to_string(sockets + kOthers) + " descriptors, the limit (ulimit -Hn) is " +
             std::to_string(os::descriptor_limit());
    }
  }
  return std::nullopt;
}

}  // namespace harness
