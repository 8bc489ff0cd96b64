#include "pools/waits_for.h"

#include <mutex>
#include <unordered_map>

namespace pools::detail {
namespace {

struct Table {
  std::mutex mutex;
  // Guarded by mutex. Both ends of an entry are alive: the waiter runs, and waits on a handle of the other.
  std::unordered_map<const FutureState*, const FutureState*> awaited_by;
};

Table& table() {
  static Table* const only = new Table;   // never destroyed: threads may wait while the program ends
  return *only;
}

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
  if (before_ != nullptr) {
    entry->second = before_;
  } else {
    awaited_by.erase(entry);
  }
}

}  // namespace pools::detail
