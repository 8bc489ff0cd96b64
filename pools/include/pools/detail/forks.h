#pragma once

// What fork() means here: a pool belongs to the process that made it. A fork gets a copy of its memory and none of its threads, so in the
// fork every use of it is refused, and what code of the user's has forked on a thread of a pool's never goes on as that thread.
//
// Each process has a number, the forks of forks included; one word holds it, in a page that the kernel wipes in every fork
// (MADV_WIPEONFORK), made by whatever call. So to ask whether this is the process that made something is two loads and a compare.
// Thread-safe; async-signal-safe but for this_process() and refuse_in_fork().
//
// Out of reach: a clone() that shares the memory (CLONE_VM) is no fork and looks like another thread.

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>

namespace pools::detail {

using ProcessNumber = std::uint32_t;  // above 0, and greater than that of each process that this one was forked from

// Points at the word, which is 0 until this_process() is first called.
extern constinit std::atomic<std::atomic<ProcessNumber>*> process_word;

ProcessNumber number_this_process() noexcept;
inline ProcessNumber this_process() noexcept {
  // Acquire, both: the word has been made, and numbered_pid is set.
  const ProcessNumber number = process_word.load(std::memory_order_acquire)->load(std::memory_order_acquire);
  return number != 0 ? number : number_this_process();
}
inline bool is_this_process(ProcessNumber number) noexcept {
  // Relaxed, both: whoever has a number to compare with got it from a call of this_process() that happened before.
  return process_word.load(std::memory_order_relaxed)->load(std::memory_order_relaxed) == number;
}

[[noreturn]] void refuse_in_fork(const std::string& what, pid_t owner);  // throws Error

// The process that made the object that this is a member of.
class OwningProcess {
 public:
  OwningProcess() noexcept;

  bool is_this() const noexcept { return is_this_process(number_); }
  // Throws Error, which calls the object `what`, in a fork.
  void require(const char* what) const {
    if (!is_this()) [[unlikely]]
      refuse_in_fork(what, pid_);
  }
  [[noreturn]] void refuse(const std::string& what) const { refuse_in_fork(what, pid_); }

 private:
  const ProcessNumber number_ = this_process();
  const pid_t pid_;
};

// What a fork must not destroy, since it would wait for threads that it does not have, or touch what is its parent's.
template <class T>
void keep_for_ever(const std::shared_ptr<T>& object) noexcept {
  alignas(std::shared_ptr<T>) std::byte owner[sizeof object];
  ::new (static_cast<void*>(owner)) std::shared_ptr<T>(object);  // never destroyed
}

// On threads of a pool's own and in a worker process: the process whose thread it is. 0: a thread that is the user's.
extern constinit thread_local ProcessNumber pool_thread_of;

[[noreturn]] void end_fork_of_pool_thread() noexcept;
// To be called on return from the user's code, before anything else is touched. Ends the process, with a line on standard error, if
// it is a fork of a pool's thread: two would go on as that thread, and do the same work.
inline void end_if_forked() noexcept {
  if (pool_thread_of != 0 && !is_this_process(pool_thread_of)) [[unlikely]]
    end_fork_of_pool_thread();
}

// The same for a scope in which the user's code runs, on return and on an exception, before what lies around it is unwound.
struct EndsIfForked {
  EndsIfForked() = default;
  EndsIfForked(const EndsIfForked&) = delete;
  EndsIfForked& operator=(const EndsIfForked&) = delete;
  ~EndsIfForked() { end_if_forked(); }
};

// While one exists fork() runs these handlers (not so vfork, posix_spawn, _Fork and the bare system call): in_child in the fork, which
// has one thread. What is guarded by a lock that another thread may have held has to be made anew there. With static storage duration.
struct AtFork {
  explicit AtFork(void (*in_child)(), void (*before)() = nullptr, void (*in_parent)() = nullptr) noexcept;
};

}  // namespace pools::detail
