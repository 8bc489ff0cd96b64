#pragma once

// What ends the descendants of a pool's workers when this process is killed. A worker dies with its pool (PR_SET_PDEATHSIG), but what
// the worker has started does not. So each pool has one more process, the guard: it is told every worker's process group over a
// pipe, and when the pipe comes to its end - because the pool was closed, or because this process is gone - it kills what is left
// of them and exits. Out of its reach is only what has left its group (setsid, setpgid).
//
// Thread-safe. The guard is this program executed anew; it ignores the signals of the terminal, holds nothing but the pipe, and is replaced
// if somebody kills it.

#include <sys/types.h>

#include <mutex>
#include <string>
#include <vector>

#include "pools/process/file_descriptor.h"
#include "pools/process/spawn.h"

namespace pools::detail {

inline constexpr const char* kGuardArgument = "--pools-guard";   // argv[1] of a guard; its name follows

class Guard {
 public:
  explicit Guard(std::string name) : name_(std::move(name)) {}   // shown by ps and top
  ~Guard() { stop(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  // Starts it unless it runs. Throws SpawnError, std::system_error. A start waits for the exec, on the thread that starts processes.
  void ensure();
  // Returns when it is gone. REQUIRES: every group was removed.
  void stop() noexcept;
  // Readable when it is dead, until the next ensure(); -1 if there is none.
  int pidfd() const;

  // A process group that is to be killed. Before anything of the user's runs in it.
  void add(pid_t group) noexcept;
  // Its processes are dead, and the leader reaped or about to be.
  void remove(pid_t group) noexcept;

 private:
  void tell_locked(pid_t group, bool add) noexcept;

  const std::string name_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<pid_t> groups_;
  FileDescriptor pipe_;   // its writing end; does not block
  Child child_;
};

// The guard's main().
[[noreturn]] void run_guard(int argc, char** argv);

}  // namespace pools::detail
