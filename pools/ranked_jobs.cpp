#include "pools/ranked_jobs.h"

namespace pools::detail {

bool RankedJobs::Links::goes_before(const Job& a, const Job& b) noexcept {
  if (a.extras->priority != b.extras->priority) return a.extras->priority > b.extras->priority;
  return a.extras->number < b.extras->number;
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
  *this = kept;
  return found;
}

}  // namespace pools::detail
