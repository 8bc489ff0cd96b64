#pragma once

// The jobs of a thread pool whose priority is not 0: higher priorities first, equal ones in the order of submission. Not thread-safe.

#include "pools/job.h"
#include "pools/pairing_heap.h"

namespace pools::detail {

class RankedJobs {
 public:
  bool empty() const noexcept { return heap_.empty(); }
  Job* first() const noexcept { return heap_.first(); }
  void push(Job* job) noexcept { heap_.push(job); }   // O(1). REQUIRES: it has extras
  Job* pop() noexcept { return heap_.pop(); }         // O(log n), amortised. REQUIRES: !empty()
  bool remove(Job* job) noexcept;                     // O(n log n). True if it was in here

 private:
  struct Links {
    static bool goes_before(const Job& a, const Job& b) noexcept;
    static Job*& next(Job& job) noexcept { return job.next; }
    static Job*& child(Job& job) noexcept { return job.extras->child; }
  };
  PairingHeap<Job, Links> heap_;
};

}  // namespace pools::detail
