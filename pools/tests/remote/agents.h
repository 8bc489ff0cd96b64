#pragma once

// Remote pools and agents on this machine, for tests.

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pools/cores.h"
#include "pools/remote_pool.h"
#include "pools/src/process/os/spawn.h"

namespace pools::test {

// How much longer each side waits for the other to be heard: ThreadSanitizer makes agents slow that start workers or copy large arguments.
#if defined(__SANITIZE_THREAD__)
inline constexpr int kPatience = 10;
#else
inline constexpr int kPatience = 1;
#endif
inline void be_patient(RemotePoolOptions& options) {
  options.missed_heartbeats *= kPatience;
  options.silence *= kPatience;
}

// As a user would start one by hand, with a key of the pool's.
inline Child start_agent(RemotePool& pool, int workers = 1) {
  return spawn({.arguments = {"--pool-agent", pool.address(), "--workers", std::to_string(workers)},
                .own_process_group = true,
                .environment = {"POOLS_AGENT_KEY=" + pool.agent_key()}});
}

// A remote pool with one agent here, which is used as a ProcessPool is.
class LoopbackPool : public RemotePool {
 public:
  LoopbackPool() : LoopbackPool(ProcessPoolOptions{}) {}
  explicit LoopbackPool(int workers) : LoopbackPool(ProcessPoolOptions{.workers = workers}) {}
  explicit LoopbackPool(ProcessPoolOptions options) : RemotePool(remote_options(options)), workers_(workers_of(options)) {}
  int workers() const { return workers_; }

 private:
  static int workers_of(const ProcessPoolOptions& options) { return options.workers.value_or(usable_cores().count); }
  static RemotePoolOptions remote_options(const ProcessPoolOptions& options) {
    RemotePoolOptions remote;
    remote.launcher = command("exec {agent}", {"localhost"});
    remote.workers = workers_of(options);
    be_patient(remote);
    remote.queue = options.queue;
    remote.timing = options.timing;
    remote.observer = options.observer;
    return remote;
  }
  const int workers_;
};

// A pool without a launcher, and agents that are started by hand and end with it.
struct HandPool {
  explicit HandPool(RemotePoolOptions options = {}) {
    be_patient(options);
    pool = std::make_unique<RemotePool>(std::move(options));
  }
  ~HandPool() {
    pool.reset();
    for (Child& agent : agents) agent.wait();
  }
  // Starts one, and returns when it is there.
  Child& add(int workers = 1) {
    agents.push_back(start_agent(*pool, workers));
    pool->await_hosts(++there, std::chrono::seconds(30));
    return agents.back();
  }
  std::unique_ptr<RemotePool> pool;
  std::vector<Child> agents;
  int there = 0;  // that have not been lost
};

}  // namespace pools::test
