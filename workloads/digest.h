#pragma once

// Digests and the seeded numbers that works are made of. Digests are compared between the processes of one machine
// only, so words are taken in its own byte order.
//
// Thread safety: pure functions; a SplitMix64 belongs to one thread.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace workloads {

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
class SplitMix64 {
 public:
  explicit constexpr SplitMix64(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t operator()() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t value = state_;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
  }

  // Uniform in [0, bound) up to a bias below bound / 2^32. REQUIRES: 0 < bound <= 2^32.
  constexpr std::uint64_t below(std::uint64_t bound) { return ((*this)() >> 32) * bound >> 32; }

 private:
  std::uint64_t state_;
};

// Order matters: combine(combine(d, a), b) differs from combine(combine(d, b), a).
constexpr std::uint64_t combine(std::uint64_t digest, std::uint64_t value) {
  return SplitMix64(((digest << 23) | (digest >> 41)) ^ value)();
}

inline std::uint64_t combine(std::uint64_t digest, std::string_view bytes) {
  digest = combine(digest, bytes.size());
  while (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof(word));
    digest = combine(digest, word);
    bytes.remove_prefix(sizeof(word));
  }
  if (bytes.empty()) return digest;
  std::uint64_t rest = 0;
  std::memcpy(&rest, bytes.data(), bytes.size());
  return combine(digest, rest);
}

// `size` bytes made from the seed.
inline std::string seeded_bytes(std::uint64_t seed, std::size_t size) {
  std::string bytes(size, '\0');
  SplitMix64 random(seed);
  for (std::size_t offset = 0; offset < size; offset += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + offset, &word, std::min(sizeof(word), size - offset));
  }
  return bytes;
}

}  // namespace workloads
