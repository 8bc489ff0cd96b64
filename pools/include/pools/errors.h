#pragma once

// The typed errors of the executors. All derive from pools::Error; every message is one line.

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace pools {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// result() or exception() of a future that was cancelled.
class CancelledError : public Error {
 public:
  CancelledError() : Error("the future was cancelled") {}
};

// A timeout ran out before the future was done. The future is untouched by it.
class TimeoutError : public Error {
 public:
  TimeoutError() : Error("timed out waiting for a future") {}
  using Error::Error;
};

// A second completion of a future, or one of a cancelled future; any use of a future that is empty.
class InvalidStateError : public Error {
 public:
  using Error::Error;
};

// submit or map after shutdown.
class ShutdownError : public Error {
 public:
  ShutdownError() : Error("cannot schedule new futures after shutdown") {}
  using Error::Error;
};

// The pool cannot run tasks any more; the message carries the cause.
class BrokenPoolError : public Error {
 public:
  using Error::Error;
};

// A submit to a pool whose bounded queue is full, and that is to reject then.
class QueueFullError : public Error {
 public:
  using Error::Error;
};

// An untimed wait in a task that can never end: all that it waits for waits, directly or through others, for the caller.
class DeadlockError : public Error {
 public:
  using Error::Error;
};

// What would have to nest deeper than the stack of its thread allows: a value on its way to or from another process, or tasks that wait
// for tasks of their pool, each run on top of the one that waits for it.
class RecursionError : public Error {
 public:
  using Error::Error;
};

// Arguments or a result of more bytes than ProcessPoolOptions::max_payload.
class PayloadTooLargeError : public Error {
 public:
  using Error::Error;
};

// Memory that processes share (shared_buffer.h) could not be made, mapped, sealed or passed on. The message names the limit that is in the way.
class SharedMemoryError : public Error {
 public:
  using Error::Error;
};

// An exception that crossed a process boundary: what() is the original message, type() the demangled name of its type.
class RemoteError : public Error {
 public:
  RemoteError(std::string type, const std::string& message) : Error(message), type_(std::move(type)) {}
  const std::string& type() const noexcept { return type_; }

 private:
  std::string type_;
};

// What a worker process died of, as far as the kernel tells. It does not tell who sent a signal: one that somebody sends looks like the fault
// that it stands for.
enum class DeathCause {
  unknown,          // the host program reaped the process itself, or there was no memory to look
  exited,           // exit(), or what ends a process with a status
  crashed,          // SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGTRAP
  bus_error,        // SIGBUS: a page that is mapped and cannot be had, as of a file that was cut
  bad_system_call,  // SIGSYS: a filter (seccomp) refuses it
  // The kernel needed memory: SIGKILL, when it had just counted one more such kill in the worker's control group (where none is, on the
  // machine): within 3 s, as a rule, while workers are busy. Which process that was it does not say. Each kill is one worker's.
  out_of_memory,
  cpu_limit,        // RLIMIT_CPU: SIGXCPU, or SIGKILL once cpu_time is within 5 % (0.25 s at least) of the hard limit
  file_size_limit,  // RLIMIT_FSIZE: SIGXFSZ
  killed,           // any other signal, from somebody else than the pool
  pool,             // the pool ended it: a time limit, a cancellation, a violation, silence
};

// Beside how it ended: as far as it is known.
struct WorkerDeath {
  DeathCause cause = DeathCause::unknown;
  std::string task = {};                                   // the function that it was at; empty: unknown
  std::optional<std::chrono::nanoseconds> task_time = {};  // from when it could begin the task until the death was noticed
  std::optional<std::chrono::microseconds> cpu_time = {};  // of the process, with children that it had waited for
  // Bytes that were resident at a time, at most. None where it was no more than what the host program had had by the worker's start, and 4 MiB:
  // the kernel counts that as the worker's.
  std::optional<std::uint64_t> peak_memory = {};
};

// The worker process that ran the task died. Exactly one of signal() and exit_code() has a value, or neither when the host
// program reaped the process itself ("status unknown").
class WorkerDied : public Error {
 public:
  WorkerDied(const std::string& message, int pid, std::optional<int> signal, std::optional<int> exit_code,
             std::string stderr_tail = {}, WorkerDeath death = {})
      : Error(message),
        pid_(pid),
        signal_(signal),
        exit_code_(exit_code),
        stderr_tail_(std::move(stderr_tail)),
        death_(std::move(death)) {}
  int pid() const noexcept { return pid_; }
  std::optional<int> signal() const noexcept { return signal_; }        // that killed it
  std::optional<int> exit_code() const noexcept { return exit_code_; }  // that it exited with
  // The end of what the worker had written to its standard error, 4 KiB at most; empty unless the pool captures it.
  const std::string& stderr_tail() const noexcept { return stderr_tail_; }
  DeathCause cause() const noexcept { return death_.cause; }
  const WorkerDeath& death() const noexcept { return death_; }

 private:
  int pid_;
  std::optional<int> signal_;
  std::optional<int> exit_code_;
  std::string stderr_tail_;
  WorkerDeath death_;
};

// The worker was killed because its task ran beyond the task's time limit.
class TimeLimitError : public WorkerDied {
 public:
  using WorkerDied::WorkerDied;
};

// The task has killed so many workers that it is not tried again, whatever retries it has left.
class QuarantinedError : public WorkerDied {
 public:
  using WorkerDied::WorkerDied;
};

// The host that a RemotePool had given the task to was lost: its agent ended, or nothing was heard of it for too long.
class HostLost : public Error {
 public:
  // Had the task begun there? A host says so of tasks that take longer than a heartbeat; of others nobody knows.
  enum class Begun { yes, unknown };

  HostLost(const std::string& message, std::string host, std::chrono::steady_clock::time_point last_seen, Begun begun)
      : Error(message), host_(std::move(host)), last_seen_(last_seen), begun_(begun) {}
  const std::string& host() const noexcept { return host_; }
  std::chrono::steady_clock::time_point last_seen() const noexcept { return last_seen_; }  // when it was last heard of
  Begun begun() const noexcept { return begun_; }

 private:
  std::string host_;
  std::chrono::steady_clock::time_point last_seen_;
  Begun begun_;
};

// A ProcessPool in a program that has not called pools::init.
class NotInitialisedError : public Error {
 public:
  using Error::Error;
};

// Where exceptions go that nobody can catch: those thrown by callbacks. `where` says what threw, `error` what. The default
// writes one line to stderr. Returns the previous hook. Thread-safe; the hook may be called from several threads at once.
using ErrorHook = void (*)(std::string_view where, const std::exception_ptr& error) noexcept;
ErrorHook set_error_hook(ErrorHook hook) noexcept;

namespace detail {
void report_error(std::string_view where, const std::exception_ptr& error) noexcept;
[[noreturn]] void refuse_empty_future();                                          // throws InvalidStateError
[[noreturn]] void refuse_full_queue(const std::string& pool, std::size_t limit);  // throws QueueFullError
// For what cannot be done and has nobody to be told by an exception: one line on stderr, then abort().
[[noreturn]] void give_up(const std::string& sentence) noexcept;
}  // namespace detail

}  // namespace pools
