#include "pools/src/base/thread_context.h"

#include <pthread.h>
#include <sys/resource.h>

#include <chrono>

namespace pools::detail {

ThreadContext ThreadContext::of_this_thread() noexcept {
  ThreadContext context;
  context.policy_ = ::sched_getscheduler(0);
  if (context.policy_ < 0 || ::sched_getparam(0, &context.priority_) != 0) return context;
  context.known_ = true;
  context.nice_ = ::getpriority(PRIO_PROCESS, 0);  // of the thread, on Linux
  context.has_cpus_ = ::sched_getaffinity(0, sizeof context.cpus_, &context.cpus_) == 0;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &context.signals_);
  return context;
}

bool ThreadContext::is_scheduled_alike() const noexcept {
  struct Asked {
    const ThreadContext* of = nullptr;
    std::chrono::steady_clock::time_point at{};
    bool alike = false;
  };
  constinit static thread_local Asked asked{};
  const auto now = std::chrono::steady_clock::now();
  if (asked.of != this || now - asked.at > std::chrono::milliseconds(10)) {
    asked = {this, now, known_ && ::sched_getscheduler(0) == policy_ && ::getpriority(PRIO_PROCESS, 0) <= nice_};
  }
  return asked.alike;
}

void ThreadContext::apply() const noexcept {
  if (!known_) return;
  ::sched_setscheduler(0, policy_, &priority_);
  if (::getpriority(PRIO_PROCESS, 0) != nice_) ::setpriority(PRIO_PROCESS, 0, nice_);
  if (has_cpus_) ::sched_setaffinity(0, sizeof cpus_, &cpus_);
  ::pthread_sigmask(SIG_SETMASK, &signals_, nullptr);
}

}  // namespace pools::detail
