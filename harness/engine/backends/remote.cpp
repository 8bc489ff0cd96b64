#include "harness/engine/backends/remote.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#include "harness/base/errors.h"
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

pools::RemotePoolOptions remote_options(const ExecutorOptions& options) {
  const std::vector<std::string> hosts = hosts_of(options.backend);
  pools::RemotePoolOptions pool;
  pool.workers = each_host(options.workers, hosts);
  pool.queue = options.queue;
  pool.name_prefix = "worker";
  pool.initializer = pools::remote<&enter_measured_process>(options.context);
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

// Long enough that all workers are started while the first of them naps.
constexpr std::chrono::milliseconds kNap{30};

std::string nap() {
  std::this_thread::sleep_for(kNap);
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return fmt::format("{}/{}", host, ::getpid());
}

// A host starts a worker when there is a task for it: the clock starts when each has had one.
void warm_up(pools::RemotePool& pool, int workers) {
  constexpr int kRounds = 100;
  std::set<std::string> seen;
  for (int round = 0; round < kRounds && static_cast<int>(seen.size()) < workers; ++round) {
    std::vector<pools::Future<std::string>> naps;
    for (int i = 0; i < workers; ++i) naps.push_back(pool.submit<&nap>());
    for (auto& one : naps) seen.insert(one.result());
  }
  if (static_cast<int>(seen.size()) < workers) {
    throw ConfigError(fmt::format("{} of {} workers have done nothing in {} rounds", workers - static_cast<int>(seen.size()),
                                  workers, kRounds));
  }
}

class RemoteExecutorOfHosts : public LibraryExecutor<pools::RemotePool> {
 public:
  static constexpr WorkersAre kWorkers = WorkersAre::processes;

  explicit RemoteExecutorOfHosts(const ExecutorOptions& options)
      : LibraryExecutor(remote_options(options)), local_(hosts_of(options.backend).empty()) {
    warm_up(pool_, options.workers);
  }

  std::vector<pid_t> worker_processes() const {
    std::vector<pid_t> processes;
    if (!local_) return processes;  // other machines' memory is theirs
    for (const pools::HostInfo& host : pool_.hosts()) {
      processes.push_back(host.pid);
      for (const pid_t child : children_of(host.pid)) processes.push_back(child);
    }
    return processes;
  }
  void shutdown() {
    require_one_clock();
    LibraryExecutor::shutdown();
  }

 private:
  // Stamps of a machine with another clock would show tasks that start before they are submitted.
  void require_one_clock() const {
    constexpr std::chrono::nanoseconds kTolerance = std::chrono::milliseconds(1);
    for (const pools::HostInfo& host : pool_.hosts()) {
      const auto apart = host.clock_offset < std::chrono::nanoseconds(0) ? -host.clock_offset : host.clock_offset;
      if (!host.round_trip || apart <= host.clock_bound + kTolerance) continue;
      throw ConfigError(
          fmt::format("the clock of host {} is {} ns from this one's: its stamps cannot be compared with those of this machine",
                      host.name, apart.count()));
    }
  }

  bool local_;
};

constexpr std::string_view kSummary = "pools::RemotePool: worker processes of an agent on this machine, or on each of HOSTS";

class RemoteBackend final : public PoolBackend<RemoteExecutorOfHosts> {
 public:
  explicit RemoteBackend(std::string name)
      : PoolBackend("", kSummary),
        own_name_(std::move(name)),
        machines_(std::max(1, static_cast<int>(hosts_of(own_name_).size()))) {}

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
