#include "pools/benchmarks/peers/peer.h"

#include <algorithm>
#include <vector>

namespace pools::benchmarks {

std::vector<Entry> entries_of(Entries entries, bool has_workers, int cores) {
  std::vector<int> sizes;
  switch (entries) {
    case Entries::sizes_and_producers:
    case Entries::sizes:
      sizes = {1, 2, 4, cores, cores * 5};
      break;
    case Entries::cores_and_five_times:
      sizes = {cores, cores * 5};
      break;
    case Entries::five_times:
      sizes = {cores * 5};
      break;
    case Entries::cores:
      sizes = {cores};
      break;
    case Entries::cores_and_ten_times:
      sizes = {cores, cores * 10};
      break;
    case Entries::two:
      sizes = {2};
      break;
  }
  if (!has_workers) sizes = {0};
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  std::vector<Entry> all;
  for (const int workers : sizes) {
    all.push_back({.workers = workers, .producers = 1});
    if (entries == Entries::sizes_and_producers) all.push_back({.workers = workers, .producers = 4});
  }
  return all;
}

}  // namespace pools::benchmarks
