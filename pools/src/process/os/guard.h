#pragma once

// What ends the descendants of a pool's workers when this process is gone. A worker dies with its pool (PR_SET_PDEATHSIG), but what
// the worker has started does not. So each pool has one more process, the guard. It waits for the end of this process, killed or however
// else, or for its place being taken by another program (exec); then it kills whatever bears the pool's mark (descendants.h), and exits. It
// keeps no list: what is there to be killed is found when the time has come, however long the guard was stopped before.
//
// It sees the end through a pidfd, which no forked child of this process keeps from telling it, and the exec through the end of a pipe.
// A pool that closes does that work itself and kills its guard.
//
// Thread-safe. The guard is this program executed anew; it ignores the signals of the terminal, bears no mark itself (so that it outlives a
// worker whose task has a pool), and is replaced if somebody kills it.

#include <string>
#include <utility>

#include "pools/src/base/mutex.h"
#include "pools/src/process/os/descendants.h"
#include "pools/src/process/os/file_descriptor.h"
#include "pools/src/process/os/spawn.h"

namespace pools::detail {

inline constexpr const char* kGuardArgument = "--pools-guard";  // argv[1] of a guard; its name, the mark and the host's id follow

class Guard {
 public:
  Guard(std::string name, DescendantMark mark) : name_(std::move(name)), mark_(mark) {}  // the name is shown by ps and top
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  // Starts it unless it runs. Throws SpawnError, std::system_error. A start waits for the exec, on the thread that starts processes.
  void ensure();
  // Kills it, also one that is stopped, and returns when it is gone.
  void stop() noexcept;
  // Readable when it is dead, until the next ensure(); -1 if there is none.
  int pidfd() const;

 private:
  const std::string name_;
  const DescendantMark mark_;
  mutable Mutex mutex_;
  FileDescriptor pipe_
      GUARDED_BY(mutex_);  // closed by the kernel when this process executes another program; nothing is ever written
  Child child_ GUARDED_BY(mutex_);
};

// The guard's main().
[[noreturn]] void run_guard(int argc, char** argv);

}  // namespace pools::detail
