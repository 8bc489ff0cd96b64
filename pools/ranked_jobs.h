#pragma once

// The jobs of a thread pool whose priority is not 0: higher priorities first, equal ones in the order of submission. A pairing
// heap of the jobs themselves, so that it allocates nothing and takes any number of different priorities. Not thread-safe.

#include "pools/job.h"

namespace pools::detail {

class RankedJobs {
 public:
  bool empty() const noexcept { return root_ == nullptr; }
  Job* first() const noexcept { return root_; }
  void push(Job* job) noexcept;   // O(1). REQUIRES: it has extras
  Job* pop() noexcept;            // O(log n), amortised. REQUIRES: !empty()
  bool remove(Job* job) noexcept; // O(n log n). True if it was in here

 private:
  static Job* meld(Job* a, Job* b) noexcept;

  Job* root_ = nullptr;   // the children of a job are a list: extras->child, then next
};

}  // namespace pools::detail
