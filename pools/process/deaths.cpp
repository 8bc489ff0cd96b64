// What the supervisor of a process pool does about workers that end, that cannot be started or whose time is up.

#include <sys/epoll.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <string_view>
#include <utility>

#include "pools/errors.h"
#include "pools/process/process_pool_core.h"

namespace pools::detail {
namespace {

constexpr int kMaxFailedStarts = 3;                        // in a row, of workers that die before they are ready
constexpr std::chrono::seconds kBeforeStartingAgain{1};    // after a start that failed

using Phase = WorkerProcess::Phase;
using Sentence = WorkerProcess::Sentence;

std::string description(const WorkerProcess& worker, const ExitStatus& status, const std::string& tail) {
  std::string message = "worker process " + std::to_string(worker.pid()) + " " + status.description();
  if (!worker.violation().empty()) message += ": the pool ended it because of " + worker.violation();
  // The last line that it wrote: often the reason.
  std::string_view last(tail);
  while (!last.empty() && last.back() == '\n') last.remove_suffix(1);
  if (const auto line = last.rfind('\n'); line != std::string_view::npos) last.remove_prefix(line + 1);
  constexpr std::size_t kShown = 200;
  if (!last.empty()) message.append("; its standard error ended with: ").append(last.substr(0, kShown));
  return message;
}

}  // namespace

void ProcessPoolCore::bury(WorkerProcess* dead) {
  const auto at = std::find_if(live_.begin(), live_.end(), [dead](const WorkerRef& worker) { return worker.get() == dead; });
  if (at == live_.end()) return;
  const WorkerRef worker = *at;
  serve(worker);   // what it had published counts
  worker->child().kill_group(SIGKILL);
  const ExitStatus status = worker->child().wait();
  // Of those that were asked to end with the pool, all at once when the last is gone.
  if (!seen_closing_ || !status.success()) kill_descendants(worker->mark());
  // Explicitly: descriptors that its own children still hold would stay registered.
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, worker->channel().event(), nullptr);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, worker->child().pidfd(), nullptr);

  TaskRef culprit;
  bool unbegun = false;   // is the culprit
  bool was_starting = false;
  bool crash_loop = false;
  std::vector<int> replacements;
  {
    const std::lock_guard lock(mutex_);
    // What it had not begun is the pool's again, in its place. What it had begun and not answered is one task, the oldest: one that
    // cannot be taken back although it was sent. (Later ones of that kind come from scribbling on the board.)
    worker->take_back([this](TaskRef task) {
      put_back_locked(std::move(task));
    });
    while (worker->given() > 0) {
      WorkerProcess::Given given = worker->take_oldest();
      if (!given.task) continue;
      given.task->state().recall();
      const bool sent = worker->given() > 0 || !worker->unsent();
      if (!culprit && sent) {
        culprit = std::move(given.task);
      } else if (!culprit && !sent && ++given.task->extras().deaths >= options_.quarantine_after) {
        // On its way in pieces, and not begun: free of charge, but not for ever, lest arguments that no worker survives kill them all.
        culprit = std::move(given.task);
        unbegun = true;
      } else {
        put_back_locked(std::move(given.task));
      }
    }
    if (culprit) answering_.fetch_add(1, std::memory_order_relaxed);   // until it has been counted as what it ends as
    was_starting = worker->phase == Phase::starting;
    const bool asked = worker->phase == Phase::stopping && status.success();
    live_.erase(std::find(live_.begin(), live_.end(), worker));
    std::erase(idle_, worker);
    if (worker->phase == Phase::ready) --ready_;
    if (!asked && !was_starting && worker->sentence != Sentence::cancelled && worker->sentence != Sentence::deadline) {
      ++crashed_;
      crash_loop = options_.crash_limit > 0 && ++deaths_in_row_ >= options_.crash_limit;
    }
    if (!was_starting) {
      numbers_[static_cast<std::size_t>(worker->number())] = false;
      // A new one in its place at once; one that was told to go only if there is work for another.
      const bool wanted = closing_ ? !queue_.empty() || !retries_.empty() : !asked || !queue_.empty();
      if (wanted && !broken_ && !crash_loop) {
        const int number = reserve_worker_locked();
        if (number >= 0) {
          replacements.push_back(number);
          ++respawned_;
        }
      }
    } else {
      ++starting_;   // until start_failed() has decided
    }
  }
  if (!was_starting && options_.observer) options_.observer->worker_down(worker->number(), worker->pid());
  for (const int number : replacements) start_worker(number);
  const std::string tail = worker->finish_output();
  const std::string cause = description(*worker, status, tail);
  if (culprit) {
    end_with_death(std::move(culprit), *worker, status, tail, unbegun);
    answering_.fetch_sub(1, std::memory_order_release);   // Release: as in take_answer()
  }
  if (was_starting) {
    start_failed(worker->number(), cause + " before it was ready");
  } else if (crash_loop) {
    break_pool(std::to_string(deaths_in_row_) + " workers died one after the other without a task having ended; the last: " + cause);
  }
  // Also without a task that has come back: fewer workers may mean that those left may go on (resize).
  supply_idle();
  start_needed();
  stop_idle_workers();
  notify();
}

// The task was at work when its worker died, or, quarantined, has been sent to as many workers as one may kill.
void ProcessPoolCore::end_with_death(TaskRef task, const WorkerProcess& worker, const ExitStatus& status, const std::string& tail,
                                     bool quarantined) {
  if (task->state().cancelled()) {   // it was cancelled while it ran, and the worker killed for that
    if (options_.observer) options_.observer->finished(task->number, worker.number(), PoolObserver::Outcome::cancelled);
    task->state().await_canceller();
    return;
  }
  std::string message = description(worker, status, tail);
  const bool overdue = worker.sentence == Sentence::deadline;
  const bool may_retry = !quarantined && (options_.retry.retries > 0 || (task->has_extras() != nullptr && task->has_extras()->retries.value_or(0) > 0));
  if (may_retry && !overdue) {
    RemoteTask::Extras& extras = task->extras();
    int& left = extras.retries ? *extras.retries : extras.retries.emplace(options_.retry.retries);
    ++extras.deaths;
    quarantined = extras.deaths >= options_.quarantine_after && left > 0;
    if (left > 0 && !quarantined) {
      --left;
      auto wait = options_.retry.backoff;
      for (int death = 1; death < extras.deaths && wait < options_.retry.max_backoff; ++death) wait *= 2;
      const std::lock_guard lock(mutex_);
      if (!broken_) {
        retries_.push_back({Clock::now() + std::min(wait, options_.retry.max_backoff), std::move(task)});
        return;
      }
    }
  }
  if (quarantined) {
    message += "; the task is in quarantine after the deaths of " + std::to_string(task->has_extras()->deaths) + " workers";
  }
  if (!task->state().claim()) {
    if (options_.observer) options_.observer->finished(task->number, worker.number(), PoolObserver::Outcome::cancelled);
    task->state().await_canceller();
    return;
  }
  std::exception_ptr error;
  if (overdue) {
    error = std::make_exception_ptr(DeadlineError("the task ran beyond its deadline: " + message, worker.pid(), status.signal, status.exit_code, tail));
  } else if (quarantined) {
    error = std::make_exception_ptr(QuarantinedError(message, worker.pid(), status.signal, status.exit_code, tail));
  } else {
    error = std::make_exception_ptr(WorkerDied(message, worker.pid(), status.signal, status.exit_code, tail));
  }
  ended(*task, worker.number(), PoolObserver::Outcome::failed);
  task->state().finish(error);
}

// Without a guard workers are started all the same: it is needed only if this process is killed.
void ProcessPoolCore::ensure_guard() {
  // Acquire: pairs with the release in take_events(), which is done with the old one.
  if (guard_pidfd_.load(std::memory_order_acquire) >= 0) return;
  try {
    guard_.ensure();
    const int pidfd = guard_.pidfd();
    epoll_event death{.events = EPOLLIN, .data = {.ptr = &guard_}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, pidfd, &death) == 0) guard_pidfd_.store(pidfd, std::memory_order_release);
  } catch (const std::exception&) {
    report_error("starting the guard of a process pool", std::current_exception());
  }
}

// A worker could not be started, or died before it was ready.
void ProcessPoolCore::start_failed(int number, const std::string& cause) {
  bool again = false;
  bool none_left = false;
  bool broken = false;
  {
    const std::lock_guard lock(mutex_);
    ++failed_starts_;
    broken = broken_.has_value();
    const bool needed = !closing_ || !queue_.empty() || !retries_.empty();
    again = failed_starts_ < kMaxFailedStarts && needed;
    if (!again) {
      --starting_;
      numbers_[static_cast<std::size_t>(number)] = false;
      none_left = live_.empty() && starting_ == 0;
      start_again_ = Clock::now() + kBeforeStartingAgain;
    }
  }
  if (again) return start_worker(number);
  if (failed_starts_ >= kMaxFailedStarts && none_left) return break_pool("workers cannot be started: " + cause);
  if (!broken && !std::exchange(warned_of_starts_, true)) {
    report_error("starting a worker (the pool goes on with fewer)", std::make_exception_ptr(Error(cause)));
  }
  notify();
}

void ProcessPoolCore::break_pool(const std::string& cause) {
  std::vector<TaskRef> failed;
  {
    const std::lock_guard lock(mutex_);
    if (!broken_) broken_ = cause;
    closing_ = true;
    seen_closing_ = true;
    paused_ = false;
    for (const WorkerRef& worker : live_) worker->take_back([this](TaskRef task) { put_back_locked(std::move(task)); });
    while (TaskRef task = pop_locked()) failed.push_back(std::move(task));
    for (Retry& retry : retries_) failed.push_back(std::move(retry.task));
    retries_.clear();
  }
  make_room();
  const std::exception_ptr error = std::make_exception_ptr(BrokenPoolError("the process pool is broken: " + cause));
  for (const TaskRef& task : failed) {
    if (!task->state().claim()) continue;
    ended(*task, PoolObserver::kNoWorker, PoolObserver::Outcome::failed);
    task->state().finish(error);
  }
  notify();
  stop_idle_workers();
}

void ProcessPoolCore::watch_clocks() {
  std::vector<int> starts;
  bool due_retries = false;
  {
    const std::lock_guard lock(mutex_);
    const bool nothing = retries_.empty() && !start_again_ && std::none_of(live_.begin(), live_.end(), [](const WorkerRef& w) { return w->due.has_value(); });
    if (nothing) return;
    const auto now = Clock::now();
    for (const WorkerRef& worker : live_) {
      if (!worker->due || *worker->due > now) continue;
      if (!worker->terminated) {
        worker->terminated = true;
        worker->sentence = Sentence::deadline;
        worker->child().kill_group(SIGTERM);
        worker->child().kill(SIGTERM);
        worker->due = now + options_.kill_gap;
      } else {
        worker->child().kill_group(SIGKILL);
        worker->child().kill(SIGKILL);
        worker->due.reset();
      }
    }
    for (std::size_t at = 0; at < retries_.size();) {
      if (retries_[at].due > now) {
        ++at;
        continue;
      }
      TaskRef task = std::move(retries_[at].task);
      retries_.erase(retries_.begin() + static_cast<std::ptrdiff_t>(at));
      ++retried_;
      due_retries = true;
      put_back_locked(std::move(task));
    }
    if (start_again_ && *start_again_ <= now) {
      start_again_.reset();
      failed_starts_ = 0;
      for (std::size_t wanted = queue_.size(); wanted > 0 && !closing_; --wanted) {
        const int number = reserve_worker_locked();
        if (number < 0) break;
        starts.push_back(number);
      }
    }
    if (due_retries && idle_.empty()) {
      const int number = reserve_worker_locked();
      if (number >= 0) starts.push_back(number);
    }
  }
  for (const WorkerRef& worker : live_) {   // without the mutex: it takes a walk over all processes
    if (!worker->terminated || std::exchange(worker->descendants_terminated, true)) continue;
    signal_descendants(worker->mark(), SIGTERM, worker->pid());
  }
  for (const int number : starts) start_worker(number);
  if (due_retries) {
    supply_idle();
    stop_idle_workers();
  }
}

std::optional<ProcessPoolCore::Clock::time_point> ProcessPoolCore::next_due() const {
  const std::lock_guard lock(mutex_);
  std::optional<Clock::time_point> next = start_again_;
  const auto consider = [&next](Clock::time_point due) {
    if (!next || due < *next) next = due;
  };
  for (const WorkerRef& worker : live_) {
    if (worker->due) consider(*worker->due);
  }
  for (const Retry& retry : retries_) consider(retry.due);
  return next;
}

}  // namespace pools::detail
