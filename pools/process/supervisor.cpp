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
#include <utility>

#include "pools/errors.h"
#include "pools/process/process_pool_core.h"
#include "pools/thread_name.h"

namespace pools::detail {
namespace {

constexpr int kRoundsBetweenEvents = 64;   // while busy, deaths and clocks are looked at this often

// A worker that answers sooner than this, per task, is given more tasks at a time; one that does not for as long as the other is
// stuck: it is given one at a time, and what it has not begun is taken back.
constexpr std::chrono::microseconds kShortTask{20};
constexpr std::chrono::microseconds kStuck{60};

using Phase = WorkerProcess::Phase;

}  // namespace

void ProcessPoolCore::supervise() {
  name_this_thread(options_.name_prefix, "_supervisor");
  Patience patience;
  int rounds_without_events = 0;
  for (;;) {
    if (look_around()) {
      patience.renew();
    } else if (!answers_come_soon() || !patience.yield_once()) {
      if (rebalance()) {
        patience.renew();
      } else {
        park();
        patience.renew();
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
    if (queue_.empty() && retries_.empty() && live_.empty() && starting_ == 0 && arrivals_.empty()) break;   // for good
  }
  // Of workers that were asked to end, and of those with which it could not be done.
  if (!kill_descendants(mark_)) {
    report_error("ending what the workers have started", std::make_exception_ptr(Error("some of it may live on")));
  }
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
  }
  notify();
}

bool ProcessPoolCore::look_around() {
  bool progress = false;
  // Acquire: pairs with poke().
  if (poked_.exchange(false, std::memory_order_acquire)) {
    progress = true;
    std::vector<Arrival> arrivals;
    {
      const std::lock_guard lock(mutex_);
      arrivals.swap(arrivals_);
      seen_closing_ = closing_;
    }
    for (Arrival& arrival : arrivals) admit(std::move(arrival));
    supply_idle();
    start_needed();
    stop_idle_workers();
  }
  for (std::size_t at = 0; at < live_.size(); ++at) progress |= serve(live_[at]);
  return progress;
}

void ProcessPoolCore::park() {
  // Step (1) and (2) of the sleeper in doorbell.h; poke() makes its descriptor readable in any case.
  for (const WorkerRef& worker : live_) worker->channel().expect_event(worker->unsent());
  for (const WorkerRef& worker : live_) {
    try {
      if (!worker->condemned() && worker->actionable()) return;
    } catch (const WireError&) {
      return;   // serve() will find it, too
    }
  }
  int timeout_ms = -1;
  if (const auto due = next_due()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - Clock::now()).count();
    timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
  }
  take_events(timeout_ms);
}

void ProcessPoolCore::take_events(int timeout_ms) {
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
      bury(static_cast<WorkerProcess*>(of));
    }
  }
  watch_clocks();
}

void ProcessPoolCore::admit(Arrival arrival) {
  if (!arrival.worker) return start_failed(arrival.number, arrival.failure);
  const WorkerRef& worker = arrival.worker;
  // Edge-triggered, so that the event descriptor never has to be read.
  epoll_event bell{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  epoll_event death{.events = EPOLLIN, .data = {.ptr = worker.get()}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, worker->channel().event(), &bell) != 0 ||
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, worker->child().pidfd(), &death) != 0) {
    const int error = errno;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, worker->channel().event(), nullptr);
    return start_failed(arrival.number, std::string("cannot watch a worker: ") + std::strerror(error));
  }
  const std::lock_guard lock(mutex_);
  --starting_;
  live_.push_back(std::move(arrival.worker));
}

bool ProcessPoolCore::serve(const WorkerRef& worker) {
  if (worker->condemned()) return false;   // killed; its death will be seen
  bool progress = false;
  int answers = 0;
  Clock::duration since{};
  try {
    if (worker->unsent()) {
      const std::lock_guard lock(mutex_);   // what it sends belongs to what the mutex guards
      if (worker->send_some()) {
        worker->channel().ring();
        progress = true;
      }
    }
    while (const auto header = worker->receive()) {
      progress = true;
      if (answers++ == 0) {
        const auto now = Clock::now();
        const std::lock_guard lock(mutex_);
        since = now - std::exchange(worker->progress, now);   // before it is given more
        worker->channel().room();   // whether the worker's index of that ring is in bounds
      }
      handle(worker, *header);
    }
  } catch (const WireError& error) {
    condemn(*worker, error.what());
    progress = true;
  } catch (const std::bad_alloc&) {
    condemn(*worker, "an answer that there is no memory for");
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
  worker.answers_soon = per_task <= kStuck;
  if (!prefetches_) return;
  if (per_task < kShortTask) {
    worker.depth = std::min(worker.depth * 2, WorkerProcess::kMostGiven);
  } else if (per_task > kStuck) {
    worker.depth = 1;
  }
}

void ProcessPoolCore::handle(const WorkerRef& worker, const MessageHeader& header) {
  switch (header.kind) {
    case MessageKind::ready:
      return worker_ready(worker);
    case MessageKind::refused: {
      Reader reader(worker->payload());
      std::string cause = "the initializer failed";
      try {
        std::rethrow_exception(decode_exception(reader));
      } catch (const RemoteError& error) {
        cause += ": " + error.type() + ": " + error.what();
      }
      return break_pool(cause);
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
    if (worker->phase != Phase::starting) throw WireError("a worker that is ready twice");
    worker->phase = Phase::ready;
    ++ready_;
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
    if (header.kind != MessageKind::skipped && !worker->channel().board().begun(header.sequence)) {
      throw WireError("an answer to a task that it has not begun");
    }
    if (const TaskRef& task = worker->at(0).task; header.kind == MessageKind::skipped && task) {
      // A canceller takes it back first and says so then. A worker that lies keeps the task, so that it is not lost with the message.
      task->state().await_canceller();
      if (!task->state().cancelled()) throw WireError("a task was skipped that nobody has taken back");
    }
    given = worker->take_oldest();
    answering_.fetch_add(1, std::memory_order_relaxed);
    more = worker->given() * 2 <= worker->depth;
    if (header.kind != MessageKind::skipped) {
      worker->due.reset();
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
  } catch (const WireError&) {
    tampered = std::current_exception();   // only this worker's next tasks suffer
  }
  if (given.task) {
    RemoteTask& task = *given.task;
    if (header.kind == MessageKind::skipped || !task.state().claim()) {
      if (options_.observer) options_.observer->finished(task.number, PoolObserver::kNoWorker, PoolObserver::Outcome::cancelled);
      task.state().await_canceller();
    } else {
      std::exception_ptr error;
      Reader answer(worker->payload());
      if (header.kind == MessageKind::result) {
        error = task.take_answer(answer);
      } else {
        try {
          error = decode_exception(answer);
        } catch (...) {
          error = std::current_exception();
        }
      }
      if (options_.timing) run_time_->record(Clock::now() - task.has_extras()->started_at);
      deaths_in_row_ = 0;
      ended(task, worker->number(), error ? PoolObserver::Outcome::failed : PoolObserver::Outcome::done);
      task.state().finish(std::move(error));
    }
  } else if (header.kind != MessageKind::skipped) {
    throw WireError("an answer to a task that was taken back");
  }
  if (tampered) std::rethrow_exception(tampered);
  if (!more) return;
  stop_idle_workers();
}

bool ProcessPoolCore::over_memory(const WorkerProcess& worker) const {
  // The second field of statm: resident pages.
  std::ifstream statm("/proc/" + std::to_string(worker.pid()) + "/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  return statm >> size >> resident && resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) > options_.recycle_above;
}

bool ProcessPoolCore::supply(const WorkerRef& worker) {
  const bool recycle = options_.recycle_above > 0 && worker->tasks_answered > 0 && over_memory(*worker);
  bool something = false;
  const std::lock_guard lock(mutex_);
  if (recycle) worker->tasks_given = INT_MAX / 2;
  if (worker->phase != Phase::ready || worker->condemned() || worker->unsent()) return false;
  const bool spent = recycle || !may_give_locked(*worker);
  // A share of the queue, lest one worker takes what another could begin at once.
  const std::size_t share = std::max<std::size_t>(1, queue_.size() / (2 * live_.size()));
  std::size_t wanted = std::min(worker->depth, worker->given() + share);
  while (!spent && !queue_.empty() && worker->given() < wanted && may_give_locked(*worker)) {
    RemoteTask& next = queue_.front();
    const bool plain = next.has_extras() == nullptr;
    const std::size_t size = next.message().view().size();
    if (worker->given() > 0 && (!plain || size > worker->channel().room())) break;
    TaskRef task = pop_locked();
    if (!task) break;
    const bool alone = task->has_extras() != nullptr;
    if (worker->given() > 0 && alone) {   // what was looked at had been cancelled
      put_back_locked(std::move(task));
      break;
    }
    if (!give_locked(worker, std::move(task))) continue;
    worker->has_several |= worker->given() > 1;
    something |= worker->send_some();
    if (alone || worker->unsent()) wanted = 0;
  }
  if (worker->given() > 0) return something;
  if (worker->sentence == WorkerProcess::Sentence::deadline) {
    // It answered after its SIGTERM: the answer counted, but who knows what the signal has left of it.
    worker->child().kill_group(SIGKILL);
    worker->child().kill(SIGKILL);
    return something;
  }
  if (recycle || (options_.max_tasks_per_child > 0 && worker->tasks_given >= options_.max_tasks_per_child)) {
    worker->phase = Phase::stopping;
    --ready_;
    worker->load(Message(MessageKind::stop));
    worker->send_some();
    return true;
  }
  make_idle_locked(worker);
  return something;
}

bool ProcessPoolCore::supply_idle() {
  std::vector<WorkerRef> idle;
  {
    const std::lock_guard lock(mutex_);
    if (paused_ || queue_.empty() || idle_.empty()) return false;
    idle.swap(idle_);
    for (const WorkerRef& worker : idle) worker->idle = false;
  }
  for (auto worker = idle.rbegin(); worker != idle.rend(); ++worker) {
    try {
      if (supply(*worker)) (*worker)->channel().ring();
    } catch (const WireError& error) {
      condemn(**worker, error.what());
    }
  }
  return true;
}

void ProcessPoolCore::start_needed() {
  std::vector<int> numbers;
  {
    const std::lock_guard lock(mutex_);
    if (paused_) return;
    const auto coming = starting_ + std::count_if(live_.begin(), live_.end(), [](const WorkerRef& worker) { return worker->phase == Phase::starting; });
    for (std::size_t served = idle_.size() + static_cast<std::size_t>(coming); served < queue_.size(); ++served) {
      const int number = reserve_worker_locked();
      if (number < 0) break;
      numbers.push_back(number);
    }
  }
  for (const int number : numbers) start_worker(number);
}

bool ProcessPoolCore::rebalance() {
  if (!prefetches_) return false;
  bool again = false;
  bool taken = false;
  {
    std::unique_lock lock(mutex_, std::defer_lock);
    for (const WorkerRef& worker : live_) {
      if (!worker->has_several) continue;   // the supervisor's: without the mutex
      if (!lock.owns_lock()) lock.lock();
      if (worker->given() < 2) {
        worker->has_several = false;
        continue;
      }
      if (Clock::now() - worker->progress < kStuck) {
        again = true;
        continue;
      }
      worker->depth = 1;
      worker->take_back([this](TaskRef task) { put_back_locked(std::move(task)); });
      taken = true;
    }
  }
  if (taken) supply_idle();
  return again || taken;
}

void ProcessPoolCore::condemn(WorkerProcess& worker, const std::string& violation) {
  const std::lock_guard lock(mutex_);
  worker.condemn(violation);
}

void ProcessPoolCore::stop_idle_workers() {
  std::vector<WorkerRef> stopped;
  {
    const std::lock_guard lock(mutex_);
    const auto beyond = static_cast<std::ptrdiff_t>(live_.size()) - target_;
    const bool all = seen_closing_ && queue_.empty() && retries_.empty();
    if (idle_.empty() || (!all && beyond <= 0)) return;
    std::size_t count = all ? idle_.size() : std::min(idle_.size(), static_cast<std::size_t>(beyond));
    // Those that are on their way out already count among those that live.
    if (!all) {
      const auto leaving = std::count_if(live_.begin(), live_.end(), [](const WorkerRef& worker) { return worker->phase == Phase::stopping; });
      count = beyond > leaving ? std::min(idle_.size(), static_cast<std::size_t>(beyond - leaving)) : 0;
    }
    for (; count > 0; --count) {
      WorkerRef worker = std::move(idle_.front());   // the one that has been idle longest
      idle_.erase(idle_.begin());
      worker->idle = false;
      worker->phase = Phase::stopping;
      --ready_;
      worker->load(Message(MessageKind::stop));
      stopped.push_back(std::move(worker));
    }
  }
  for (const WorkerRef& worker : stopped) {
    try {
      if (worker->send_some()) worker->channel().ring();
    } catch (const WireError& error) {
      condemn(*worker, error.what());
    }
  }
}

}  // namespace pools::detail
