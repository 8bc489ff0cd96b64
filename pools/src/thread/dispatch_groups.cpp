// The concurrency groups of a Dispatch: what is passed over, and how permits are taken by those who help, and given back.

#include <algorithm>
#include <utility>

#include "pools/src/base/mutex.h"
#include "pools/src/thread/dispatch.h"

namespace pools::detail {

// Then each list begins with something that can be claimed: what may run, or what is only to be dropped, which needs no permit.
bool Dispatch::grouped_claimable_locked() noexcept {
  const auto waits_for_a_permit = [](const Job& job) {
    const JobGroup* const group = job.group();
    return group != nullptr && group->full() && job.pending();
  };
  const auto pass_over = [](Job* job) { job->group()->passed_over.push(job); };
  outbox_.append_all(inbox_);
  while (!outbox_.empty() && waits_for_a_permit(*outbox_.first())) pass_over(outbox_.pop());
  while (!ranked_.empty() && waits_for_a_permit(*ranked_.first())) pass_over(ranked_.pop());
  set_mode_locked(kRanked, !ranked_.empty());
  return !outbox_.empty() || !ranked_.empty() || first_group_locked() != nullptr;
}

// Of what was passed over and can be claimed now, whose comes first.
JobGroup* Dispatch::first_group_locked() const noexcept {
  JobGroup* first = nullptr;
  for (const auto& group : groups_) {
    Job* const job = group->passed_over.first();
    if (job == nullptr || (group->full() && job->pending())) continue;
    if (first == nullptr || JobOrder::goes_before(*job, *first->passed_over.first())) first = group.get();
  }
  return first;
}

void Dispatch::leave_group_locked(JobGroup& group) noexcept {
  --group.waiting;
  if (--grouped_ == 0) set_mode_locked(kGrouped, false);
}

// The worker looks for a job from here on.
void Dispatch::give_back(ThreadWorker& self) noexcept {
  Nudges nudges;
  {
    const Lock outbox(outbox_mutex_);
    const Lock inbox(inbox_mutex_);
    JobGroup& group = *std::exchange(self.permit_, nullptr);
    --group.taken;
    nudges.swap(group.permit_waiters);
    if (!std::exchange(self.searching_, true)) ++searching_;
  }
  for (const auto& waiter : nudges) waiter->nudge();
}

FutureState::Help Dispatch::begin_helping(ThreadWorker& worker, JobGroup* group, bool lends,
                                          const std::shared_ptr<CompletionQueue>& waiter) {
  const Lock outbox(outbox_mutex_);
  if (paused()) return FutureState::Help::paused;
  if (group != nullptr && !lends) {
    const Lock inbox(inbox_mutex_);
    if (group->full()) {
      Nudges& waiters = group->permit_waiters;
      if (waiter && std::find(waiters.begin(), waiters.end(), waiter) == waiters.end()) waiters.push_back(waiter);
      return FutureState::Help::full;
    }
    ++group->taken;
  }
  worker.claiming();
  return FutureState::Help::none;
}

void Dispatch::end_helping(JobGroup& group) noexcept {
  ThreadWorker* wake = nullptr;
  Nudges nudges;
  {
    const Lock outbox(outbox_mutex_);
    const Lock inbox(inbox_mutex_);
    --group.taken;
    nudges.swap(group.permit_waiters);
    if (claimable_locked()) wake = choose_locked();
  }
  if (wake != nullptr) wake->parker_.unpark();
  for (const auto& waiter : nudges) waiter->nudge();
}

void Dispatch::add_groups_to(PoolMetrics& metrics) const {
  const Lock outbox(outbox_mutex_);
  const Lock inbox(inbox_mutex_);
  groups_.add_to(metrics);
}

}  // namespace pools::detail
