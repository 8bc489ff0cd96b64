// The supervisor thread of a process pool.

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <new>
#include <string>
#include <utility>

#include "pools/detail/futex.h"
#include "pools/errors.h"
#include "pools/src/base/thread_name.h"
#include "pools/src/process/process_pool_core.h"
#include "pools/src/process/words.h"

namespace pools::detail {
namespace {

constexpr int kRoundsBetweenEvents = 64;  // while busy, deaths and clocks are looked at this often

// A worker that answers sooner than this, per task, is given more tasks at a time.
constexpr std::chrono::microseconds kShortTask{20};

using Phase = WorkerProcess::Phase;
using KillReason = WorkerProcess::KillReason;

}  // namespace

void ProcessPoolCore::supervise() noexcept {
  pool_thread_of = this_process();
  name_this_thread(options_.name_prefix, "_supervisor");
  for (;;) {
    try {
      supervise_until_finished();
      break;
    } catch (const std::exception& error) {
      break_pool(words([&] { return std::string("its supervisor failed: ") + error.what(); }));
    } catch (...) {
      break_pool(words([] { return std::string("its supervisor failed"); }));
    }
  }
  // Of workers that were asked to end, and of those with which it could not be done.
  if (!kill_descendants(mark_)) {
    report_error("ending what the workers have started", error_or(spare_break_, [] { return Error("some of it may live on"); }));
  }
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
  }
  notify();
}

// Returns when there is nothing left to supervise, for good.
void ProcessPoolCore::supervise_until_finished() {
  Backoff backoff;
  int rounds_without_events = 0;
  for (;;) {
    if (look_around()) {
      backoff.renew();
    } else if (!answers_come_soon() || !backoff.yield_once()) {
      if (rebalance()) {
        backoff.renew();
      } else {
        park();
        backoff.renew();
        rounds_without_events = 0;
      }
    }
    if (++rounds_without_events >= kRoundsBetweenEvents) {
      take_events(0);
      rebalance();
      rounds_without_events = 0;
    }
    if (!seen_closing_) continue;
    const std::lock_guard lock(mutex_);
    if (queue_.empty() && retries_.empty() && live_.empty() && starting_ == 0 && arrivals_.empty()) return;  // for good
  }
}

bool ProcessPoolCore::look_around() {
  bool progress = false;
  // Acquire: pairs with poke().
  if (poked_.exchange(false, std::memory_order_acquire)) {
    progress = true;
    for (;;) {
      Arrival arrival;
      {
        const std::lock_guard lock(mutex_);
        seen_closing_ = closing_;
        if (arrivals_.empty()) break;
        arrival = std::move(arrivals_.front());
        arrivals_.erase(arrivals_.begin());
      }
      admit(std::move(arrival));
    }
    drop_cancelled_retries();
    supply_idle();
    start_needed();
    stop_idle_workers();
  }
  for (std::size_t at = 0; at < live_.size(); ++at) progress |= serve(live_[at]);
  return progress;
}

void ProcessPoolCore::park() {
  // Step (1) and (2) of the sleeper in doorbell.h; poke() makes its descriptor readable in any case.
  for (const WorkerRef& worker : live_) worker->channel().expect_event(worker->unsent() && !worker->terminated);
  for (const WorkerRef& worker : live_) {
    try {
      if (!worker->condemned() && worker->actionable()) return;
    } catch (const WireError&) {
      return;  // serve() will find it, too
    }
  }
  int timeout_ms = -1;
  if (const auto due = next_due()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - Clock::now()).count();
    timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
  }
  take_events(timeout_ms);
}

int ProcessPoolCore::take_events(int timeout_ms) {
  std::array<epoll_event, 32> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms);
  for (int at = 0; at < count; ++at) {
    // A pidfd's event names the worker, and there is one per worker and batch; the others only had to end the wait.
    void* const of = events[static_cast<std::size_t>(at)].data.ptr;
    if (of == &guard_) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, guard_pidfd_.load(std::memory_order_relaxed), nullptr);
      guard_pidfd_.store(-1, std::memory_order_release);
      try {
        post_to_spawner([self = shared_from_this()] { self->ensure_guard(); });
      } catch (const std::exception&) {
        report_error("replacing the guard of a process pool", std::current_exception());
      }
    } else if (of != nullptr) {
      reap(static_cast<WorkerProcess*>(of));
    }
  }
  watch_clocks();
  return count;
}

void ProcessPoolCore::admit(Arrival arrival) noexcept {
  const auto failed = [&](const std::exception_ptr& failure) {
    start_failed(arrival.number, words([&] { return text_of(failure); }));
  };
  if (!arrival.worker) return failed(arrival.failure);
  try {
    const std::lock_guard lock(mutex_);
    if (live_.size() == live_.capacity()) live_.reserve(2 * live_.size() + 1);
    idle_.reserve(live_.capacity());
  } catch (const std::bad_alloc&) {
    return failed(std::current_exception());
  }
  const WorkerRef& worker = arrival.worker;
  // Edge-triggered, so that the event descriptor never has to be read.
  epoll_event bell{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  epoll_event death{.events = EPOLLIN, .data = {.ptr = worker.get()}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, worker->channel().event(), &bell) != 0 ||
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, worker->child().pidfd(), &death) != 0) {
    const int error = errno;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, worker->channel().event(), nullptr);
    return start_failed(arrival.number, words([&] { return std::string("cannot watch a worker: ") + std::strerror(error); }));
  }
  const std::lock_guard lock(mutex_);
  --starting_;
  live_.push_back(std::move(arrival.worker));
}

bool ProcessPoolCore::serve(const WorkerRef& worker) {
  if (worker->condemned()) return false;  // killed; its death will be seen
  bool progress = false;
  int answers = 0;
  Clock::duration since{};
  try {
    if (worker->unsent() && !worker->terminated) {
      const std::lock_guard lock(mutex_);  // what it sends belongs to what the mutex guards
      if (worker->send_some()) {
        worker->progress = Clock::now();
        worker->channel().ring();
        progress = true;
      }
    }
    while (const auto header = worker->receive()) {
      progress = true;
      if (answers++ == 0) {
        const auto now = Clock::now();
        const std::lock_guard lock(mutex_);
        since = now - std::exchange(worker->progress, now);  // before it is given more
        worker->unheard = false;
        worker->channel().room();  // whether the worker's index of that ring is in bounds
      }
      handle(worker, *header);
    }
  } catch (const std::bad_alloc&) {
    condemn(*worker, "an answer that there is no memory for");
    progress = true;
  } catch (const std::exception& error) {
    condemn(*worker, error.what());
    progress = true;
  }
  if (answers > 0) adjust_depth(*worker, since / answers);
  return progress;
}

// While long tasks keep the cores busy a yield lasts until the next tick, and meanwhile no bell wakes this thread.
bool ProcessPoolCore::answers_come_soon() const {
  return std::any_of(live_.begin(), live_.end(), [](const WorkerRef& worker) { return worker->answers_soon; });
}

void ProcessPoolCore::adjust_depth(WorkerProcess& worker, Clock::duration per_task) {
  worker.answers_soon = per_task <= WorkerProcess::kStuck;
  if (!prefetches_) return;
  if (per_task < kShortTask) {
    worker.depth = std::min(worker.depth * 2, WorkerProcess::kMostGiven);
  } else if (per_task > WorkerProcess::kStuck) {
    worker.depth = 1;
  }
}

void ProcessPoolCore::handle(const WorkerRef& worker, const MessageHeader& header) {
  const auto expect_prepared = [&] {
    const bool prepared =
        worker->phase != Phase::starting || !worker->unsent();  // told to go meanwhile: what is unsent may be that
    if (!prepared || header.sequence != WorkerProcess::kPrepareSequence) throw WireError("an answer that nobody asked for");
  };
  switch (header.kind) {
    case MessageKind::ready:
      expect_prepared();
      return worker_ready(worker);
    case MessageKind::refused: {
      expect_prepared();
      Reader reader(worker->payload());
      const std::exception_ptr failure = decode_exception(reader);
      break_pool(words([&] { return "the initializer failed: " + text_of(failure); }));
      const std::lock_guard lock(mutex_);
      // It exits by itself, unless it lies: no grace for that, nor a longer one for another refusal.
      if (const Deadline soon = deadline_after(options_.kill_gap); !worker->due || soon < worker->due) worker->due = soon;
      return;
    }
    case MessageKind::result:
    case MessageKind::error:
    case MessageKind::skipped:
      return take_answer(worker, header);
    case MessageKind::prepare:
    case MessageKind::task:
    case MessageKind::stop:
      break;
  }
  throw WireError("a message that a worker does not send");
}

void ProcessPoolCore::worker_ready(const WorkerRef& worker) {
  {
    const std::lock_guard lock(mutex_);
    worker->up = true;
    if (worker->phase == Phase::starting) {  // or it was told to go meanwhile
      worker->phase = Phase::ready;
      ++ready_;
    }
  }
  if (options_.observer) options_.observer->worker_up(worker->number(), worker->pid());
  failed_starts_ = 0;
  notify();
  if (supply(worker)) worker->channel().ring();
  stop_idle_workers();
}

void ProcessPoolCore::take_answer(const WorkerRef& worker, const MessageHeader& header) {
  WorkerProcess::Given given;
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    if (worker->given() == 0 || worker->unsent() || header.sequence != worker->at(0).sequence) {
      throw WireError("an answer that nobody asked for");
    }
    // What is refused here stays with the worker, so that it is not lost with the message, and its death counts against it.
    const TaskRef& task = worker->at(0).task;
    if (header.kind != MessageKind::skipped) {
      if (!task) throw WireError("an answer to a task that was taken back");
      if (!worker->channel().board().begun(header.sequence)) throw WireError("an answer to a task that it has not begun");
    } else if (task) {
      // A canceller takes it back first and says so then.
      task->state().await_canceller();
      if (!task->state().cancelled()) throw WireError("a task was skipped that nobody has taken back");
    }
    given = worker->take_oldest();
    answering_.fetch_add(1, std::memory_order_relaxed);
    more = worker->given() * 2 <= worker->depth;
    if (header.kind == MessageKind::skipped) {
      // That of the time limit of a task that was cancelled: the next one must not fall under it.
      if (given.task && !worker->terminated) worker->due.reset();
    } else {
      worker->due.reset();
      worker->patience = WorkerProcess::kFirstPatience;
      ++worker->tasks_answered;
    }
  }
  // It counts as running until it has been counted as what it ended as.
  const struct Answering {
    // Release: pairs with the acquire in metrics(), after what ended() counts.
    ~Answering() { count.fetch_sub(1, std::memory_order_release); }
    std::atomic<int>& count;
  } answering{answering_};
  // The worker goes on before its answer is decoded.
  std::exception_ptr tampered;
  try {
    if (more && supply(worker)) worker->channel().ring();
  } catch (...) {
    tampered = std::current_exception();  // only this worker's next tasks suffer
  }
  if (given.task) {
    RemoteTask& task = *given.task;
    if (header.kind == MessageKind::skipped || !task.state().claim()) {
      if (options_.observer) options_.observer->finished(task.number, PoolObserver::kNoWorker, PoolObserver::Outcome::cancelled);
      task.state().await_canceller();
    } else {
      if (options_.timing) {
        const RemoteTask::Extras& times = *task.has_extras();
        queue_wait_->record(times.started_at - times.submitted_at);
        run_time_->record(Clock::now() - times.started_at);
      }
      deaths_in_row_ = 0;
      Reader answer(worker->payload());
      if (header.kind == MessageKind::error) {
        std::exception_ptr error;
        try {
          error = decode_exception(answer);
        } catch (...) {
          error = std::current_exception();
        }
        finish_with(task, worker->number(), std::move(error));
      } else if (task.decoded_in_place() || !decode_elsewhere(*worker, given.task)) {
        finish_with(task, worker->number(), task.take_answer(answer));
      }
    }
  }
  if (tampered) std::rethrow_exception(tampered);
  if (!more) return;
  stop_idle_workers();
}

bool ProcessPoolCore::decode_elsewhere(WorkerProcess& worker, TaskRef& task) noexcept {
  DecodingThread::Answer answer{.task = nullptr, .payload = {}, .worker = worker.number()};
  try {
    answer.payload = worker.take_payload();
  } catch (const std::bad_alloc&) {
    return false;
  }
  answer.task = std::move(task);
  answering_.fetch_add(1, std::memory_order_relaxed);  // as in take_answer(), until decode() has counted it
  if (!decoding_->deliver(answer)) decode(std::move(answer));
  return true;
}

bool ProcessPoolCore::over_memory(const WorkerProcess& worker) const noexcept {
  try {
    // The second field of statm: resident pages.
    std::ifstream statm("/proc/" + std::to_string(worker.pid()) + "/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    return statm >> size >> resident && resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) > options_.recycle_above;
  } catch (const std::bad_alloc&) {
    return false;  // after the next task, then
  }
}

bool ProcessPoolCore::supply(const WorkerRef& worker) {
  const bool recycle = options_.recycle_above > 0 && worker->tasks_answered > 0 && over_memory(*worker);
  bool something = false;
  // Ended with no lock held, also if this throws.
  struct Quarantined {
    ~Quarantined() {
      while (!tasks.empty()) {
        pool.end_in_quarantine(tasks.pop_front());
        pool.answering_.fetch_sub(1, std::memory_order_release);  // Release: as in take_answer()
      }
    }
    ProcessPoolCore& pool;
    TaskList tasks;
  } quarantined{*this, {}};
  const std::lock_guard lock(mutex_);
  if (recycle) worker->tasks_given = INT_MAX / 2;
  if (worker->phase != Phase::ready || worker->condemned() || worker->unsent()) return false;
  const bool spent = recycle || !may_give_locked(*worker);
  // A share of the queue, lest one worker takes what another could begin at once.
  const std::size_t share = std::max<std::size_t>(1, queue_.size() / (2 * live_.size()));
  std::size_t wanted = std::min(worker->depth, worker->given() + share);
  while (!spent && !queue_.empty() && worker->given() < wanted && may_give_locked(*worker)) {
    RemoteTask& next = queue_.front();
    const bool plain = next.has_extras() == nullptr && !next.is_suspect();
    const std::size_t room =
        worker->given() > 0 ? worker->channel().room() : ~std::size_t{0};  // throws before there is a task to be lost
    if (worker->given() > 0 && (!plain || next.message().view().size() > room)) break;
    TaskRef task = pop_locked();
    if (!task) break;
    if (task->belongs_in_quarantine(options_.quarantine_after)) {
      answering_.fetch_add(1, std::memory_order_relaxed);  // until it has been counted as what it ends as
      quarantined.tasks.push_back(std::move(task));
      continue;
    }
    const bool alone = task->has_extras() != nullptr || task->is_suspect();
    if (worker->given() > 0 && (alone || task->message().view().size() > room)) {  // what was looked at had been cancelled
      put_back_locked(std::move(task));
      break;
    }
    if (!give_locked(worker, std::move(task))) continue;
    worker->has_several |= worker->given() > 1;
    something |= worker->send_some();
    if (alone || worker->unsent()) wanted = 0;
  }
  if (worker->given() > 0) return something;
  if (worker->kill_reason == KillReason::time_limit || worker->kill_reason == KillReason::silence) {
    // It answered after its SIGTERM: the answer counted, but who knows what the signal has left of it.
    worker->child().kill_group(SIGKILL);
    worker->child().kill(SIGKILL);
    return something;
  }
  if (recycle || (options_.max_tasks_per_child > 0 && worker->tasks_given >= options_.max_tasks_per_child)) {
    dismiss_locked(*worker);
    return true;
  }
  make_idle_locked(worker);
  return something;
}

void ProcessPoolCore::supply_idle() noexcept {
  for (std::size_t left = SIZE_MAX; left > 0;) {
    WorkerRef worker;
    {
      const std::lock_guard lock(mutex_);
      left = std::min(left, idle_.size());  // from the last one, each once
      if (paused_ || queue_.empty() || left == 0) return;
      const auto at = idle_.begin() + static_cast<std::ptrdiff_t>(--left);
      worker = std::move(*at);
      idle_.erase(at);
      worker->idle = false;
    }
    try {
      if (supply(worker)) worker->channel().ring();
    } catch (const std::exception& error) {
      condemn(*worker, error.what());
    }
  }
}

void ProcessPoolCore::condemn(WorkerProcess& worker, const char* violation) noexcept {
  const std::lock_guard lock(mutex_);
  worker.condemn(violation);
}

}  // namespace pools::detail
