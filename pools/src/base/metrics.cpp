#include "pools/metrics.h"

#include <algorithm>
#include <cmath>

namespace pools {

std::chrono::nanoseconds LatencyHistogram::mean() const noexcept {
  return std::chrono::nanoseconds(count_ == 0 ? 0 : sum_ / count_);
}

std::chrono::nanoseconds LatencyHistogram::quantile(double q) const noexcept {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  const double share = std::clamp(q, 0.0, 1.0) * static_cast<double>(count_);
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= rank) return std::chrono::nanoseconds(std::min(last_of(bucket), max_));
  }
  return max();
}

std::uint64_t LatencyHistogram::last_of(std::size_t bucket) noexcept {
  constexpr std::size_t kLinear = std::size_t{1} << (kSubBits + 1);
  if (bucket < kLinear) return bucket;
  const std::size_t shift = (bucket >> kSubBits) - 1;
  const std::uint64_t first = std::uint64_t{(bucket & ((1U << kSubBits) - 1)) | (1U << kSubBits)} << shift;
  return first + ((std::uint64_t{1} << shift) - 1);
}

void LatencyHistogram::record(std::chrono::nanoseconds duration) noexcept {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
  ++counts_[bucket_of(ns)];
  ++count_;
  sum_ += ns;
  max_ = std::max(max_, ns);
}

void LatencyRecorder::record(std::chrono::nanoseconds duration) noexcept {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
  // Loads and stores, no read-modify-writes: there is one writer.
  const auto add = [](std::atomic<std::uint64_t>& to, std::uint64_t value) {
    to.store(to.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  };
  add(counts_[LatencyHistogram::bucket_of(ns)], 1);
  add(sum_, ns);
  if (ns > max_.load(std::memory_order_relaxed)) max_.store(ns, std::memory_order_relaxed);
}

void LatencyRecorder::add_to(LatencyHistogram& sum) const noexcept {
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    const std::uint64_t count = counts_[bucket].load(std::memory_order_relaxed);
    sum.counts_[bucket] += count;
    sum.count_ += count;
  }
  sum.sum_ += sum_.load(std::memory_order_relaxed);
  sum.max_ = std::max(sum.max_, max_.load(std::memory_order_relaxed));
}

}  // namespace pools
