#include "pools/detail/forks.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "pools/errors.h"

namespace pools::detail {
namespace {

constinit std::atomic<ProcessNumber> no_number{0};  // never written: before there is a page
constinit std::atomic<ProcessNumber> last_number{
    0};                                        // the greatest that a thread of this process, or of its ancestors, has drawn
constinit std::atomic<pid_t> numbered_pid{0};  // in a fork that has no number yet: its parent's

// A page of its own, wiped in every fork. Where the kernel cannot do that (before 4.14) the handler below does, after fork() only.
std::atomic<ProcessNumber>* make_word() noexcept {
  static_assert(std::atomic<ProcessNumber>::is_always_lock_free);
  const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) {
    static constinit std::atomic<ProcessNumber> word{0};
    return &word;
  }
  ::madvise(page, size, MADV_WIPEONFORK);
  return ::new (page) std::atomic<ProcessNumber>(0);
}

const AtFork wipe([] {
  std::atomic<ProcessNumber>* const word = process_word.load(std::memory_order_relaxed);
  if (word != &no_number) word->store(0, std::memory_order_relaxed);
});

}  // namespace

constinit std::atomic<std::atomic<ProcessNumber>*> process_word{&no_number};
constinit thread_local ProcessNumber pool_thread_of = 0;

ProcessNumber number_this_process() noexcept {
  static std::atomic<ProcessNumber>* const word = make_word();
  process_word.store(word, std::memory_order_release);
  // Raised before the word is set, so that a fork that happens in between finds no number of this process's left to be its own.
  const ProcessNumber number = last_number.fetch_add(1, std::memory_order_relaxed) + 1;
  numbered_pid.store(::getpid(), std::memory_order_relaxed);
  ProcessNumber before = 0;
  return word->compare_exchange_strong(before, number, std::memory_order_acq_rel, std::memory_order_acquire) ? number : before;
}

OwningProcess::OwningProcess() noexcept : pid_(numbered_pid.load(std::memory_order_relaxed)) {}

void refuse_in_fork(const std::string& what, pid_t owner) {
  throw Error(what + " belongs to process " + std::to_string(owner) + "; this is process " + std::to_string(::getpid()) +
              ", a fork of it, in which it cannot work");
}

void end_fork_of_pool_thread() noexcept {
  char line[200];
  const int length =
      std::snprintf(line, sizeof line,
                    "pools: process %d is a fork made by a task or callback in process %d and came back from it: it ends "
                    "here; what forks has to end its child by exec or _exit\n",
                    static_cast<int>(::getpid()), static_cast<int>(numbered_pid.load(std::memory_order_relaxed)));
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line, static_cast<std::size_t>(length));
  ::_exit(EXIT_FAILURE);  // no exit handlers: they are the parent's
}

AtFork::AtFork(void (*in_child)(), void (*before)(), void (*in_parent)()) noexcept {
  ::pthread_atfork(before, in_parent, in_child);
}

}  // namespace pools::detail
