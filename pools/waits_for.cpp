#include "pools/waits_for.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "pools/forks.h"

namespace pools::detail {
namespace {

struct Table {
  std::mutex mutex;
  // Guarded by mutex. Both ends of an entry are alive: the waiter runs, and waits on a handle of the other.
  std::unordered_map<const FutureState*, const FutureState*> awaited_by;
};

constinit std::atomic<Table*> only{nullptr};   // never destroyed: threads may wait while the program ends

Table& table() {
  // Acquire: what its maker made; release, with the exchange, publishes it.
  Table* found = only.load(std::memory_order_acquire);
  if (found != nullptr) return *found;
  auto made = std::make_unique<Table>();
  if (only.compare_exchange_strong(found, made.get(), std::memory_order_acq_rel, std::memory_order_acquire)) return *made.release();
  return *found;
}

// In a fork no thread waits that is in there.
const AtFork forget_waits([] { only.store(nullptr, std::memory_order_relaxed); });

}  // namespace

WaitEdge::WaitEdge(const FutureState* waiter, const FutureState& awaited, OnCycle on_cycle) : waiter_(waiter) {
  if (waiter == nullptr) return;
  auto& [mutex, awaited_by] = table();
  const std::lock_guard lock(mutex);
  if (on_cycle == OnCycle::refuse) {
    // No cycle of others can be on the way that would keep this from ending: each was refused by the one that would have closed it,
    // but for those closed by wait(), which refuses nothing. Hence the count.
    std::size_t steps = 0;
    for (const FutureState* at = &awaited; steps <= awaited_by.size(); ++steps) {
      // A task that is done but whose waiter has not woken yet waits for nothing itself: its own entry is gone.
      if (at == waiter) {
        throw DeadlockError(&awaited == waiter ? "a task waits for its own result"
                                               : "a task waits for the result of one that waits, directly or through others, for it");
      }
      const auto next = awaited_by.find(at);
      if (next == awaited_by.end()) break;
      at = next->second;
    }
  }
  const auto [entry, inserted] = awaited_by.try_emplace(waiter, &awaited);
  if (!inserted) {
    before_ = entry->second;
    entry->second = &awaited;
  }
}

WaitEdge::~WaitEdge() {
  if (waiter_ == nullptr) return;
  auto& [mutex, awaited_by] = table();
  const std::lock_guard lock(mutex);
  const auto entry = awaited_by.find(waiter_);
  if (entry == awaited_by.end()) return;   // a fork's table knows nothing of it
  if (before_ != nullptr) {
    entry->second = before_;
  } else {
    awaited_by.erase(entry);
  }
}

}  // namespace pools::detail
