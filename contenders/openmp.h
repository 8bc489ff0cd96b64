#pragma once

// OpenMP's tasks. A team of the workers and the producers: the workers run tasks at the barrier that ends the parallel region, a producer
// when it waits for its own; and libgomp runs a task at once when 64 times as many as there are threads are queued.

#include <omp.h>

#include <atomic>
#include <memory>
#include <utility>

#include "contenders/contender.h"

namespace contenders {

struct OpenMp : Defaults {
  static constexpr ExecutedBy kExecutedBy = ExecutedBy::helping;
  static constexpr bool kRunsInline = true;
  // A task's int, written by whoever runs it.
  struct Slot {
    int value = 0;
    std::atomic<bool> ready{false};  // release after value; acquire before value is read
  };

  explicit OpenMp(int count) : workers(count) {}

  void producers(int count, const std::function<void(int)>& body) {
    omp_set_dynamic(0);  // the whole team or nothing
#pragma omp parallel num_threads(workers + count)
    {
      const int index = omp_get_thread_num();
      if (index < count) body(index);
    }
  }

  template <class F>
  void post(F f) {
#pragma omp task firstprivate(f)
    f();
  }
  template <class F>
  std::unique_ptr<Slot> submit(F f) {
    auto slot = std::make_unique<Slot>();
    Slot* const written = slot.get();
#pragma omp task firstprivate(f, written)
    {
      written->value = f();
      written->ready.store(true, std::memory_order_release);
    }
    return slot;
  }
  int result(std::unique_ptr<Slot> slot) {
    if (!slot->ready.load(std::memory_order_acquire)) drain();
    return slot->value;
  }
  void drain() {
#pragma omp taskwait
  }

  const int workers;
};

}  // namespace contenders
