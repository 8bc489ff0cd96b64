#pragma once

// Tasks with shared memory (pools/shared_buffer.h), of either pool.

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "pools/shared_buffer.h"
#include "pools/tests/gate.h"

namespace pools::test {

using Numbers = SharedArray<std::int64_t>;
using SealedNumbers = SharedArray<const std::int64_t>;

inline Numbers numbers_to(std::int64_t count) {
  Numbers numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), std::int64_t{1});
  return numbers;
}
inline SealedNumbers sealed_numbers_to(std::int64_t count) { return numbers_to(count).seal(); }
inline std::int64_t sum_of(const Numbers& numbers) { return std::accumulate(numbers.begin(), numbers.end(), std::int64_t{0}); }
inline std::int64_t sum_of_sealed(SealedNumbers numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), std::int64_t{0});
}
inline void double_all(const Numbers& numbers) {
  for (std::int64_t& number : numbers) number *= 2;
}
inline Numbers send_back(Numbers numbers) { return numbers; }
inline Numbers sum_of_two(const Numbers& a, const Numbers& b) {
  Numbers sum(a.size());
  for (std::size_t at = 0; at < a.size(); ++at) sum[at] = a[at] + b[at];
  return sum;
}
inline std::int64_t sum_of_all(const std::vector<Numbers>& all) {
  std::int64_t sum = 0;
  for (const Numbers& numbers : all) sum += sum_of(numbers);
  return sum;
}
inline std::vector<Numbers> halves_of(const Numbers& numbers) { return numbers.split(2); }
inline std::int64_t pass_and_sum(const std::string& gate, const Numbers& numbers) {
  pass(gate);
  return sum_of(numbers);
}
inline Numbers fail_with(const Numbers& numbers) {
  throw std::runtime_error("of " + std::to_string(numbers.size()) + " numbers");
}

}  // namespace pools::test
