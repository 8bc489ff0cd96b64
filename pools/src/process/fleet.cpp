#include "pools/src/process/fleet.h"

#include <algorithm>
#include <utility>

namespace pools::detail {
namespace {

constexpr std::chrono::seconds kBeforeStartingAgain{1};  // after a start that failed

using Phase = WorkerProcess::Phase;

}  // namespace

void Fleet::resize(int target) {
  const auto wanted = static_cast<std::size_t>(target);
  if (numbers_.size() < wanted) {
    arrivals_.reserve(wanted);
    numbers_.resize(wanted, false);
  }
  target_ = target;
}

int Fleet::reserve_number() noexcept {
  if (!may_start_more()) return -1;
  if (starts_again_ && Clock::now() < *starts_again_ && !live_.empty()) return -1;
  const auto unused = std::find(numbers_.begin(), numbers_.end(), false);
  if (unused == numbers_.end()) return -1;
  *unused = true;
  ++starting_;
  return static_cast<int>(unused - numbers_.begin());
}

int Fleet::coming() const noexcept {
  return starting_ + static_cast<int>(std::count_if(live_.begin(), live_.end(),
                                                    [](const WorkerRef& worker) { return worker->phase == Phase::starting; }));
}

std::optional<Fleet::Arrival> Fleet::next_arrival() noexcept {
  if (arrivals_.empty()) return std::nullopt;
  Arrival arrival = std::move(arrivals_.front());
  arrivals_.erase(arrivals_.begin());
  return arrival;
}

void Fleet::give_up_start(int number) noexcept {
  --starting_;
  release(number);
  starts_again_ = Clock::now() + kBeforeStartingAgain;
}

bool Fleet::start_again_if_due(Clock::time_point now) noexcept {
  if (!starts_again_ || *starts_again_ > now) return false;
  starts_again_.reset();
  return true;
}

bool Fleet::complete() const noexcept {
  return ready_ >= target_ || (ready_ > 0 && starts_again_ && starting_ == 0 && ready_ == living());
}

void Fleet::make_room() {
  if (live_.size() == live_.capacity()) live_.reserve(2 * live_.size() + 1);
  idle_.reserve(live_.capacity());
}

void Fleet::admit(WorkerRef worker) noexcept {
  --starting_;
  live_.push_back(std::move(worker));
}

void Fleet::ready(WorkerProcess& worker) noexcept {
  worker.up = true;
  if (worker.phase != Phase::starting) return;  // it was told to go meanwhile
  worker.phase = Phase::ready;
  ++ready_;
}

void Fleet::told_to_go(WorkerProcess& worker) noexcept {
  if (worker.idle) {
    std::erase_if(idle_, [&](const WorkerRef& each) { return each.get() == &worker; });
    worker.idle = false;
  }
  if (worker.phase == Phase::ready) --ready_;
  worker.phase = Phase::stopping;
}

void Fleet::remove(const WorkerRef& worker) noexcept {
  live_.erase(std::find(live_.begin(), live_.end(), worker));
  std::erase(idle_, worker);
  if (worker->phase == Phase::ready) --ready_;
  if (worker->phase == Phase::starting) {
    ++starting_;
  } else {
    release(worker->number());
  }
}

WorkerRef Fleet::next_to_go(bool at_the_end) const noexcept {
  if (at_the_end) {
    if (!idle_.empty()) return idle_.front();
    const auto starting =
        std::find_if(live_.begin(), live_.end(), [](const WorkerRef& worker) { return worker->phase == Phase::starting; });
    return starting == live_.end() ? nullptr : *starting;
  }
  if (idle_.empty()) return nullptr;
  // Those that are on their way out already count among those that live.
  const auto leaving =
      std::count_if(live_.begin(), live_.end(), [](const WorkerRef& worker) { return worker->phase == Phase::stopping; });
  return living() - leaving > target_ ? idle_.front() : nullptr;
}

void Fleet::make_idle(const WorkerRef& worker) noexcept {
  if (worker->idle || worker->given() > 0 || worker->phase != Phase::ready) return;
  worker->idle = true;
  idle_.push_back(worker);
}

WorkerRef Fleet::take_idle(std::size_t index) noexcept {
  const auto at = idle_.begin() + static_cast<std::ptrdiff_t>(index);
  WorkerRef worker = std::move(*at);
  idle_.erase(at);
  worker->idle = false;
  return worker;
}

}  // namespace pools::detail
