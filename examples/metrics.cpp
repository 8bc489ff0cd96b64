// metrics and an observer: what a pool has done, and who hears of it.

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include "pools/thread_pool.h"

class Failures final : public pools::PoolObserver {
 public:
  void finished(std::uint64_t, int, Outcome outcome) noexcept override { count += outcome == Outcome::failed; }
  std::atomic<int> count{0};
};

int main() {
  const auto failures = std::make_shared<Failures>();
  pools::ThreadPool pool({.workers = 2, .timing = true, .observer = failures});
  for (int task = 0; task < 100; ++task) {
    pool.submit([task] {
      if (task % 10 == 0) throw std::runtime_error("every tenth");
    });
  }
  pool.shutdown();
  const pools::PoolMetrics m = pool.metrics();
  std::printf("submitted %lu, done %lu, failed %lu, cancelled %lu\n", m.submitted, m.done, m.failed, m.cancelled);
  std::printf("%d failures heard of, %lu run times measured\n", failures->count.load(), m.run_time->count());
  std::printf("median %ld ns, 99 of 100 within %ld ns\n", static_cast<long>(m.run_time->quantile(0.5).count()),
              static_cast<long>(m.run_time->quantile(0.99).count()));
}
