#pragma once

// Which size keeps the bounds, and up to which rate: decisions from curves and from what runs have shown.
//
// Thread safety: pure functions.

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "harness/model/quantiles.h"

namespace harness::recommend {

// A size keeps a bound with the margin if the percentile, predicted or measured, is at most the bound over 1 + kMargin, and the rate at most this
// share of what the size can serve for ever: beyond it the wait depends on how long one looks.
inline constexpr double kMargin = 0.1;
inline constexpr double kMostLoad = 0.95;

// The least number of workers that `meets`: the first of `sizes` that does, or one between it and the size before, found by bisection; nothing if
// none of them does. Exact where whatever meets is followed, up to the first of `sizes` that meets, by what meets. REQUIRES: sizes ascending, >= 1.
std::optional<int> least_size(const std::vector<int>& sizes, const std::function<bool(int)>& meets);

// The largest rate up to `most` that `meets`, to 1 % below it; nothing if even a four-thousandth of `most` does not. Exact where rates below one that
// meets do so, too. REQUIRES: most > 0.
std::optional<double> largest_rate(double most, const std::function<bool(double)>& meets);

enum class Verdict { fails, unclear, meets };
const char* name(Verdict verdict);

// `fails`: the whole interval is beyond the bound. `meets`: the whole interval keeps it with the margin, and there are values enough for its upper
// end (coverage of 90 %).
Verdict judge(const model::Quantile& measured, std::int64_t bound_ns);
// Of several bounds: fails if one does, meets if all do.
Verdict both(Verdict a, Verdict b);

// A size as its runs have shown it.
struct SeenSize {
  int workers = 1;
  Verdict verdict = Verdict::unclear;
  double share = 0;  // the largest of percentile over bound
};

struct Sized {
  int workers = 1;            // what is to be used
  bool kept = true;           // false: nothing that was run keeps the bounds; then `workers` comes nearest
  bool sure = true;           // it was seen to meet them; else it was within them, but not by the whole interval
  int minimum = 1;            // no fewer keep them: one fewer, if there is one, was seen to fail or cannot serve the rate
  bool minimum_known = true;  // else it is only the least that was run
};

// The least of what meets; a size does not count whose next one was seen to fail, if there is another. Where none meets, of what is unclear and
// within the bounds the least from `predicted` on. `overloaded`: the most workers that cannot serve the rate for ever, whatever is seen; 0: none.
// REQUIRES: `seen` ascending and not empty, predicted >= 1.
Sized size_from(const std::vector<SeenSize>& seen, int predicted, int overloaded);

// The size that is to be run next: what was predicted, its neighbours, then whatever brackets the least that does not fail (from above, if all
// failed); nothing when one fewer than it has failed, cannot serve the rate, or does not exist. REQUIRES: as size_from, but `seen` may be empty.
std::optional<int> next_size(const std::vector<SeenSize>& seen, int predicted, int overloaded, int most);

}  // namespace harness::recommend
