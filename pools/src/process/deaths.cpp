#include "pools/src/process/deaths.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <exception>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "pools/detail/futex.h"
#include "pools/errors.h"
#include "pools/src/base/mutex.h"
#include "pools/src/process/retry_delay.h"
#include "pools/src/process/words.h"

namespace pools::detail {
namespace {

using Phase = WorkerProcess::Phase;
using KillReason = WorkerProcess::KillReason;

// The hard limit of a process that has not been reaped.
std::optional<std::chrono::seconds> cpu_limit_of(pid_t pid) noexcept {
  rlimit limit{};
  if (::prlimit(pid, RLIMIT_CPU, nullptr, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return std::nullopt;
  return std::chrono::seconds(limit.rlim_max);
}

}  // namespace

std::optional<KillForMemory> Deaths::killed_for_memory(const WorkerProcess& worker) noexcept {
  try {
    const OomKills& kills = worker.oom_kills();
    const auto ago = OomLedger::of_this_process().claim(kills, OomLedger::Clock::now());
    if (!ago) return std::nullopt;
    return KillForMemory{.where = kills.where(), .ago = *ago};
  } catch (const std::exception&) {
    return std::nullopt;  // there is no memory for the answer
  }
}

std::string Deaths::description(const WorkerProcess& worker, const Death& death, bool in_a_task) {
  std::string message = "worker process " + std::to_string(worker.pid()) + " " + death.status.description() +
                        words_about(death.known.cause, death.kill);
  if (!worker.violation().empty()) message += ": the pool ended it because of " + worker.violation();
  if (in_a_task) message += words_about_task(death.known);
  // The last line that it wrote: often the reason.
  std::string_view last(death.tail);
  while (!last.empty() && last.back() == '\n') last.remove_suffix(1);
  if (const auto line = last.rfind('\n'); line != std::string_view::npos) last.remove_prefix(line + 1);
  constexpr std::size_t kShown = 200;
  if (!last.empty()) message.append("; its standard error ended with: ").append(last.substr(0, kShown));
  return message;
}

// Whether it had begun what it had first is believed, since the death counts against the task in any case. It also counts against what was
// taken back before and is not skipped yet: a worker may be at work on what it called offered. Behind such a one it has begun nothing, if
// all that it has said was heard. One that was silent has not died of a task.
template <class Given>
Deaths::Victim Deaths::take_everything(WorkerProcess& worker, Given& given) noexcept {
  Victim victim;
  const bool counts = worker.kill_reason != KillReason::silence;
  const std::size_t first = worker.first();
  for (std::size_t index = 0; counts && index < first; ++index) ++worker.at(index).taken_back->unbegun_deaths;
  RemoteTask* const had_first =
      first < worker.given() && (first == 0 || worker.condemned()) ? worker.at(first).task.get() : nullptr;
  // What it had not begun is the pool's again, in its place; free of charge, but not for ever.
  Backlog* const backlog = &pool_.backlog;
  const auto put_back = [&](TaskRef task) {
    if (task.get() == had_first && counts && task->belongs_in_quarantine(pool_.options.quarantine_after)) {
      victim = {.task = std::move(task), .unbegun = true};
    } else {
      backlog->put_back(std::move(task));
    }
  };
  worker.take_back([&](TaskRef task) {
    if (task.get() == had_first && counts) ++task->unbegun_deaths;
    put_back(std::move(task));
  });
  for (std::size_t index = 0; worker.given() > 0; ++index) {
    const bool sent = worker.given() > 1 || !worker.unsent();
    given[index] = worker.take_oldest();
    TaskRef& task = given[index].task;
    if (!task) continue;
    if (task.get() == had_first && counts) ++task->deaths;
    if (task.get() == had_first && sent) {
      // Not recalled: it had begun, and no canceller gets it before it fails or is to be tried again.
      victim.task = std::move(task);
      pool_.events.died_with_its_worker(*victim.task);
    } else {
      task->state().recall();
      put_back(std::move(task));
    }
  }
  return victim;
}

void Deaths::reap(WorkerProcess* dead) noexcept {
  const std::vector<WorkerRef>& live = pool_.live();
  const auto at = std::find_if(live.begin(), live.end(), [dead](const WorkerRef& worker) { return worker.get() == dead; });
  if (at == live.end()) return;
  // A copy: it leaves the list below.
  const WorkerRef worker = *at;  // NOLINT(performance-unnecessary-copy-initialization)
  answers_.serve(worker);        // what it had published counts
  worker->child().kill_group(SIGKILL);
  const auto cpu_limit = cpu_limit_of(worker->pid());  // before it is reaped
  Death death;
  try {
    death.status = worker->child().wait();
  } catch (const std::exception&) {  // unknown
  }
  const ExitStatus& status = death.status;
  // Of those that were asked to end with the pool, all at once when the last is gone.
  if (!pool_.seen_closing || !status.success()) kill_descendants(worker->mark());
  pool_.poll.remove(worker->channel().event());
  pool_.poll.remove(worker->child().pidfd());

  Victim victim;
  std::array<WorkerProcess::Given, WorkerProcess::kMostGiven> given;  // destroyed with no lock held
  const bool was_starting = worker->phase == Phase::starting;
  bool crash_loop = false;
  int replacement = -1;
  {
    const Lock lock(pool_.mutex);
    if (worker->progress != WorkerProcess::Clock::time_point{}) {
      death.known.task_time = WorkerProcess::Clock::now() - worker->progress;
    }
    const bool by_the_pool = worker->kill_reason != KillReason::none || worker->condemned();
    death.known.cause = cause_of({.status = status, .by_the_pool = by_the_pool, .cpu_limit = cpu_limit});
    victim = take_everything(*worker, given);
    if (victim.task) {
      pool_.backlog.give_permit_back(*victim.task);
      pool_.events.answering_begins();
    }
    const bool asked = worker->phase == Phase::stopping && status.success();
    if (!asked && !was_starting && worker->kill_reason != KillReason::cancelled &&
        worker->kill_reason != KillReason::time_limit) {
      pool_.fleet.count_crash();
      crash_loop = worker->kill_reason != KillReason::silence && breaker_.died();
    }
    pool_.fleet.remove(worker);
    if (!was_starting) {
      // A new one in its place at once; one that was told to go only if there is work for another.
      const bool wanted = pool_.closing ? !pool_.backlog.nothing_left() : !asked || !pool_.backlog.empty();
      if (wanted && !pool_.broken && !crash_loop) {
        replacement = pool_.fleet.reserve_number();
        if (replacement >= 0) pool_.fleet.count_respawn();
      }
    }
  }
  if (worker->up && pool_.events.observer() != nullptr) {
    pool_.events.observer()->worker_down(worker->number(), worker->pid());
  }
  if (replacement >= 0) starter_.start(replacement);
  if (status.signal == SIGKILL && death.known.cause != DeathCause::pool) {
    if (std::optional<KillForMemory> kill = killed_for_memory(*worker)) {  // also of one that had used up its CPU time
      death.known.cause = DeathCause::out_of_memory;
      death.kill = *std::move(kill);
    }
  }
  if (status.use) {
    death.known.cpu_time = status.use->cpu_time;
    if (worker->is_own_peak(status.use->peak_memory)) death.known.peak_memory = status.use->peak_memory;
  }
  death.tail = worker->finish_output();
  const std::string cause = words([&] { return description(*worker, death, false); });
  if (victim.task) {
    if (victim.unbegun) death.known.task_time.reset();
    try {
      death.known.task = name_in(victim.task->described());
    } catch (const std::bad_alloc&) {  // without a name, then
    }
    end_with_death(std::move(victim.task), *worker, death, victim.unbegun);
  }
  if (was_starting) {
    breaker_.start_failed(worker->number(), words([&] { return cause + " before it was ready"; }));
  } else if (crash_loop) {
    breaker_.break_by_crashes(cause);
  }
  // Also without a task that has come back: fewer workers may mean that those left may go on (resize).
  supply_.adjust();
  pool_.notify();
}

// The task was at work when its worker died, or, quarantined, has been sent to as many workers as one may kill.
void Deaths::end_with_death(TaskRef task, const WorkerProcess& worker, const Death& death, bool quarantined) noexcept {
  const bool overdue = worker.kill_reason == KillReason::time_limit;
  if (!quarantined && !overdue && !task->state().cancelled()) {
    const RemoteTask::Extras* const extras = task->has_extras();
    const int allowed = extras != nullptr && extras->options.retries ? *extras->options.retries : pool_.options.retry.retries;
    if (allowed > 0) {
      quarantined = task->deaths >= pool_.options.quarantine_after && task->retried < allowed;
      if (task->retried < allowed && !quarantined && retry_later(task)) return;
    }
  }
  // Cancelled perhaps while it ran, and the worker killed for that.
  if (!pool_.events.claim(*task, worker.number())) return;
  const std::exception_ptr error = [&] {
    const auto message = [&] {
      std::string text = description(worker, death, true);
      if (quarantined)
        text +=
            "; the task is in quarantine after the deaths of " + std::to_string(task->deaths + task->unbegun_deaths) + " workers";
      return text;
    };
    const auto of_kind = [&]<class Error>(std::type_identity<Error>, const char* before) {
      return error_or(pool_.spare_death, [&] {
        return Error(before + message(), worker.pid(), death.status.signal, death.status.exit_code, death.tail, death.known);
      });
    };
    if (overdue) return of_kind(std::type_identity<TimeLimitError>(), "the task ran beyond its time limit: ");
    if (quarantined) return of_kind(std::type_identity<QuarantinedError>(), "");
    return of_kind(std::type_identity<WorkerDied>(), "");
  }();
  pool_.events.finish(*task, worker.number(), error);
}

bool Deaths::retry_later(TaskRef& task) noexcept {
  const Lock lock(pool_.mutex);
  return !pool_.broken && pool_.backlog.retry_at(task, *deadline_after(retry_delay(pool_.options.retry, task->deaths)));
}

}  // namespace pools::detail
