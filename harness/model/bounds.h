#pragma once

// Bounds that hold for every case, and the sizing rules that follow from the model.

#include <cstdint>
#include <vector>

#include "harness/model/case.h"

namespace harness::model {

struct Bounds {
  std::int64_t lower_ns = 0;
  std::int64_t upper_ns = 0;
};

// Graham 1969: of any list schedule of the services p on k servers, max(sum/k, max p) <= M <= sum/k + (1 - 1/k) max p.
// Rounded to the nearest whole ns that is still a bound. REQUIRES: at least one service, k >= 1.
Bounds graham(const std::vector<std::int64_t>& services_ns, int servers);

// Of the whole case: stage 1 by Graham; the callbacks' servers add at least what they must do after the first
// completion and at most their own Graham bound. With shared cores, the lower bound also counts total computation over
// P.
Bounds makespan_bounds(const Case& c);

// m*: how few parsers reach the makespan of unlimited ones, for equal callbacks of c:
// max_j floor((n-j) / (floor((r_(n) - r_(j)) / c) + 1)) + 1. REQUIRES: at least one completion, c >= 0.
std::int64_t fewest_parsers(std::vector<std::int64_t> completions_ns, std::int64_t callback_ns);

// In the long run, k workers on tasks of t keep m parsers busy with callbacks of c: m >= ceil(kc/t). REQUIRES: t > 0.
std::int64_t parsers_in_the_long_run(int workers, std::int64_t task_ns, std::int64_t callback_ns);

}  // namespace harness::model
