#include "harness/engine/backends/remote.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <utility>

#include "harness/base/errors.h"
#include "harness/core/one_clock.h"
#include "harness/engine/backends/library_executor.h"
#include "harness/engine/backends/pool_backend.h"
#include "harness/engine/strategies/work_functions.h"
#include "pools/remote_pool.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kPatience{20};  // for agents that never come

// Empty where it is not set.
std::string setting(const char* variable) {
  const char* const text = std::getenv(variable);
  return text != nullptr ? text : "";
}

// The interface of the default route. Throws ConfigError without one.
std::string default_interface() {
  std::ifstream routes("/proc/net/route");
  std::string line;
  std::getline(routes, line);
  while (std::getline(routes, line)) {
    std::istringstream fields(line);
    std::string interface;
    std::string destination;
    if (fields >> interface >> destination && destination == "00000000") return interface;
  }
  throw ConfigError("no default route says which interface the hosts reach; POOLBENCH_ADDRESS does, as in tcp://eth0:*");
}

int each_host(int workers, const std::vector<std::string>& hosts) {
  const int count = std::max(1, static_cast<int>(hosts.size()));
  if (workers % count != 0) {
    throw ConfigError(
        fmt::format("{} workers cannot be shared equally by {} hosts; allowed: a multiple of {}", workers, count, count));
  }
  return workers / count;
}

// What its clock says, whenever it has been compared with this one.
class HostClocks final : public pools::HostObserver {
 public:
  void clock_compared(const pools::HostInfo& host) noexcept override {
    const ClockReading reading{workloads::monotonic_ns(), host.clock_offset.count(), host.clock_bound.count()};
    const std::lock_guard lock(mutex_);
    histories_[host.incarnation].add(reading);
    latest_[host.number] = {host.name, reading.offset_ns, reading.bound_ns, host.round_trip->count()};
  }

  // Throws ConfigError where no move within the bounds makes sense of the stamps.
  void put_on_one_clock(Trace& trace) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, clock] : latest_) trace.clocks.push_back(clock);
    if (const std::string why = harness::put_on_one_clock(trace, histories_); !why.empty()) throw ConfigError(why);
  }

 private:
  mutable std::mutex mutex_;
  ClockHistories histories_;         // guarded by mutex_
  std::map<int, HostClock> latest_;  // guarded by mutex_; by the order in which they came
};

// The initializer of workers on hosts.
void enter_measured_host(const workloads::RunContext& context) {
  enter_measured_process(context);
  enter_host(pools::agent_incarnation());
}

pools::RemotePoolOptions remote_options(const ExecutorOptions& options, std::shared_ptr<pools::HostObserver> clocks) {
  const std::vector<std::string> hosts = hosts_of(options.backend);
  pools::RemotePoolOptions pool;
  pool.workers = each_host(options.workers, hosts);
  pool.name_prefix = "worker";
  pool.initializer = pools::remote<&enter_measured_host>(options.context);
  pool.host_observer = std::move(clocks);
  pool.patience = kPatience;
  if (hosts.empty()) {
    pool.launcher = pools::command("exec {agent}", {"localhost"});
    return pool;
  }
  const std::string shell = setting("POOLBENCH_RSH");
  pool.address = setting("POOLBENCH_ADDRESS");
  if (pool.address.empty()) pool.address = fmt::format("tcp://{}:*", default_interface());
  pool.launcher = shell.empty() ? pools::ssh(hosts) : pools::command(shell + " {host} {quoted agent}", hosts);
  return pool;
}

// Of the processes of this machine: what the agent has started, workers and their guard.
std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  std::ifstream file(fmt::format("/proc/{}/task/{}/children", pid, pid));
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

class RemoteExecutorOfHosts : public LibraryExecutor<pools::RemotePool> {
 public:
  static constexpr WorkersAre kWorkers = WorkersAre::processes;

  explicit RemoteExecutorOfHosts(const ExecutorOptions& options)
      : RemoteExecutorOfHosts(options, std::make_shared<HostClocks>()) {}

  std::vector<pid_t> worker_processes() const {
    std::vector<pid_t> processes;
    if (!local_) return processes;  // other machines' memory is theirs
    for (const pools::HostInfo& host : pool_.hosts()) {
      processes.push_back(host.pid);
      for (const pid_t child : children_of(host.pid)) processes.push_back(child);
    }
    return processes;
  }
  void put_on_one_clock(Trace& trace) const { clocks_->put_on_one_clock(trace); }

 private:
  RemoteExecutorOfHosts(const ExecutorOptions& options, std::shared_ptr<HostClocks> clocks)
      : LibraryExecutor(remote_options(options, clocks)), local_(hosts_of(options.backend).empty()), clocks_(std::move(clocks)) {}

  const bool local_;
  const std::shared_ptr<HostClocks> clocks_;
};

constexpr std::string_view kSummary = "pools::RemotePool: worker processes of an agent on this machine, or on each of HOSTS";

class RemoteBackend final : public PoolBackend<RemoteExecutorOfHosts> {
 public:
  explicit RemoteBackend(std::string name)
      : PoolBackend("", kSummary), own_name_(std::move(name)), machines_(machines_of(own_name_)) {}

  std::string_view name() const override { return own_name_; }
  int machines() const override { return machines_; }

 private:
  std::string own_name_;
  int machines_;
};

}  // namespace

const Backend& remote_backend() {
  static const RemoteBackend kBackend("remote");
  return kBackend;
}

const Backend& remote_backend_at(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<const RemoteBackend>, std::less<>> known;
  const std::lock_guard lock(mutex);
  auto found = known.find(name);
  if (found == known.end()) found = known.emplace(name, std::make_unique<RemoteBackend>(std::string(name))).first;
  return *found->second;
}

}  // namespace harness
