#pragma once

// Task durations drawn from a named distribution. The draws depend on nothing but the arguments: the generator
// (base/random.h) and the inverse-CDF transforms are written out because those of <random> differ between standard libraries,
// and distribution.cpp uses only operations that IEEE 754 rounds exactly (+ - * / sqrt, no contraction).
//
// Thread safety: pure functions.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace harness {

struct Distribution {
  std::string_view name;
  std::string_view summary;
};

// equal         every task takes `scale`
// linear        task i (from 1) takes i * scale
// uniform       on [0, 2 * scale); mean = scale
// exponential   mean = scale
// heavy_tailed  bounded Pareto, shape 4/3, longest : shortest = 512 : 1; mean = scale, squared coefficient of variation
//               9.3, longest possible task 146 * scale
std::span<const Distribution> distributions();

// `count` durations in ns, in submission order; the first k of n are the k of a shorter draw with the same seed.
// Throws ConfigError for an unknown name (listing the known ones) and for durations beyond INT64_MAX ns.
// REQUIRES: count >= 0, scale_ns >= 0.
std::vector<std::int64_t> draw_durations(std::string_view distribution, int count, std::int64_t scale_ns, std::uint64_t seed);

}  // namespace harness
