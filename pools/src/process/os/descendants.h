#pragma once

// Finds and ends what a pool's workers have started, whatever has become of it: a process group of its own (coreutils' `timeout`, a shell
// with job control), a session of its own (setsid), a parent that is gone (a daemon's double fork), an empty environment.
//
// Each worker carries a mark from before it is executed, and the kernel hands the mark on to whatever descends from it. The mark is the soft
// limit of file locks, RLIMIT_LOCKS: every process has it, Linux has ignored it since 2.4.25, fork and exec leave it as it is, and it
// is read of another process by one system call that never waits for that process. So there is nothing to be recorded while workers come
// and go, and nothing that could be lost or be out of date; a death costs one walk over /proc (0.4 us per process), a task nothing.
//
// A process is killed through a pidfd that was opened before its mark was read: a number that is somebody else's by now is never hit.
//
// Rejected: sub-reapers (PR_SET_CHILD_SUBREAPER), since orphans become children of the worker, where a task that waits for any child of
// its own would find strangers or wait for a daemon's end, and since the worker's death, which is when they have to be found, hands
// them on to init all the same. A session per worker: setsid leaves it, and the scheduler shares the machine between sessions (autogroup).
// An environment variable: `env -i` and programs that set their title lose it, and reading it waits for a lock of the other process. An
// inherited descriptor: daemons, and Python's subprocess, close what they do not know. cgroup.kill: few programs may make a cgroup.
//
// Out of reach: what runs as another user (its limits cannot be read), and what sets RLIMIT_LOCKS itself; `prlimit --locks=unlimited` is how a
// process can be started that is to outlive its worker. Where the hard limit of file locks is not unlimited, nothing is marked.
//
// Thread-safe: there is no state.

#include <sys/types.h>

#include <cstdint>

namespace pools::detail {

class DescendantMark {
 public:
  DescendantMark() = default;                                      // none: covers nothing
  explicit DescendantMark(std::uint64_t value) : value_(value) {}  // of value()

  static DescendantMark of_a_new_pool();  // unlike every other's
  // Of one worker of this pool. Workers that live at the same time differ if fewer than 65,535 were started in between.
  DescendantMark of_worker(std::uint64_t start) const noexcept;

  std::uint64_t value() const noexcept { return value_; }
  explicit operator bool() const noexcept { return value_ != 0; }
  // `limit` is this mark or, if this is a pool's, that of one of its workers.
  bool covers(std::uint64_t limit) const noexcept;

 private:
  std::uint64_t value_ = 0;
};

// Makes it the mark of the calling process; none: takes an inherited one away. Only a system call: may be used between vfork and exec.
void bear(DescendantMark mark) noexcept;

// Sends the signal once to each process that bears the mark, but for those of the process group `except`.
void signal_descendants(DescendantMark mark, int signal, pid_t except) noexcept;

// Kills (SIGKILL) what bears the mark, until nothing is left that could start more of it. Does not wait for the deaths. False if
// it could not look at everything, for want of a descriptor or because more is started than can be killed.
bool kill_descendants(DescendantMark mark) noexcept;

}  // namespace pools::detail
