#pragma once

// The one place that starts processes: this program again, or another that is named, as a child that dies with it.
//
// Every child is executed anew (/proc/self/exe, so a replaced or deleted file does not matter), with default signal
// dispositions and an empty signal mask, and no descriptor of the parent's but those named in the
// request. Unless it is to survive, it is killed (SIGKILL) when this process dies, however that happens; the exit of the thread that called spawn() has
// no effect, since one thread that lives as long as the process does all spawning.
//
// No SIGCHLD handler is installed and none is needed: a child's death is seen through its pidfd. A host program that ignores
// SIGCHLD, or reaps every child itself, only loses the exit status.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "pools/errors.h"
#include "pools/src/process/os/descendants.h"
#include "pools/src/process/os/file_descriptor.h"

namespace pools {

// A process could not be started; code() holds the errno of the step that failed, what() names the step.
class SpawnError : public Error {
 public:
  SpawnError(const std::string& step, int error_number);
  const std::error_code& code() const noexcept { return code_; }

 private:
  std::error_code code_;
};

struct SpawnRequest {
  std::vector<std::string> arguments = {};  // argv[1], argv[2], ...
  std::string program = {};                 // the path of another program; empty: this one
  int stdin_fd = -1;               // becomes the standard input of the child; -1: /dev/null. Stays the caller's, like those below
  int channel_fd = -1;             // becomes its descriptor 3; -1: none
  int stdout_fd = -1;              // becomes its standard output; -1: inherited
  int stderr_fd = -1;              // becomes its standard error; -1: inherited
  bool own_process_group = false;  // the child leads a group of its own, away from the terminal's Ctrl-C
  bool survives_parent = false;    // it is not killed when this process dies: it sees to its own end
  std::optional<detail::DescendantMark> mark =
      {};  // what it and its descendants bear (none: nothing) instead of what this process bears
  std::vector<std::string> environment = {};  // "NAME=value", each added to this process's environment or replacing an entry
};

// What a process has used, with its children that it had waited for.
struct ResourceUse {
  std::chrono::microseconds cpu_time{0};
  // Bytes, resident at a time. At least what the process that started it had had resident at a time by then: the kernel counts that, too.
  std::uint64_t peak_memory = 0;
};

// How a process ended. Neither exit code nor signal: unknown, since somebody else reaped it.
struct ExitStatus {
  std::optional<int> exit_code;         // 0..255
  std::optional<int> signal;            // the signal that killed it
  std::optional<ResourceUse> use = {};  // unless it is unknown

  bool success() const noexcept { return exit_code == 0; }
  std::string description() const;  // "exited with status 3", "was killed by signal 9 (Killed)", "ended with an unknown status"
};

// A started process, owned: one that was not waited for is killed and reaped by the destructor. Not thread-safe, but that
// kill() may be called from any thread while no other thread waits.
class Child {
 public:
  Child() = default;  // none: pid() is -1
  Child(pid_t pid, detail::FileDescriptor pidfd, bool leads_group) noexcept;
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  pid_t pid() const noexcept { return pid_; }
  int pidfd() const noexcept { return pidfd_.get(); }  // readable when the process is dead; stays open until destruction

  // Waits for the end and reaps; the same status at every call. Of one that dies while somebody traces it the status is unknown, and it is
  // reaped at some later start of a process, when that has let go of it. Throws std::system_error if the wait itself fails.
  ExitStatus wait();
  // The same without waiting: empty while it runs.
  std::optional<ExitStatus> try_wait();

  // Through the pidfd, so that it never hits another process; false if there is none any more.
  bool kill(int signal) noexcept;
  // Likewise to every process of the group that the child leads, what it left behind included. REQUIRES: own_process_group. Once
  // the child is reaped, by whomever, it reaches what is left of the group only from Linux 6.9 on.
  void kill_group(int signal) noexcept;

 private:
  void abandon() noexcept;

  pid_t pid_ = -1;
  detail::FileDescriptor pidfd_;
  bool leads_group_ = false;
  std::optional<ExitStatus> status_;  // set once reaped
};

// Starts the program with the request's arguments. Returns when the new image has been executed. Thread-safe. Throws
// SpawnError: nothing is left behind then.
Child spawn(const SpawnRequest& request);

namespace detail {

// Runs `job` on the thread that spawns, after the jobs posted before it; from there spawn() works without a hop. Throws
// SpawnError when the thread cannot be started. `job` must not throw and must not wait for another job.
void post_to_spawner(std::function<void()> job);
bool on_spawner() noexcept;  // the calling thread is the one that spawns

}  // namespace detail
}  // namespace pools
