#include "pools/src/process/process_pool_core.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include "pools/detail/futex.h"
#include "pools/errors.h"
#include "pools/src/base/own_thread.h"

namespace pools::detail {
namespace {

// Messages up to this size are sent by the submitting thread, with the mutex held: that takes less time than waking the
// supervisor. Any such message fits into an empty ring.
constexpr std::size_t kSentBySubmitter = 8192;
static_assert(kSentBySubmitter <= ChannelMemory::kRingCapacity);

using Place = RemoteTask::Place;

}  // namespace

ProcessPoolCore::ProcessPoolCore(ProcessPoolOptions options)
    : options_(std::move(options)),
      prefetches_(!options_.timing && !options_.observer && options_.queue.limit == 0 && options_.recycle_above == 0),
      mark_(DescendantMark::of_a_new_pool()),
      guard_(options_.name_prefix + "_guard", mark_),
      relay_(options_.output == WorkerOutput::tagged ? std::make_unique<OutputRelay>(options_.output_patience) : nullptr),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      target_(*options_.workers),
      deadlines_(options_.name_prefix + "_dl") {
  reserve_workers_locked(target_);  // nobody else is here yet
  if (!epoll_ || !wake_ || watch_timer_.descriptor() < 0)
    throw std::system_error(errno, std::generic_category(), "cannot make the descriptors of a process pool");
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0 ||
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, watch_timer_.descriptor(), &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot watch the descriptors of a process pool");
  }
  if (options_.timing) {
    queue_wait_ = std::make_unique<LatencyRecorder>();
    run_time_ = std::make_unique<LatencyRecorder>();
  }
}

ProcessPoolCore::~ProcessPoolCore() = default;

void ProcessPoolCore::refuse_in_fork() const { process_.refuse("the process pool '" + options_.name_prefix + "'"); }

void ProcessPoolCore::open() {
  callbacks_ = std::make_unique<CallbackThread>(options_.name_prefix + "_callbacks");
  decoding_ = std::make_unique<DecodingThread>(options_.name_prefix + "_decoder",
                                               [this](DecodingThread::Answer answer) { decode(std::move(answer)); });
  supervisor_ = std::thread([this] { supervise(); });
  supervisor_id_ = supervisor_.get_id();
}

void ProcessPoolCore::close() {
  if (!process_.is_this()) return;
  if (std::this_thread::get_id() == supervisor_id_ || decoding_->is_this_thread()) {
    give_up("the process pool '" + options_.name_prefix +
            "' is destroyed by a thread of its own, in an observer or in the decoding of a result: "
            "it would wait for itself; destroy it on another thread, or in a callback");
  }
  shutdown({.wait = true, .cancel_futures = false});
  if (deadlines_.is_this_thread()) keep_until_this_thread_ends(shared_from_this());
  supervisor_.join();
  decoding_.reset();
  guard_.stop();
  relay_.reset();
  epoll_.reset();
  wake_.reset();
  watch_timer_.close();
  std::unique_ptr<CallbackThread> callbacks;  // destroyed, and with it joined, with no lock held
  {
    const std::lock_guard lock(callbacks_mutex_);
    callbacks.swap(callbacks_);
  }
  if (callbacks && callbacks->is_this_thread()) {
    callbacks->stop();
    keep_until_this_thread_ends(std::move(callbacks));
  }
}

bool ProcessPoolCore::own_thread() noexcept {
  if (std::this_thread::get_id() == supervisor_id_ || decoding_->is_this_thread() || deadlines_.is_this_thread()) return true;
  const std::lock_guard lock(callbacks_mutex_);
  return callbacks_ && callbacks_->is_this_thread();
}

void ProcessPoolCore::submit(TaskRef& task, bool bounded) {
  require_own_process();
  WorkerRef worker;
  int number = -1;
  bounded = bounded && options_.queue.limit > 0 && !own_thread();
  std::optional<DeadlineTimer::Entry> start_by;
  if (const RemoteTask::Extras* const extras = task->has_extras(); extras != nullptr && extras->options.start_by) {
    start_by = deadlines_.make(task->state(), *deadline_after(*extras->options.start_by));
  }
  {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (closing_) refuse_submission_locked();
      const auto waiting =
          static_cast<std::uint64_t>(std::max<std::int64_t>(0, static_cast<std::int64_t>(queue_.size()) -
                                                                   cancelled_waiting_.load(std::memory_order_relaxed)));
      if (!bounded || (!idle_.empty() && !paused_) || waiting < options_.queue.limit) break;
      if (static_cast<int>(live_.size()) + starting_ < target_ && waiting == 0) break;  // a worker is going to be started for it
      if (options_.queue.when_full == WhenFull::reject) {
        refuse_full_queue("the process pool '" + options_.name_prefix + "'", options_.queue.limit);
      }
      // Read with the mutex held, raised without it after every change that may make room: no wake-up is lost.
      const std::uint32_t seen = room_.load(std::memory_order_acquire);
      ++blocked_submitters_;
      lock.unlock();
      futex_wait(room_, seen);
      lock.lock();
      --blocked_submitters_;
    }
    if (options_.timing) task->extras();  // now: from here on nothing may throw
    // Straight to a worker it never waits, and has no place in the queue that a canceller could give back.
    const bool waits = idle_.empty() || paused_ || !queue_.empty();
    Place unsubmitted = Place::unsubmitted;
    // Acq_rel: note_cancelled() of another thread reads what was done before, or this sees that it came first.
    if (!task->place.compare_exchange_strong(unsubmitted, waits ? Place::waiting : Place::elsewhere, std::memory_order_acq_rel)) {
      lock.unlock();
      task->state().await_canceller();
      task.reset();
      return;
    }
    task->number = submitted_++;
    if (options_.timing) task->extras().submitted_at = Clock::now();
    if (options_.observer) options_.observer->submitted(task->number);
    if (start_by) deadlines_.add(std::move(*start_by));  // with the mutex held: it cannot have ended yet
    if (waits) {
      queue_.push(std::move(task));
      if (idle_.empty()) number = reserve_worker_locked();
    } else {
      worker = std::move(idle_.back());
      idle_.pop_back();
      worker->idle = false;
      if (!give_locked(worker, std::move(task))) {
        make_idle_locked(worker);
        worker.reset();
      } else {
        if (std::exchange(unwatched_, false)) {
          watch_timer_.arm(
              std::clamp<Clock::duration>(options_.grace, std::chrono::nanoseconds(1), WorkerProcess::kFirstPatience));
        }
        try {
          if (worker->unsent_bytes() <= kSentBySubmitter && !worker->due) {
            worker->send_some();
            // Before its worker is back from its last task, whose arguments still lie there, the ring of an idle one need not be empty.
            if (worker->unsent()) poke();
          } else {
            worker->hand_over();
            poke();
          }
        } catch (const WireError& error) {
          worker->condemn(error.what());
        }
      }
    }
  }
  // With the mutex released: waking takes microseconds.
  if (worker) worker->channel().ring();
  if (number >= 0) start_worker(number);
}

void ProcessPoolCore::refuse_submission_locked() const {
  if (broken_) throw BrokenPoolError("the process pool is broken: " + *broken_);
  throw ShutdownError();
}

void ProcessPoolCore::reserve_workers_locked(int workers) {
  const auto wanted = static_cast<std::size_t>(workers);
  if (numbers_.size() >= wanted) return;
  arrivals_.reserve(wanted);
  numbers_.resize(wanted, false);
}

int ProcessPoolCore::reserve_worker_locked() {
  if (static_cast<int>(live_.size()) + starting_ >= target_) return -1;
  if (start_again_ && Clock::now() < *start_again_ && !live_.empty()) return -1;
  const auto unused = std::find(numbers_.begin(), numbers_.end(), false);
  if (unused == numbers_.end()) return -1;
  *unused = true;
  ++starting_;
  return static_cast<int>(unused - numbers_.begin());
}

bool ProcessPoolCore::may_give_locked(const WorkerProcess& worker) const {
  return !paused_ && worker.phase == WorkerProcess::Phase::ready && !worker.condemned() &&
         worker.kill_reason == WorkerProcess::KillReason::none && static_cast<int>(live_.size()) <= target_ &&
         (options_.max_tasks_per_child == 0 || worker.tasks_given < options_.max_tasks_per_child);
}

TaskRef ProcessPoolCore::pop_locked() noexcept {
  while (!queue_.empty()) {
    TaskRef task = queue_.pop();
    if (task->place.exchange(Place::elsewhere, std::memory_order_acq_rel) == Place::waiting) {
      if (blocked_submitters_ > 0) make_room();
      return task;
    }
    // A canceller was first: it has been counted, and its place is free already.
    cancelled_waiting_.fetch_sub(1, std::memory_order_relaxed);
    drop_cancelled(std::move(task));
  }
  return nullptr;
}

void ProcessPoolCore::put_back_locked(TaskRef task) noexcept {
  Place from = task->place.load(std::memory_order_relaxed);  // elsewhere or retrying: only a canceller changes it meanwhile
  if (from == Place::cancelled || !task->place.compare_exchange_strong(from, Place::waiting, std::memory_order_acq_rel)) {
    return drop_cancelled(std::move(task));
  }
  queue_.put_back(std::move(task));
}

void ProcessPoolCore::drop_cancelled(TaskRef task) noexcept {
  if (options_.observer) options_.observer->finished(task->number, PoolObserver::kNoWorker, PoolObserver::Outcome::cancelled);
  task->state().await_canceller();
}

bool ProcessPoolCore::give_locked(const WorkerRef& worker, TaskRef task) noexcept {
  const bool was_without = worker->given() == 0;
  const RemoteTask::Extras* const extras = task->has_extras();
  RemoteTask& raw = *task;
  if (!worker->give(task)) {
    if (options_.observer) options_.observer->finished(raw.number, PoolObserver::kNoWorker, PoolObserver::Outcome::cancelled);
    raw.state().await_canceller();
    return false;
  }
  if (was_without) worker->progress = Clock::now();
  if (extras != nullptr && extras->options.time_limit) {
    worker->due = deadline_after(*extras->options.time_limit);
  }
  if (options_.timing) raw.extras().started_at = Clock::now();  // recorded when it is known to have begun
  if (options_.observer) options_.observer->started(raw.number, worker->number());
  return true;
}

void ProcessPoolCore::make_idle_locked(const WorkerRef& worker) noexcept {
  if (worker->idle || worker->given() > 0 || worker->phase != WorkerProcess::Phase::ready) return;
  worker->idle = true;
  idle_.push_back(worker);
}

// Starting takes about a millisecond and happens on the thread that starts processes; the supervisor hears of it by arrivals_.
void ProcessPoolCore::start_worker(int number) noexcept {
  const auto arrive = [](ProcessPoolCore& core, Arrival arrival) {
    const std::lock_guard lock(core.mutex_);
    core.arrivals_.push_back(std::move(arrival));  // there is room
    core.poke();                                   // with the mutex held: without it the pool could be gone
  };
  try {
    post_to_spawner([self = shared_from_this(), number, arrive] {
      Arrival arrival{.number = number, .worker = nullptr, .failure = {}};
      try {
        self->ensure_guard();
        const DescendantMark mark = self->mark_.of_worker(self->worker_starts_++);
        arrival.worker = std::make_shared<WorkerProcess>(number, self->options_, mark, self->relay_.get());
      } catch (...) {
        arrival.failure = std::current_exception();
      }
      arrive(*self, std::move(arrival));
    });
  } catch (...) {
    arrive(*this, {.number = number, .worker = nullptr, .failure = std::current_exception()});
  }
}

void ProcessPoolCore::start_needed() noexcept {
  for (;;) {
    int number = -1;
    {
      const std::lock_guard lock(mutex_);
      if (paused_) return;
      const auto coming = starting_ + std::count_if(live_.begin(), live_.end(), [](const WorkerRef& worker) {
                            return worker->phase == WorkerProcess::Phase::starting;
                          });
      if (idle_.size() + static_cast<std::size_t>(coming) >= queue_.size()) return;
      number = reserve_worker_locked();
    }
    if (number < 0) return;
    start_worker(number);
  }
}

void ProcessPoolCore::shutdown(ShutdownOptions options) {
  if (!process_.is_this()) return;
  if (options.wait && (std::this_thread::get_id() == supervisor_id_ || decoding_->is_this_thread())) {
    throw Error("shutdown would wait for the thread that calls it");
  }
  TaskList cancelled;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    paused_ = false;
    if (options.cancel_futures) {
      for (const WorkerRef& worker : live_) {
        worker->take_back([this](TaskRef task) { put_back_locked(std::move(task)); });
      }
      while (TaskRef task = pop_locked()) cancelled.push_back(std::move(task));
      while (!retries_.empty()) cancelled.push_back(retries_.pop_front());
    }
    if (!finished_) poke();
  }
  make_room();
  if (relay_) relay_->hurry();
  while (!cancelled.empty()) {
    const TaskRef task = cancelled.pop_front();
    if (task->state().cancel() && options_.observer) {
      options_.observer->finished(task->number, PoolObserver::kNoWorker, PoolObserver::Outcome::cancelled);
    }
    task->state().await_canceller();  // perhaps another one
  }
  if (!options.wait) return;
  for (;;) {
    // Acquire: before the look; a change after it changes the word, and the wait returns at once.
    const std::uint32_t before = changes_.load(std::memory_order_acquire);
    if (is_finished()) break;
    futex_wait(changes_, before);
  }
  decoding_->drain();
  deadlines_.stop();
  // Outside the mutex: callbacks may submit and shut down. On the callback thread itself it does not wait.
  CallbackThread* callbacks = nullptr;
  {
    const std::lock_guard lock(callbacks_mutex_);
    callbacks = callbacks_.get();
  }
  if (callbacks != nullptr) callbacks->drain();
  if (relay_) relay_->flush();
}

bool ProcessPoolCore::is_finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

void ProcessPoolCore::start_all() {
  require_own_process();
  for (bool first = true;; first = false) {
    const std::uint32_t before = changes_.load(std::memory_order_acquire);  // Acquire: as in shutdown
    // Each time, not once: workers die and are recycled meanwhile, and others resize.
    for (;;) {
      int number = -1;
      {
        const std::lock_guard lock(mutex_);
        if (closing_) refuse_submission_locked();
        number = reserve_worker_locked();
      }
      if (number < 0) break;
      start_worker(number);
    }
    if (first) {
      const std::lock_guard lock(callbacks_mutex_);
      if (callbacks_) callbacks_->start();
    }
    {
      const std::lock_guard lock(mutex_);
      // Fewer than wanted where no more can be started: that has been reported.
      if (ready_ >= target_ || (ready_ > 0 && start_again_ && starting_ == 0 && ready_ == static_cast<int>(live_.size()))) return;
    }
    futex_wait(changes_, before);
  }
}

void ProcessPoolCore::pause() {
  require_own_process();
  {
    const std::lock_guard lock(mutex_);
    if (closing_ || paused_) return;
    paused_ = true;
    // Here and now, by whoever asks: what a worker has not begun is the pool's again when this returns.
    for (const WorkerRef& worker : live_) worker->take_back([this](TaskRef task) { put_back_locked(std::move(task)); });
    poke();
  }
}

void ProcessPoolCore::resume() {
  require_own_process();
  const std::lock_guard lock(mutex_);
  if (!paused_) return;
  paused_ = false;
  if (!finished_) poke();
}

bool ProcessPoolCore::paused() const {
  if (!process_.is_this()) return false;
  const std::lock_guard lock(mutex_);
  return paused_;
}

void ProcessPoolCore::resize(int workers) {
  require_own_process();
  {
    const std::lock_guard lock(mutex_);
    if (closing_) refuse_submission_locked();
    reserve_workers_locked(workers);
    target_ = workers;
    poke();
  }
  notify();
  start_needed();
}

int ProcessPoolCore::workers() const {
  if (!process_.is_this()) return 0;
  const std::lock_guard lock(mutex_);
  return target_;
}

std::vector<pid_t> ProcessPoolCore::worker_pids() const {
  if (!process_.is_this()) return {};
  const std::lock_guard lock(mutex_);
  std::vector<pid_t> pids;
  pids.reserve(live_.size());
  for (const WorkerRef& worker : live_) pids.push_back(worker->pid());
  return pids;
}

PoolMetrics ProcessPoolCore::metrics() const {
  PoolMetrics metrics;
  if (!process_.is_this()) return metrics;
  {
    // With the mutex: what has ended was submitted before, so that nothing comes out negative.
    const std::lock_guard lock(mutex_);
    // Before the ends: who sees that nothing runs any more also sees how it ended.
    auto busy = static_cast<std::uint64_t>(answering_.load(std::memory_order_acquire));
    metrics.done = done_.load(std::memory_order_acquire);
    metrics.failed = failed_.load(std::memory_order_acquire);
    metrics.cancelled = cancelled_.load(std::memory_order_acquire);
    metrics.submitted = submitted_;
    metrics.workers = static_cast<int>(live_.size());
    metrics.crashed = crashed_;
    metrics.respawned = respawned_;
    metrics.retried = retried_;
    for (const WorkerRef& worker : live_) busy += worker->phase == WorkerProcess::Phase::ready && worker->tasks() > 0;
    const std::uint64_t unfinished = submitted_ - metrics.done - metrics.failed - metrics.cancelled;
    metrics.running = std::min(busy, unfinished);
    metrics.queued = unfinished - metrics.running;
  }
  if (options_.timing) {
    queue_wait_->add_to(metrics.queue_wait.emplace());
    run_time_->add_to(metrics.run_time.emplace());
  }
  return metrics;
}

void ProcessPoolCore::deliver(StateRef state) noexcept {
  if (process_.is_this()) {
    const std::lock_guard lock(callbacks_mutex_);
    if (callbacks_) return callbacks_->deliver(std::move(state));
  }
  // After the pool's end, and in a fork, only a then_in future is completed, with an error; there is no thread for its callbacks.
  state->run_delivered_callbacks();
}

void ProcessPoolCore::note_cancelled(FutureState& state) noexcept {
  const auto task = dynamic_cast<RemoteTask*>(&state);
  if (task == nullptr) return;
  forget_start_by(*task);
  switch (task->place.exchange(Place::cancelled, std::memory_order_acq_rel)) {
    case Place::unsubmitted:
    case Place::cancelled:
      return;
    case Place::waiting:
      cancelled_waiting_.fetch_add(1, std::memory_order_relaxed);
      cancelled_.fetch_add(1, std::memory_order_release);
      make_room();
      return;
    case Place::retrying:
      cancelled_.fetch_add(1, std::memory_order_release);
      poke();  // a shutdown need not wait for it any more. The pool is there: it awaits its cancellers
      return;
    case Place::elsewhere:
      cancelled_.fetch_add(1, std::memory_order_release);
  }
}

void ProcessPoolCore::kill_worker_of(const RemoteTask& task) noexcept {
  const std::lock_guard lock(mutex_);
  for (const WorkerRef& worker : live_) {
    // Only if it is still at it: the oldest that was not taken back.
    if (worker->given() == 0 || worker->at(0).task.get() != &task || worker->kill_reason != WorkerProcess::KillReason::none)
      continue;
    worker->kill_reason = WorkerProcess::KillReason::cancelled;
    worker->child().kill_group(SIGKILL);
    worker->child().kill(SIGKILL);
    return;
  }
}

void ProcessPoolCore::forget_start_by(RemoteTask& task) noexcept {
  const RemoteTask::Extras* const extras = std::as_const(task).has_extras();
  if (extras != nullptr && extras->options.start_by) deadlines_.forget(task.state());
}

void ProcessPoolCore::ended(RemoteTask& task, int worker, PoolObserver::Outcome outcome) noexcept {
  forget_start_by(task);
  (outcome == PoolObserver::Outcome::done ? done_ : failed_).fetch_add(1, std::memory_order_release);
  if (options_.observer) options_.observer->finished(task.number, worker, outcome);
}

void ProcessPoolCore::finish_with(RemoteTask& task, int worker, std::exception_ptr error) noexcept {
  ended(task, worker, error ? PoolObserver::Outcome::failed : PoolObserver::Outcome::done);
  task.state().finish(std::move(error));
}

void ProcessPoolCore::decode(DecodingThread::Answer answer) noexcept {
  finish_with(*answer.task, answer.worker, answer.task->take_answer(Reader(answer.payload.view())));
  answering_.fetch_sub(1, std::memory_order_release);  // Release: pairs with the acquire in metrics(), after what ended() counts
}

void ProcessPoolCore::poke() noexcept {
  // Release: what the poker prepared; pairs with the exchange in look_around().
  poked_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void ProcessPoolCore::notify() noexcept {
  changes_.fetch_add(1, std::memory_order_release);  // Release: pairs with the loads before a wait
  futex_wake_all(changes_);
}

void ProcessPoolCore::make_room() noexcept {
  room_.fetch_add(1, std::memory_order_release);
  futex_wake_all(room_);
}

}  // namespace pools::detail
