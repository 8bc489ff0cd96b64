#pragma once

// States whose callbacks are still to be run.

#include <utility>

#include "pools/detail/future_state.h"

namespace pools::detail {

// FIFO of delivered states, for sinks that run callbacks later. Needs no memory of its own. Not thread-safe.
class DeliveryQueue {
 public:
  DeliveryQueue() = default;
  DeliveryQueue(DeliveryQueue&& other) noexcept : first_(std::exchange(other.first_, nullptr)), last_(other.last_) {}
  DeliveryQueue& operator=(DeliveryQueue&&) = delete;
  ~DeliveryQueue() {
    while (!empty()) pop();
  }

  bool empty() const noexcept { return first_ == nullptr; }
  void push(StateRef state) noexcept {
    FutureState* const raw = state.release();
    raw->next_delivered_ = nullptr;
    (empty() ? first_ : last_->next_delivered_) = raw;
    last_ = raw;
  }
  StateRef pop() noexcept { return StateRef::adopt(std::exchange(first_, first_->next_delivered_)); }

 private:
  FutureState* first_ = nullptr;
  FutureState* last_ = nullptr;  // undefined when empty
};

}  // namespace pools::detail
