#pragma once

// The one generator of pseudo-random numbers: of durations, orders and seeds. Written out, since those of <random> draw
// different numbers in different standard libraries.

#include <cstdint>

namespace harness {

// Sebastiano Vigna's SplitMix64: the i-th output is a bijective mix of seed + i * golden gamma.
class SplitMix64 {
 public:
  explicit constexpr SplitMix64(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  // Uniform on [0, bound), unbiased (rejection). REQUIRES: bound >= 1.
  std::uint64_t below(std::uint64_t bound);
  // Uniform on (0, 1): odd multiples of 2^-54, so that neither end is hit.
  double open_unit();

 private:
  std::uint64_t state_;
};

}  // namespace harness
