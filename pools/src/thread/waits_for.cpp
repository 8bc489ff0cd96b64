#include "pools/src/thread/waits_for.h"

#include <atomic>
#include <memory>
#include <unordered_map>

#include "pools/detail/forks.h"
#include "pools/errors.h"
#include "pools/src/base/mutex.h"
#include "pools/src/thread/dispatch.h"

namespace pools::detail {
namespace {

constinit std::atomic<void*> the_table{nullptr};  // never destroyed: threads may wait while the program ends

// In a fork no thread waits that is in there.
const AtFork forget_waits([] { the_table.store(nullptr, std::memory_order_relaxed); });

}  // namespace

struct WaitRecord::Table {
  enum class Follow { innermost, all };  // of each task's waits

  WaitRecord* wait_of(const FutureState& task, Follow follow) const noexcept REQUIRES(mutex) {
    const auto found = innermost.find(&task);
    WaitRecord* record = found == innermost.end() ? nullptr : found->second;
    while (follow == Follow::innermost && record != nullptr && !record->waits_) record = record->outer_;
    return record;
  }

  // Calls visit(record, awaited, whether `awaited` waits) for all that can be reached, until it returns true. Does not come by records at
  // which this walk has been.
  template <class Visit>
  bool walk_on(WaitRecord& from, Follow follow, Visit visit) noexcept REQUIRES(mutex) {
    if (std::exchange(from.walk_, walk) == walk) return false;
    from.next_open_ = nullptr;
    for (WaitRecord* open = &from; open != nullptr;) {
      const WaitRecord& record = *std::exchange(open, open->next_open_);
      for (const Watched& watched : record.awaited_) {
        if (!watched.first) continue;
        WaitRecord* next = wait_of(*watched.first, follow);
        if (visit(record, *watched.first, next != nullptr)) return true;
        for (; next != nullptr; next = follow == Follow::all ? next->outer_ : nullptr) {
          if (std::exchange(next->walk_, walk) != walk) next->next_open_ = std::exchange(open, next);
        }
      }
    }
    return false;
  }
  template <class Visit>
  bool walk_from(WaitRecord& from, Follow follow, Visit visit) noexcept REQUIRES(mutex) {
    ++walk;
    return walk_on(from, follow, visit);
  }

  void nudge_sleepers_that_reach(const FutureState& waiter, WaitRecord* sleeper) noexcept
      REQUIRES(mutex);  // of a pool, from its first

  Mutex mutex;
  std::unordered_map<const FutureState*, WaitRecord*> innermost GUARDED_BY(mutex);  // the wait of each task that is in one
  std::unordered_map<const CallbackSink*, WaitRecord*> sleepers GUARDED_BY(mutex);  // workers of each pool, chained
  std::uint64_t walk GUARDED_BY(mutex) = 0;
};

WaitRecord::Table& WaitRecord::table() {
  // Acquire: what its maker made; release, with the exchange, publishes it.
  void* found = the_table.load(std::memory_order_acquire);
  if (found != nullptr) return *static_cast<Table*>(found);
  auto made = std::make_unique<Table>();
  if (the_table.compare_exchange_strong(found, made.get(), std::memory_order_acq_rel, std::memory_order_acquire))
    return *made.release();
  return *static_cast<Table*>(found);
}

void WaitRecord::Table::nudge_sleepers_that_reach(const FutureState& waiter, WaitRecord* sleeper) noexcept {
  for (++walk; sleeper != nullptr; sleeper = sleeper->next_sleeper_) {
    // What one that does not reach it has come by does not reach it either: the next need not look there again.
    if (!walk_on(*sleeper, Follow::all, [&](const WaitRecord&, const FutureState& at, bool) { return &at == &waiter; })) continue;
    sleeper->completions_->nudge();
    ++walk;
  }
}

void WaitRecord::insert_locked(Table& table) REQUIRES(table.mutex) {
  if (waiter_ != nullptr) {
    const auto [entry, inserted] = table.innermost.try_emplace(waiter_, this);
    if (!inserted) outer_ = std::exchange(entry->second, this);
  }
  if (worker_ != nullptr && completions_) {
    try {
      WaitRecord*& first = table.sleepers[worker_->pool()];
      next_sleeper_ = std::exchange(first, this);
    } catch (...) {
      remove_locked(table);
      throw;
    }
    if (next_sleeper_ != nullptr) next_sleeper_->previous_sleeper_ = this;
  }
}

void WaitRecord::remove_locked(Table& table) noexcept REQUIRES(table.mutex) {
  if (waiter_ != nullptr) {
    const auto entry = table.innermost.find(waiter_);
    if (entry == table.innermost.end()) return;  // a fork's table knows nothing of it
    if (outer_ != nullptr) {
      entry->second = outer_;
    } else {
      table.innermost.erase(entry);
    }
  }
  if (worker_ == nullptr || !completions_) return;
  if (next_sleeper_ != nullptr) next_sleeper_->previous_sleeper_ = previous_sleeper_;
  if (previous_sleeper_ != nullptr) {
    previous_sleeper_->next_sleeper_ = next_sleeper_;
  } else if (const auto first = table.sleepers.find(worker_->pool()); first != table.sleepers.end() && first->second == this) {
    // (Not so if insert_locked() found no memory for the list.)
    if (next_sleeper_ != nullptr) {
      first->second = next_sleeper_;
    } else {
      table.sleepers.erase(first);
    }
  }
}

void WaitRecord::refuse_deadlock_locked(Table& table) REQUIRES(table.mutex) {
  if (waiter_ == nullptr) return;
  const auto not_stuck = [](const WaitRecord&, const FutureState&, bool waits) { return !waits; };
  if (table.walk_from(*this, Table::Follow::innermost, not_stuck)) return;
  remove_locked(table);
  const bool for_itself = awaited_.size() == 1 && awaited_.front().first.get() == waiter_;
  throw DeadlockError(for_itself ? "a task waits for its own result"
                                 : "a task waits for the result of one that waits, directly or through others, for it");
}

void WaitRecord::nudge_others_locked(Table& table) noexcept REQUIRES(table.mutex) {
  if (waiter_ == nullptr) return;
  for (const auto& [pool, first] : table.sleepers) {
    if (worker_ != nullptr && pool == worker_->pool()) continue;  // this thread's worker looks itself
    const auto pending_there = [at = pool](const WaitRecord& record, const FutureState& awaited, bool) {
      return record.may_be_helped_ && awaited.pending_in() == at;
    };
    if (table.walk_from(*this, Table::Follow::all, pending_there)) table.nudge_sleepers_that_reach(*waiter_, first);
  }
}

WaitRecord::WaitRecord(Runner& runner, FutureState& only, Kind kind)
    : waiter_(runner.task()),
      worker_(this_worker),
      only_(StateRef::share(&only), nullptr),
      awaited_(&only_, 1),
      may_be_helped_(kind != Kind::runs),
      waits_(kind != Kind::helps) {
  if (waiter_ == nullptr) return;  // nobody asks for it
  Table& on_record = table();
  const Lock lock(on_record.mutex);
  insert_locked(on_record);
  if (kind == Kind::waits) refuse_deadlock_locked(on_record);
}

void WaitRecord::started() noexcept {
  if (waits_) return;  // nobody else changes it
  const Lock lock(table().mutex);
  waits_ = true;
}

WaitRecord::WaitRecord(Runner& runner, std::span<const Watched> awaited, std::shared_ptr<CompletionQueue> completions)
    : waiter_(runner.task()), worker_(this_worker), awaited_(awaited), completions_(std::move(completions)) {
  Table& on_record = table();
  const Lock lock(on_record.mutex);
  insert_locked(on_record);
  refuse_deadlock_locked(on_record);
  nudge_others_locked(on_record);
  if (worker_ == nullptr) return;
  on_record.walk_from(*this, Table::Follow::all, [this](const WaitRecord& record, FutureState& pending, bool) {
    if (!record.may_be_helped_ || pending.pending_in() != worker_->pool()) return false;
    to_help_ = StateRef::share(&pending);
    return true;
  });
}

WaitRecord::~WaitRecord() {
  if (waiter_ == nullptr && !completions_) return;
  Table& on_record = table();
  const Lock lock(on_record.mutex);
  remove_locked(on_record);
}

}  // namespace pools::detail
