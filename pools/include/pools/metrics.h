#pragma once

// What a pool has done so far, and how long it took: ThreadPool::metrics(), ProcessPool::metrics().

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pools {

// How often which duration occurred. Log-linear buckets, eight per power of two (as HdrHistogram has them): a quantile is exact to
// an eighth. A value.
class LatencyHistogram {
 public:
  std::uint64_t count() const noexcept { return count_; }
  std::chrono::nanoseconds max() const noexcept { return std::chrono::nanoseconds(max_); }  // exact; 0 when empty
  std::chrono::nanoseconds mean() const noexcept;                                           // exact; 0 when empty
  // The smallest duration that a share of q of all does not exceed, rounded up to its bucket's end, but not beyond max().
  // q in [0, 1], clamped; 0 ns when empty.
  std::chrono::nanoseconds quantile(double q) const noexcept;

  void record(std::chrono::nanoseconds duration) noexcept;  // negative counts as 0

 private:
  friend class LatencyRecorder;

  static constexpr int kSubBits = 3;
  static constexpr std::size_t kBuckets = (64 - kSubBits) << kSubBits;
  static std::size_t bucket_of(std::uint64_t ns) noexcept {
    constexpr std::uint64_t kLinear = std::uint64_t{1} << (kSubBits + 1);
    if (ns < kLinear) return ns;
    const int shift = static_cast<int>(std::bit_width(ns)) - 1 - kSubBits;
    return (static_cast<std::size_t>(shift) << kSubBits) + static_cast<std::size_t>(ns >> shift);
  }
  static std::uint64_t last_of(std::size_t bucket) noexcept;  // the longest duration of a bucket

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

// A histogram that one thread writes while others read.
class LatencyRecorder {
 public:
  void record(std::chrono::nanoseconds duration) noexcept;  // by the one writer
  void add_to(LatencyHistogram& sum)
      const noexcept;  // any thread: everything recorded before, in whole or in part what is being recorded

 private:
  // Relaxed, all of them: each is a count for itself, written by one thread.
  std::array<std::atomic<std::uint64_t>, LatencyHistogram::kBuckets> counts_{};
  std::atomic<std::uint64_t> sum_{0};
  std::atomic<std::uint64_t> max_{0};
};

// A concurrency group.
struct GroupMetrics {
  std::string name;
  int limit = 0;
  int running =
      0;  // its permits that are taken: a task's is given back after its end, and after its callbacks where they run on the worker
  std::uint64_t waiting = 0;  // in the queue, with cancelled ones by which no worker has come yet
};

// Of a pool that sizes itself, since that was asked for.
struct SizingMetrics {
  int workers = 0;                     // its size now
  std::uint64_t changes = 0;           // of the size
  std::chrono::nanoseconds waited{0};  // by its workers with a task, without computing and without waiting for a core
  std::chrono::nanoseconds computed{
      0};  // by its workers; those of a ProcessPool with all their threads, without processes that they start
};

struct PoolMetrics {
  // Tasks, posted ones included. At any moment submitted == queued + running + done + failed + cancelled.
  std::uint64_t submitted = 0;  // accepted
  std::uint64_t queued = 0;     // waiting, or waiting for a retry
  std::uint64_t running = 0;
  std::uint64_t done = 0;    // returned
  std::uint64_t failed = 0;  // threw, or their worker died, or the pool broke
  std::uint64_t cancelled = 0;
  // Workers.
  int workers = 0;              // that live, ready or not
  std::uint64_t crashed = 0;    // worker processes that ended unasked, or were killed for what they did
  std::uint64_t respawned = 0;  // started at once in the place of one that ended, of a recycled one if tasks waited
  std::uint64_t retried = 0;    // starts of a task after the death of a worker that had been at it
  // Descriptors of shared memory that passed between this process and its workers with tasks and results, in either direction, each time; and
  // the bytes of those memories, which were not copied. What an initializer takes is not counted, what went to a worker that just died is.
  std::uint64_t shared_buffers = 0;
  std::uint64_t shared_bytes = 0;
  // Only with timing = true: submit to start, and start to end, of every task that was started.
  std::optional<LatencyHistogram> queue_wait = {};
  std::optional<LatencyHistogram> run_time = {};
  std::vector<GroupMetrics> groups = {};  // as the pool's options have them
  // Only while the pool sizes itself.
  std::optional<SizingMetrics> sizing = {};
};

}  // namespace pools
