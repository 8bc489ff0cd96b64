#include "pools/ranked_jobs.h"

#include <utility>

namespace pools::detail {
namespace {

bool goes_before(const Job& a, const Job& b) noexcept {
  if (a.extras->priority != b.extras->priority) return a.extras->priority > b.extras->priority;
  return a.extras->number < b.extras->number;
}

}  // namespace

Job* RankedJobs::meld(Job* a, Job* b) noexcept {
  if (a == nullptr) return b;
  if (b == nullptr) return a;
  if (goes_before(*b, *a)) std::swap(a, b);
  b->next = std::exchange(a->extras->child, b);
  return a;
}

void RankedJobs::push(Job* job) noexcept {
  job->next = nullptr;
  job->extras->child = nullptr;
  root_ = meld(root_, job);
}

Job* RankedJobs::pop() noexcept {
  Job* const first = root_;
  // The textbook's two passes: the children are melded in pairs, then the pairs from the last to the first.
  Job* pairs = nullptr;   // the last one first
  for (Job* at = std::exchange(first->extras->child, nullptr); at != nullptr;) {
    Job* const a = std::exchange(at, at->next);
    Job* const b = at;
    if (b != nullptr) at = b->next;
    Job* const pair = meld(a, b);
    pair->next = std::exchange(pairs, pair);
  }
  root_ = nullptr;
  while (pairs != nullptr) {
    Job* const pair = std::exchange(pairs, pairs->next);
    root_ = meld(root_, pair);
  }
  if (root_ != nullptr) root_->next = nullptr;
  return first;
}

bool RankedJobs::remove(Job* job) noexcept {
  RankedJobs kept;
  bool found = false;
  while (!empty()) {
    Job* const at = pop();
    if (at == job) {
      found = true;
    } else {
      kept.push(at);
    }
  }
  root_ = kept.root_;
  return found;
}

}  // namespace pools::detail
