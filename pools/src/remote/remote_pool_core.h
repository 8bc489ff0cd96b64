#pragma once

// The inside of a RemotePool: what the pool's user calls. Submitters queue tasks in the backlog; the pool's one thread, ClientLoop, gives them
// to agents.
//
//   RemotePoolCore     what the pool's user calls
//   RemotePoolState    what all of these share, and the one mutex
//   ClientLoop         the thread: frames, clocks, hellos, the end; made of Links (who has which task), Launches (commands), and the Router,
//                      which has the sockets

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pools/detail/task_pool.h"
#include "pools/remote_pool.h"
#include "pools/src/base/mutex.h"
#include "pools/src/future/pool_callbacks.h"
#include "pools/src/remote/client_loop.h"
#include "pools/src/remote/remote_pool_state.h"

namespace pools::detail {

// In a fork: what submits or waits throws Error, shutdown() and close() return at once, and the rest says that there is nothing.
// Thread-safe. Futures' states refer to it as their sink: it outlives the RemotePool where a future is still to be completed.
class RemotePoolCore final : public TaskPool, public std::enable_shared_from_this<RemotePoolCore> {
 public:
  explicit RemotePoolCore(RemotePoolOptions options);  // checked by the caller
  ~RemotePoolCore() = default;

  const OwningProcess& process() const noexcept { return state_.process; }
  const RemotePoolOptions& options() const noexcept { return state_.options; }
  void open();   // Throws std::system_error
  void close();  // shutdown, then gives everything back. Once

  void submit(TaskRef& task, bool bounded) override;
  void kill_worker_of(const RemoteTask& task) noexcept override;
  void require_own_process(const char* what) const override { state_.process.require(what); }
  RemoteGroup& find_group(const std::string& name) const override;  // throws: it has none
  void deliver(StateRef state) noexcept override;
  void note_cancelled(FutureState& state) noexcept override;

  void shutdown(ShutdownOptions options);
  void await_hosts(int hosts, const Deadline& deadline);
  void start_all(int hosts);
  PoolMetrics metrics() const;
  std::vector<HostInfo> hosts() const;
  RemoteIncidents incidents() const;
  std::string address() const { return state_.router.endpoint(); }
  std::string new_agent_key();

 private:
  void require_this_process() const { state_.process.require(state_.called.c_str()); }
  void require_open() const REQUIRES(state_.mutex);        // Throws ShutdownError, BrokenPoolError
  bool must_wait_for_room() const REQUIRES(state_.mutex);  // Throws QueueFullError
  bool own_thread() noexcept;
  // Returns when condition() is true, which is asked with the mutex held, at first and after each change.
  template <class Condition>
  void await(Condition condition) {
    for (;;) {
      const std::uint32_t seen = state_.seen_changes();
      {
        const Lock lock(state_.mutex);
        if (condition()) return;
      }
      state_.changes.wait(seen);
    }
  }

  RemotePoolState state_;
  ClientLoop loop_{state_};
  PoolCallbacks callbacks_;
};

}  // namespace pools::detail
