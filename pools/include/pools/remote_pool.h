#pragma once

// RemotePool: a ProcessPool whose workers are on other hosts. On each of them this program runs once more, as an agent, and has a
// supervised ProcessPool there; here is the queue, and no worker.
//
//   int main(int argc, char** argv) {
//     pools::init(argc, argv);                                         // an agent never returns from here
//     pools::RemotePool pool{{.address = "tcp://10.0.0.1:*", .launcher = pools::ssh({"a", "b"})}};
//     auto sum = pool.submit<&count_words>(text);                      // runs in a worker on a or on b
//
// The contract is that of ProcessPool, with what follows from the distance:
//   - Hosts come and go. Tasks wait while there is none; for `patience` at most, then the pool is broken. A host starts a worker when there is
//     a task for it, or all of them for start_all().
//   - A task that a host was permitted to begin is running, whether or not a worker there has got to it. As many are permitted as there
//     are workers, more only of short ones (permitted_per_worker).
//   - The death of a worker is that of its task: WorkerDied, as ever. The loss of a host fails what it was permitted to begin with HostLost,
//     unless retries are left; all else moves to other hosts, in its order. No task is lost, and without retries none begins twice.
//   - A host that has been lost and says hello again is used again. One that is lost `fence_after` times in a row, with no task ended in
//     between, is used only after it has run a task of the pool's own, and not before a second has passed, or two, four, up to 30.
//
// Who may join: agents with a key of this pool's, over CurveZMQ: encrypted, both sides authenticated. Another build of the program is refused,
// and ends with exit code 2.
//
// In a fork of the process it is refused as a ProcessPool is. Thread safety: every member may be called from any thread, callbacks included.

#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pools/launcher.h"
#include "pools/metrics.h"
#include "pools/observer.h"
#include "pools/options.h"
#include "pools/remote_executor.h"

namespace pools {
namespace detail {
class RemotePoolCore;
}  // namespace detail

// How many tasks of such a length a host is permitted to begin at a time, per worker: one of long ones; of short ones as many more as run in 2 ms
// and in eight round trips (as they are at the time), 128 at most, for workers would idle while an answer and the next permission travel. The pool finds the length out.
constexpr int permitted_per_worker(std::chrono::nanoseconds task, std::chrono::nanoseconds round_trip) noexcept {
  constexpr std::chrono::nanoseconds kAhead = std::chrono::milliseconds(2);
  constexpr std::int64_t kTrips = 8;
  constexpr std::int64_t kMost = 128;
  const std::int64_t more = (kAhead.count() + kTrips * round_trip.count()) / std::max<std::int64_t>(1, task.count());
  return static_cast<int>(std::min(kMost, 1 + more));
}

// A host as the pool sees it now.
struct HostInfo {
  std::string name;  // what it calls itself
  int number = 0;    // of its agent, counted from 0 in the order in which they said hello; `worker` of the observer's started()
  std::uint64_t incarnation = 0;  // drawn by each agent when it starts
  pid_t pid = 0;                  // the agent's
  int workers = 0;
  bool started = false;  // all its workers are: somebody has called start_all(), and the host has said so since
  bool fenced = false;
  int permitted = 0;  // tasks that it may begin, and has not answered
  int ahead = 0;      // tasks that lie ready there, and are not permitted
  std::chrono::steady_clock::time_point last_seen = {};
  // From heartbeats; the clocks are CLOCK_MONOTONIC. Empty before the first round trip.
  std::optional<std::chrono::nanoseconds> round_trip = {};
  std::chrono::nanoseconds clock_offset{0};  // its clock minus this one's
  std::chrono::nanoseconds clock_bound{0};   // the offset is right but for so much
};

// Like PoolObserver: called on the pool's own thread, must neither throw, nor block, nor call the pool.
class HostObserver {
 public:
  virtual ~HostObserver() = default;
  virtual void host_up([[maybe_unused]] const HostInfo& host) noexcept {}
  // After each comparison of the clocks: several when a host has come, then with each heartbeat.
  virtual void clock_compared([[maybe_unused]] const HostInfo& host) noexcept {}
  virtual void host_lost([[maybe_unused]] const HostInfo& host, [[maybe_unused]] const std::string& why) noexcept {}
  // Who was not let in: `who` is a name or an address.
  virtual void host_refused([[maybe_unused]] const std::string& who, [[maybe_unused]] const std::string& why) noexcept {}
};

struct RemotePoolOptions {
  // One interface of this host and a port, "tcp://10.0.0.1:5555" or "tcp://eth0:*" (any free port). All interfaces at once are refused.
  std::string address = "tcp://127.0.0.1:*";
  Launcher launcher = {};
  std::string name_prefix = "pool";
  QueueOptions queue = {};  // a bounded queue; caller_runs is refused
  bool timing = false;      // queue-wait and run-time histograms in metrics(); run time as seen from here
  std::shared_ptr<PoolObserver> observer = {};
  std::shared_ptr<HostObserver> host_observer = {};
  RetryPolicy retry = {};  // of what dies with its worker, and of what is lost with its host, each so often

  std::chrono::nanoseconds heartbeat = std::chrono::milliseconds(500);  // > 0; each side says something so often
  // >= 1; then a host is lost. What is large goes in pieces of 64 KiB, each of which is heard of when it is there: as it is set here, a
  // connection of 1 Mbit/s was too slow for that in a trial, one of 4 Mbit/s was not.
  int missed_heartbeats = 3;
  std::chrono::nanoseconds silence = std::chrono::seconds(3);  // > 0; an agent ends that has heard nothing for so long
  int fence_after = 3;                                         // >= 1
  std::chrono::nanoseconds patience =
      std::chrono::seconds(60);  // >= 0; how long tasks (and start_all) wait for the first, or another, host; 0: for ever
  std::chrono::nanoseconds farewell = std::chrono::seconds(2);  // >= 0; how long shutdown waits for agents to end

  // Of the ProcessPool on each host, as in ProcessPoolOptions.
  WorkerCount workers = {};  // >= 1; none: as many as that host has usable cores; bounds are refused
  RemoteCall initializer = {};
  int quarantine_after = 3;
  int crash_limit = 50;
  int max_tasks_per_child = 0;
  std::uint64_t memory_limit = 0;
  std::uint64_t recycle_above = 0;
  WorkerOutput output = WorkerOutput::tagged;
  std::uint64_t max_payload = 0;
};

// What has gone wrong on the way so far.
struct RemoteIncidents {
  std::uint64_t hosts_lost = 0;
  std::uint64_t builds_refused = 0;  // hellos of another build or protocol
  std::uint64_t keys_refused = 0;    // handshakes with a key that is none of the pool's
  std::uint64_t strangers = 0;       // connections that ended before they had shown a key
  std::uint64_t late_frames = 0;     // of a session that was over: they are dropped
  std::uint64_t violations = 0;      // agents that said what makes no sense, and were dropped
};

// In a task that a RemotePool has on a host: which of HostInfo it is, by its `incarnation`; 0 elsewhere. What a task says of the time there,
// of std::chrono::steady_clock, is that of here once `clock_offset` is taken off, right but for `clock_bound`.
std::uint64_t agent_incarnation() noexcept;

class RemotePool : public RemoteExecutor {
 public:
  // Binds, and starts the agents. Throws std::invalid_argument; std::system_error when it cannot bind; NotInitialisedError.
  explicit RemotePool(RemotePoolOptions options);
  // shutdown(). Afterwards nothing of the pool is left, here or on a host that can be reached.
  ~RemotePool();

  // For agents that are started by hand: what they connect to, "tcp://10.0.0.1:40123", and a new key, for the environment variable
  // POOLS_AGENT_KEY or the first line of the agent's standard input. It lets in as many agents as have it, until the pool's end.
  [[nodiscard]] std::string address() const;
  [[nodiscard]] std::string agent_key();
  // The same as a file that only its owner may read, for POOLS_AGENT_KEY_FILE. Throws std::system_error.
  void write_agent_key(const std::string& path);

  // Returns when so many hosts are there that are not fenced. Throws TimeoutError, BrokenPoolError, ShutdownError.
  void await_hosts(int hosts, std::optional<std::chrono::nanoseconds> timeout = {});
  // Starts every worker of every host, now and of those that come later, and returns when as many hosts are there as the launcher starts (by
  // hand: one) and each worker of all that are there has run its initializer and waits for work; the clocks have been compared, too. `patience` is of this, too. Throws
  // BrokenPoolError, ShutdownError.
  void start_all();

  // No submit from now on. Queued work still runs (unless cancelled), with wait = false too. Idempotent.
  void shutdown(ShutdownOptions options = {});

  // Consistent at any moment: submitted == queued + running + done + failed + cancelled. `workers` is the sum of the hosts'; `crashed` and
  // `respawned` are 0, each host counts its own.
  [[nodiscard]] PoolMetrics metrics() const;
  [[nodiscard]] std::vector<HostInfo> hosts() const;
  [[nodiscard]] RemoteIncidents incidents() const;

 private:
  enum class Made { yes };  // so that RemotePool({}) means the options
  RemotePool(Made, std::shared_ptr<detail::RemotePoolCore> core);

  std::shared_ptr<detail::RemotePoolCore> core_;
};

}  // namespace pools
