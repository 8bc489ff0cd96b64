#include "pools/src/thread/queue_permits.h"

namespace pools::detail {

bool QueuePermits::try_take() noexcept {
  std::size_t taken = taken_.load(std::memory_order_seq_cst);
  while (taken < limit_) {
    if (taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_seq_cst)) return true;
  }
  return false;
}

void QueuePermits::give_back() noexcept {
  taken_.fetch_sub(1, std::memory_order_seq_cst);
  if (waiters_.load(std::memory_order_seq_cst) == 0) return;
  epoch_.fetch_add(1, std::memory_order_seq_cst);
  // One permit, one thread. If somebody else is quicker, the permit is taken all the same, and giving it back wakes the next.
  futex_wake_one(epoch_);
}

void QueuePermits::wake_all() noexcept {
  epoch_.fetch_add(1, std::memory_order_seq_cst);
  futex_wake_all(epoch_);
}

}  // namespace pools::detail
