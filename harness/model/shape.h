#pragma once

// What closed forms ask about a case: sizes, extremes, which durations are equal. The notation of closed_forms.h.

#include <cstdint>
#include <string>
#include <vector>

#include "harness/model/case.h"

namespace harness::model {

struct Shape {
  explicit Shape(const Case& c);

  std::int64_t n;
  std::int64_t k;
  std::int64_t q;     // ceil(n/k)
  std::int64_t last;  // L: tasks in the last batch
  std::vector<std::int64_t> t;
  std::vector<std::int64_t> callbacks;  // zeros under `none`
  std::int64_t longest;                 // max t
  std::int64_t c;                       // max callback
  bool equal_tasks;
  bool equal_callbacks;
  bool linear;  // t_j = j * t_1

  std::string more_tasks_than_workers() const;                          // "n = 8 > k = 4"
  std::string range_of(const std::vector<std::int64_t>& values) const;  // "20 ms to 300 ms"
};

}  // namespace harness::model
