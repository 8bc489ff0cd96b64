// Sorting: computation with unpredictable branches, on data that fits the first-level cache, so that its speed is the
// core's own and not that of a memory which others use too.

#include <algorithm>
#include <array>
#include <functional>

#include "workloads/catalogue.h"
#include "workloads/computation.h"
#include "workloads/digest.h"
#include "workloads/request.h"

namespace workloads {

std::uint64_t sort_elements(std::uint64_t seed, std::int64_t elements) {
  constexpr std::int64_t kBlock = 2048;  // 16 KiB
  std::array<std::uint64_t, kBlock> block;
  SplitMix64 random(seed);
  std::uint64_t digest = combine(seed, "sort");
  while (elements > 0) {
    const auto size = static_cast<std::size_t>(std::min(elements, kBlock));
    std::generate_n(block.begin(), size, std::ref(random));
    std::sort(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(size));
    // A sum weighted by rank: no other order of the same numbers gives it.
    std::uint64_t ranked = 0;
    for (std::size_t rank = 0; rank < size; ++rank) ranked += block[rank] * (2 * rank + 1);
    digest = combine(digest, ranked);
    elements -= static_cast<std::int64_t>(size);
  }
  return digest;
}

namespace {

class Sort final : public Workload {
 public:
  std::string_view name() const override { return "sort"; }
  std::string_view summary() const override { return "computes for the asked time: sorts blocks of seeded numbers"; }

  Work make(const Request& request, const Calibration& calibration) const override {
    return {.compute_units = units_for(request.duration.count(), calibration.sort_units_per_ns), .seed = request.seed};
  }
  Demand demand(const Work& work, const Calibration& calibration) const override {
    return {.compute_ns = duration_of(work.compute_units, calibration.sort_units_per_ns)};
  }
  std::string_view callback(const Work&) const override { return "spin"; }

  Product run(const Work& work, const RunContext&, std::string_view) const override {
    return {.digest = sort_elements(work.seed, work.compute_units), .body = {}};
  }
};

}  // namespace

const Workload& sort_workload() {
  static const Sort kSort;
  return kSort;
}

}  // namespace workloads
