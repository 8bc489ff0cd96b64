// The supervisor thread of a process pool.

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

#include "pools/errors.h"
#include "pools/process/process_pool_core.h"
#include "pools/thread_name.h"

namespace pools::detail {
namespace {

constexpr int kMaxFailedStarts = 3;        // in a row, before the pool is broken
constexpr int kRoundsBetweenEvents = 64;   // while busy, deaths are looked for this often

using Phase = WorkerProcess::Phase;

WorkerDied died(const WorkerProcess& worker, const ExitStatus& status) {
  std::string message = "worker process " + std::to_string(worker.pid()) + " " + status.description();
  if (!worker.violation().empty()) message += ": the pool ended it because of " + worker.violation();
  return WorkerDied(message, worker.pid(), status.signal, status.exit_code);
}

}  // namespace

void ProcessPoolCore::supervise() {
  name_this_thread(name_prefix_, "_supervisor");
  Patience patience;
  int rounds_without_events = 0;
  for (;;) {
    if (look_around()) {
      patience.renew();
    } else if (!patience.yield_once()) {
      park();
      patience.renew();
      rounds_without_events = 0;
    }
    if (++rounds_without_events >= kRoundsBetweenEvents) {
      take_events(0);
      rounds_without_events = 0;
    }
    if (!seen_closing_) continue;
    const std::lock_guard lock(mutex_);
    if (queue_.empty() && live_.empty() && starting_ == 0 && arrivals_.empty()) {
      finished_ = true;
      break;
    }
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
    if (seen_closing_) stop_idle_workers();
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
  take_events(-1);
}

void ProcessPoolCore::take_events(int timeout_ms) {
  std::array<epoll_event, 32> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms);
  for (int at = 0; at < count; ++at) {
    // A pidfd's event names the worker, and there is one per worker and batch; the others only had to end the wait.
    if (events[static_cast<std::size_t>(at)].data.ptr != nullptr) {
      bury(static_cast<WorkerProcess*>(events[static_cast<std::size_t>(at)].data.ptr));
    }
  }
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
  try {
    if (worker->unsent() && worker->send_some()) {
      worker->channel().ring();
      progress = true;
    }
    while (const auto header = worker->receive()) {
      progress = true;
      handle(worker, *header);
    }
  } catch (const WireError& error) {
    condemn(*worker, error.what());
    progress = true;
  } catch (const std::bad_alloc&) {
    condemn(*worker, "an answer that there is no memory for");
    progress = true;
  }
  return progress;
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
      return take_answer(worker, header);
    case MessageKind::prepare:
    case MessageKind::task:
    case MessageKind::stop:
      break;
  }
  throw WireError("a message that a worker does not send");
}

void ProcessPoolCore::worker_ready(const WorkerRef& worker) {
  bool send = false;
  {
    const std::lock_guard lock(mutex_);
    if (worker->phase != Phase::starting) throw WireError("a worker that is ready twice");
    ++ready_;
    send = assign_next(worker);
  }
  failed_starts_ = 0;
  notify();
  if (send && worker->send_some()) worker->channel().ring();
  if (seen_closing_) stop_idle_workers();
}

void ProcessPoolCore::take_answer(const WorkerRef& worker, const MessageHeader& header) {
  std::optional<Message> question;
  TaskRef task;
  bool send = false;
  {
    const std::lock_guard lock(mutex_);
    if (worker->phase != Phase::busy || worker->unsent() || header.sequence != worker->sequence()) {
      throw WireError("an answer that nobody asked for");
    }
    question = worker->take_sent();
    task = std::move(worker->task);
    send = assign_next(worker);
  }
  // The worker goes on before its answer is decoded.
  std::exception_ptr tampered;
  try {
    if (send && worker->send_some()) worker->channel().ring();
  } catch (const WireError&) {
    tampered = std::current_exception();   // only this worker's next task suffers
  }
  Reader answer(worker->payload());
  if (header.kind == MessageKind::result) {
    task->finish_with_answer(answer);
  } else {
    std::exception_ptr error;
    try {
      error = decode_exception(answer);
    } catch (...) {
      error = std::current_exception();
    }
    task->state().finish(error);
  }
  if (tampered) std::rethrow_exception(tampered);
  if (seen_closing_) stop_idle_workers();
}

void ProcessPoolCore::condemn(WorkerProcess& worker, const std::string& violation) {
  const std::lock_guard lock(mutex_);
  worker.condemn(violation);
}

void ProcessPoolCore::bury(WorkerProcess* dead) {
  const auto at = std::find_if(live_.begin(), live_.end(), [dead](const WorkerRef& worker) { return worker.get() == dead; });
  if (at == live_.end()) return;
  const WorkerRef worker = *at;
  serve(worker);   // what it had published counts
  worker->child().kill_group(SIGKILL);
  const ExitStatus status = worker->child().wait();
  // Explicitly: descriptors that its own children still hold would stay registered.
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, worker->channel().event(), nullptr);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, worker->child().pidfd(), nullptr);

  std::optional<WorkerDied> error;
  TaskRef task;
  WorkerRef other;
  bool was_starting = false;
  int replacement = -1;
  {
    const std::lock_guard lock(mutex_);
    error = died(*worker, status);
    live_.erase(std::find(live_.begin(), live_.end(), worker));
    std::erase(idle_, worker);
    if (TaskRef unread = worker->take_back_unread_task()) {
      // It was never begun, so nothing has happened to it.
      unread->state().unstart();
      queue_.push_front(std::move(unread));
      if (!idle_.empty()) {
        other = std::move(idle_.back());
        idle_.pop_back();
        if (!assign_next(other)) other.reset();
      }
    }
    task = std::move(worker->task);
    was_starting = worker->phase == Phase::starting;
    if (!was_starting) {
      --ready_;
      numbers_[static_cast<std::size_t>(worker->number())] = false;
      if (!closing_ || !queue_.empty()) replacement = reserve_worker();
    } else {
      ++starting_;   // until start_failed() has decided
    }
  }
  if (other) other->hand_over();   // sent when it is served next
  if (was_starting) start_failed(worker->number(), std::string(error->what()) + " before it was ready");
  if (replacement >= 0) start_worker(replacement);
  if (task) task->state().finish(std::make_exception_ptr(*error));
}

void ProcessPoolCore::start_failed(int number, const std::string& cause) {
  bool again = false;
  {
    const std::lock_guard lock(mutex_);
    ++failed_starts_;
    again = failed_starts_ < kMaxFailedStarts && (!closing_ || !queue_.empty());
    if (!again) {
      --starting_;
      numbers_[static_cast<std::size_t>(number)] = false;
    }
  }
  if (again) {
    start_worker(number);
  } else if (failed_starts_ >= kMaxFailedStarts) {
    break_pool("workers cannot be started: " + cause);
  }
}

void ProcessPoolCore::break_pool(const std::string& cause) {
  std::optional<TaskQueue> failed;
  {
    const std::lock_guard lock(mutex_);
    if (!broken_) broken_ = cause;
    closing_ = true;
    seen_closing_ = true;
    failed.emplace(std::move(queue_));
  }
  const std::exception_ptr error = std::make_exception_ptr(BrokenPoolError("the process pool is broken: " + cause));
  while (!failed->empty()) failed->pop()->fail_unstarted(error);
  notify();
  stop_idle_workers();
}

void ProcessPoolCore::stop_idle_workers() {
  std::vector<WorkerRef> stopped;
  {
    const std::lock_guard lock(mutex_);
    if (!queue_.empty()) return;
    stopped.swap(idle_);
    for (const WorkerRef& worker : stopped) {
      worker->phase = Phase::stopping;
      worker->load(Message(MessageKind::stop));
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
