// What the supervisor of a process pool does about workers that end or cannot be started.

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "pools/detail/futex.h"
#include "pools/errors.h"
#include "pools/src/process/process_pool_core.h"
#include "pools/src/process/retry_delay.h"
#include "pools/src/process/words.h"

namespace pools::detail {
namespace {

constexpr int kMaxFailedStarts = 3;                      // in a row, of workers that die before they are ready
constexpr std::chrono::seconds kBeforeStartingAgain{1};  // after a start that failed

using Phase = WorkerProcess::Phase;
using KillReason = WorkerProcess::KillReason;

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

void ProcessPoolCore::reap(WorkerProcess* dead) noexcept {
  const auto at = std::find_if(live_.begin(), live_.end(), [dead](const WorkerRef& worker) { return worker.get() == dead; });
  if (at == live_.end()) return;
  const WorkerRef worker = *at;
  serve(worker);  // what it had published counts
  worker->child().kill_group(SIGKILL);
  const ExitStatus status = [&] {
    try {
      return worker->child().wait();
    } catch (const std::exception&) {
      return ExitStatus{};  // unknown
    }
  }();
  // Of those that were asked to end with the pool, all at once when the last is gone.
  if (!seen_closing_ || !status.success()) kill_descendants(worker->mark());
  // Explicitly: descriptors that its own children still hold would stay registered.
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, worker->channel().event(), nullptr);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, worker->child().pidfd(), nullptr);

  TaskRef victim;
  bool unbegun = false;                                               // is the victim
  std::array<WorkerProcess::Given, WorkerProcess::kMostGiven> given;  // destroyed with no lock held
  bool was_starting = false;
  bool crash_loop = false;
  int replacement = -1;
  {
    const std::lock_guard lock(mutex_);
    // A worker begins one task after the other, so what it had first is all that it can have begun and not answered, whatever it wrote on
    // the board. Whether it had begun that is believed, since the death counts against the task in any case. It also counts against what was
    // taken back before and is not skipped yet: a worker may be at work on what it called offered. Behind such a one it has begun nothing, if
    // all that it has said was heard. One that was silent has not died of a task.
    const bool counts = worker->kill_reason != KillReason::silence;
    const std::size_t first = worker->first();
    for (std::size_t index = 0; counts && index < first; ++index) ++worker->at(index).taken_back->unbegun_deaths;
    RemoteTask* const had_first =
        first < worker->given() && (first == 0 || worker->condemned()) ? worker->at(first).task.get() : nullptr;
    // What it had not begun is the pool's again, in its place; free of charge, but not for ever.
    const auto put_back = [&](TaskRef task) {
      if (task.get() == had_first && counts && task->belongs_in_quarantine(options_.quarantine_after)) {
        victim = std::move(task);
        unbegun = true;
      } else {
        put_back_locked(std::move(task));
      }
    };
    worker->take_back([&](TaskRef task) {
      if (task.get() == had_first && counts) ++task->unbegun_deaths;
      put_back(std::move(task));
    });
    for (std::size_t index = 0; worker->given() > 0; ++index) {
      const bool sent = worker->given() > 1 || !worker->unsent();
      given[index] = worker->take_oldest();
      TaskRef& task = given[index].task;
      if (!task) continue;
      task->state().recall();
      if (task.get() == had_first && counts) ++task->deaths;
      if (task.get() == had_first && sent) {
        victim = std::move(task);
        if (options_.timing) queue_wait_->record(victim->has_extras()->started_at - victim->has_extras()->submitted_at);
      } else {
        put_back(std::move(task));
      }
    }
    if (victim) answering_.fetch_add(1, std::memory_order_relaxed);  // until it has been counted as what it ends as
    was_starting = worker->phase == Phase::starting;
    const bool asked = worker->phase == Phase::stopping && status.success();
    live_.erase(std::find(live_.begin(), live_.end(), worker));
    std::erase(idle_, worker);
    if (worker->phase == Phase::ready) --ready_;
    if (!asked && !was_starting && worker->kill_reason != KillReason::cancelled &&
        worker->kill_reason != KillReason::time_limit) {
      ++crashed_;
      // One that was silent has not died of a task.
      crash_loop =
          worker->kill_reason != KillReason::silence && options_.crash_limit > 0 && ++deaths_in_row_ >= options_.crash_limit;
    }
    if (!was_starting) {
      numbers_[static_cast<std::size_t>(worker->number())] = false;
      // A new one in its place at once; one that was told to go only if there is work for another.
      const bool wanted = closing_ ? !queue_.empty() || !retries_.empty() : !asked || !queue_.empty();
      if (wanted && !broken_ && !crash_loop) {
        replacement = reserve_worker_locked();
        respawned_ += replacement >= 0;
      }
    } else {
      ++starting_;  // until start_failed() has decided
    }
  }
  if (worker->up && options_.observer) options_.observer->worker_down(worker->number(), worker->pid());
  if (replacement >= 0) start_worker(replacement);
  const std::string tail = worker->finish_output();
  const std::string cause = words([&] { return description(*worker, status, tail); });
  if (victim) {
    end_with_death(std::move(victim), *worker, status, tail, unbegun);
    answering_.fetch_sub(1, std::memory_order_release);  // Release: as in take_answer()
  }
  if (was_starting) {
    start_failed(worker->number(), words([&] { return cause + " before it was ready"; }));
  } else if (crash_loop) {
    break_pool(words([&] {
      return std::to_string(deaths_in_row_) + " workers died one after the other without a task having ended; the last: " + cause;
    }));
  }
  // Also without a task that has come back: fewer workers may mean that those left may go on (resize).
  supply_idle();
  start_needed();
  stop_idle_workers();
  notify();
}

// The task was at work when its worker died, or, quarantined, has been sent to as many workers as one may kill.
void ProcessPoolCore::end_with_death(TaskRef task, const WorkerProcess& worker, const ExitStatus& status, const std::string& tail,
                                     bool quarantined) noexcept {
  const bool overdue = worker.kill_reason == KillReason::time_limit;
  if (!quarantined && !overdue && !task->state().cancelled()) {
    const RemoteTask::Extras* const extras = task->has_extras();
    const int allowed = extras != nullptr && extras->options.retries ? *extras->options.retries : options_.retry.retries;
    if (allowed > 0) {
      quarantined = task->deaths >= options_.quarantine_after && task->retried < allowed;
      if (task->retried < allowed && !quarantined && retry_later(task)) return;
    }
  }
  if (!task->state().claim()) {  // it was cancelled, perhaps while it ran, and the worker killed for that
    if (options_.observer) options_.observer->finished(task->number, worker.number(), PoolObserver::Outcome::cancelled);
    task->state().await_canceller();
    return;
  }
  const std::exception_ptr error = [&] {
    const auto message = [&] {
      std::string text = description(worker, status, tail);
      if (quarantined)
        text +=
            "; the task is in quarantine after the deaths of " + std::to_string(task->deaths + task->unbegun_deaths) + " workers";
      return text;
    };
    const auto of_kind = [&]<class Error>(std::type_identity<Error>, const char* before) {
      return error_or(spare_death_,
                      [&] { return Error(before + message(), worker.pid(), status.signal, status.exit_code, tail); });
    };
    if (overdue) return of_kind(std::type_identity<TimeLimitError>(), "the task ran beyond its time limit: ");
    if (quarantined) return of_kind(std::type_identity<QuarantinedError>(), "");
    return of_kind(std::type_identity<WorkerDied>(), "");
  }();
  ended(*task, worker.number(), PoolObserver::Outcome::failed);
  task->state().finish(error);
}

// As many workers died as one task may kill, and none said that it had begun it.
void ProcessPoolCore::end_in_quarantine(TaskRef task) noexcept {
  if (!task->state().claim()) return drop_cancelled(std::move(task));
  const std::exception_ptr error = error_or(spare_death_, [&] {
    return QuarantinedError("the task is in quarantine: " + std::to_string(task->deaths + task->unbegun_deaths) +
                                " workers that had it died, and none said that it had begun it",
                            -1, {}, {}, {});
  });
  ended(*task, PoolObserver::kNoWorker, PoolObserver::Outcome::failed);
  task->state().finish(error);
}

bool ProcessPoolCore::retry_later(TaskRef& task) noexcept {
  const std::lock_guard lock(mutex_);
  auto elsewhere = RemoteTask::Place::elsewhere;
  // Acq_rel: as in pop_locked(). A canceller that comes later finds the task here.
  if (broken_ || !task->place.compare_exchange_strong(elsewhere, RemoteTask::Place::retrying, std::memory_order_acq_rel))
    return false;
  ++task->retried;
  task->retry_due = *deadline_after(retry_delay(options_.retry, task->deaths));
  retries_.push_back(std::move(task));
  return true;
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
void ProcessPoolCore::start_failed(int number, const std::string& cause) noexcept {
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
  if (failed_starts_ >= kMaxFailedStarts && none_left)
    return break_pool(words([&] { return "workers cannot be started: " + cause; }));
  if (!broken && !std::exchange(warned_of_starts_, true)) {
    report_error("starting a worker (the pool goes on with fewer)", error_or(spare_break_, [&] { return Error(cause); }));
  }
  notify();
}

void ProcessPoolCore::break_pool(std::string cause) noexcept {
  const std::exception_ptr error =
      error_or(spare_break_, [&] { return BrokenPoolError("the process pool is broken: " + cause); });
  TaskList failed;
  {
    const std::lock_guard lock(mutex_);
    if (!broken_) broken_ = std::move(cause);
    closing_ = true;
    seen_closing_ = true;
    paused_ = false;
    for (const WorkerRef& worker : live_) worker->take_back([this](TaskRef task) { put_back_locked(std::move(task)); });
    while (TaskRef task = pop_locked()) failed.push_back(std::move(task));
    while (!retries_.empty()) failed.push_back(retries_.pop_front());
  }
  make_room();
  while (!failed.empty()) {
    const TaskRef task = failed.pop_front();
    if (!task->state().claim()) {
      if (options_.observer) options_.observer->finished(task->number, PoolObserver::kNoWorker, PoolObserver::Outcome::cancelled);
      task->state().await_canceller();
      continue;
    }
    ended(*task, PoolObserver::kNoWorker, PoolObserver::Outcome::failed);
    task->state().finish(error);
  }
  notify();
  stop_idle_workers();
}

}  // namespace pools::detail
