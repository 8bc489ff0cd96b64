// for_each_block and blocks: a range in as many pieces as there are workers.

#include <cstddef>
#include <cstdio>
#include <numeric>
#include <vector>

#include "pools/thread_pool.h"

int main() {
  pools::ThreadPool pool{4};
  std::vector<double> values(100'000);

  // Returns when all have run. Over numbers:
  pool.for_each_block(0, values.size(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t index = begin; index < end; ++index) values[index] = static_cast<double>(index);
  });
  // ... or over iterators, here with a result for each block:
  const auto sums = pool.blocks(
      values.begin(), values.end(), [](auto begin, auto end) { return std::accumulate(begin, end, 0.0); }, 8);
  double sum = 0;
  for (const auto& block : sums) sum += block.result();
  std::printf("%zu blocks, sum %.0f\n", sums.size(), sum);
}
