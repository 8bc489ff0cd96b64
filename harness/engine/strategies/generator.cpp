#include "harness/engine/strategies/generator.h"

#include <time.h>

#include <algorithm>
#include <cerrno>

#include "workloads/work.h"

namespace harness {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

// A sleep to the end: spinning for the last of it would take a core from those who serve.
void sleep_until(std::int64_t at_ns) noexcept {
  const timespec until{.tv_sec = at_ns / kNanosecondsPerSecond, .tv_nsec = at_ns % kNanosecondsPerSecond};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

// Whether a submit may last as long as the queue is full.
bool is_held(const Cell& cell) { return cell.when_full == "block" || cell.when_full == "caller_runs"; }

}  // namespace

Precedence::Precedence(bool wanted) noexcept : policy_(::sched_getscheduler(0)) {
  if (!wanted || policy_ < 0 || ::sched_getparam(0, &parameters_) != 0) return;
  const sched_param lowest{.sched_priority = ::sched_get_priority_min(SCHED_FIFO)};
  taken_ = ::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest) == 0;
}

Precedence::~Precedence() {
  if (!taken_ || ::sched_setscheduler(0, policy_, &parameters_) == 0) return;
  ::sched_setscheduler(0, policy_ | SCHED_RESET_ON_FORK, &parameters_);  // who may not take the flag back
}

Generator::Release Generator::await(std::size_t index) noexcept {
  const std::int64_t now = workloads::monotonic_ns();
  if (index == 0) origin_ns_ = now + kLead;
  Release release{origin_ns_ + cell_.arrivals_ns[index], 0};
  release.due_ns = index > 0 && is_held(cell_) ? std::max(release.arrived_ns, now) : release.arrived_ns;
  if (now < release.arrived_ns) sleep_until(release.arrived_ns);
  return release;
}

}  // namespace harness
