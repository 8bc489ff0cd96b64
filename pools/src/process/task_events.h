#pragma once

// What a process pool does at the steps of a task's life beyond running it: counting, the histograms, the observer, the times by which
// tasks have to start.
//
// Invariant: a task is counted as submitted (backlog.h) before anybody can run it, and as done, failed or cancelled once, before its future
// is done. While it is none of these, a worker has it, the backlog has it, or it is being answered; so the numbers that metrics() gives
// balance at any moment.
//
// Being answered: no worker and not the backlog has it any more, and it has not ended. There is no count of these that is lowered: their
// number is what has begun to be answered less what was answered, done, failed or otherwise. So a task ends and stops being answered in one
// step, and none is counted as running once it is counted as done.

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "pools/detail/remote_task.h"
#include "pools/detail/tally.h"
#include "pools/metrics.h"
#include "pools/observer.h"
#include "pools/options.h"
#include "pools/src/future/deadline_timer.h"

namespace pools::detail {

// Thread-safe.
class TaskEvents {
 public:
  // `wake` has the supervisor call free_dropped(); any thread, with or without the pool's mutex.
  TaskEvents(const ProcessPoolOptions& options, std::function<void()> wake);
  ~TaskEvents() { free_dropped(); }
  TaskEvents(const TaskEvents&) = delete;
  TaskEvents& operator=(const TaskEvents&) = delete;

  PoolObserver* observer() const noexcept { return observer_.get(); }
  // Of the tasks that have to start by a time. It holds none of a task that has ended.
  DeadlineTimer& deadlines() noexcept { return deadlines_; }

  // --- a submit, in this order ---
  // With no lock held. Throws std::system_error, std::bad_alloc.
  std::optional<DeadlineTimer::Entry> prepare(RemoteTask& task) {
    if (!watched_ && task.has_extras() == nullptr) return std::nullopt;
    return prepare_extras(task);
  }
  // With the pool's mutex held, before anybody else has the task: from here on nothing throws. It has its number by then.
  void submitted(RemoteTask& task, std::optional<DeadlineTimer::Entry>&& start_by) noexcept {
    if (watched_) note_submitted(task);
    if (start_by) deadlines_.add(std::move(*start_by));  // with the mutex held: it cannot have ended yet
  }

  // --- with a worker ---
  void given(RemoteTask& task, int worker) noexcept {
    if (watched_) note_given(task, worker);
  }
  // Memory that was passed to or by a worker.
  void passed(std::span<const Attachment> attachments) noexcept {
    for (const Attachment& attachment : attachments) {
      shared_buffers_.fetch_add(1, std::memory_order_relaxed);
      shared_bytes_.fetch_add(attachment.size, std::memory_order_relaxed);
    }
  }
  void died_with_its_worker(const RemoteTask& task) noexcept;  // it had begun, and is not given up yet
  void answered(const RemoteTask& task) noexcept {             // by the supervisor
    if (watched_) note_answered(task);
  }

  // --- its end ---
  // By the canceller, under the state's lock, of one that was submitted.
  void cancelled() noexcept { cancelled_.fetch_add(1, std::memory_order_release); }
  // The pool lets go of one that a canceller was first at, and which is alive as long as this has not returned. `worker`: who had begun it.
  void dropped(RemoteTask& task, int worker = PoolObserver::kNoWorker) noexcept;
  // Likewise, with the pool's mutex held: what memory went along, of which this may be the last handle, is left to free_dropped(), since to
  // free gibibytes takes long.
  void dropped_under_the_mutex(RemoteTask& task) noexcept;
  void free_dropped() noexcept;  // by the supervisor, with no lock held
  // Cancels one that nobody has begun, or finds it cancelled.
  void cancel(RemoteTask& task) noexcept;
  // Nobody but the caller may complete it from now on. False: a canceller was first, and it has been dropped. REQUIRES: it is being
  // answered; false: no longer.
  bool claim(RemoteTask& task, int worker) noexcept {
    if (task.state().claim()) return true;
    dropped(task, worker);
    answering_ends();
    return false;
  }
  // With the error or, if null, with the value that it has taken. REQUIRES: claimed.
  void finish(RemoteTask& task, int worker, std::exception_ptr error) noexcept;
  void forget_start_by(RemoteTask& task) noexcept {  // it has ended; any thread
    const RemoteTask::Extras* const extras = task.has_extras();
    if (extras != nullptr && extras->options.start_by) deadlines_.forget(task.state());
  }

  // No worker has anything of a task any more; claim() or answering_ends() follows. With the pool's mutex held, in the step that takes it
  // from its worker.
  void answering_begins() noexcept { ++answering_begun_; }
  // Of one that is neither done nor failed: a canceller has counted it, or, with the pool's mutex held, the backlog has it again.
  // Release: pairs with the acquire in add_counts_to(), after what the canceller has counted.
  void answering_ends() noexcept { answered_otherwise_.fetch_add(1, std::memory_order_release); }

  // What has ended; returns how many are being answered. With the pool's mutex held: what has ended was submitted before, so that nothing
  // comes out negative.
  int add_counts_to(PoolMetrics& metrics) const noexcept;
  void add_latencies_to(PoolMetrics& metrics) const;  // with timing

 private:
  std::optional<DeadlineTimer::Entry> prepare_extras(RemoteTask& task);
  void note_submitted(RemoteTask& task) noexcept;
  void note_given(RemoteTask& task, int worker) noexcept;
  void note_answered(const RemoteTask& task) noexcept;

  const bool watched_;  // has an observer, or is timed: a task of another pool costs a look at this, and its counts
  const std::shared_ptr<PoolObserver> observer_;
  const std::unique_ptr<Latencies> latencies_;  // null without timing; the supervisor writes it
  DeadlineTimer deadlines_;
  const std::function<void()> wake_;
  std::atomic<HeldAttachments*> dropped_{nullptr};  // a list, which this owns; emptied as a whole, so that no ABA matters

  // Counts for themselves, each raised before the future concerned is done, which orders it for whoever waits.
  std::atomic<std::uint64_t> done_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> cancelled_{0};
  std::atomic<std::uint64_t> answered_otherwise_{0};  // and is neither done nor failed
  std::uint64_t answering_begun_ = 0;                 // guarded by the pool's mutex
  // Likewise, but what passes has been counted before it is seen.
  std::atomic<std::uint64_t> shared_buffers_{0};
  std::atomic<std::uint64_t> shared_bytes_{0};
};

}  // namespace pools::detail
