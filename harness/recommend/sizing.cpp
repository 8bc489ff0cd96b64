#include "harness/recommend/sizing.h"

#include <algorithm>
#include <cmath>

namespace harness::recommend {
namespace {

constexpr double kRatePrecision = 0.01;
constexpr int kMostHalvings = 12;
constexpr double kCoverage = 0.9;

bool is_known(const std::vector<SeenSize>& seen, int workers) {
  return std::any_of(seen.begin(), seen.end(), [&](const SeenSize& size) { return size.workers == workers; });
}

// The greatest below `workers` that failed, or cannot serve the rate; 0: none.
int failing_below(const std::vector<SeenSize>& seen, int workers, int overloaded) {
  int most = overloaded < workers ? overloaded : 0;
  for (const SeenSize& size : seen) {
    if (size.workers < workers && size.verdict == Verdict::fails) most = std::max(most, size.workers);
  }
  return most;
}

// nullptr: nothing keeps them.
const SeenSize* chosen_of(const std::vector<SeenSize>& seen, int predicted) {
  const SeenSize* first = nullptr;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (seen[i].verdict != Verdict::meets) continue;
    const bool next_fails = i + 1 < seen.size() && seen[i + 1].verdict == Verdict::fails;
    if (!next_fails) return &seen[i];
    if (first == nullptr) first = &seen[i];
  }
  if (first != nullptr) return first;
  const SeenSize* within = nullptr;
  for (const SeenSize& size : seen) {
    if (size.verdict == Verdict::fails || size.share > 1) continue;
    within = &size;
    if (size.workers >= predicted) break;
  }
  return within;
}

}  // namespace

std::optional<int> least_size(const std::vector<int>& sizes, const std::function<bool(int)>& meets) {
  int below = 0;
  for (const int size : sizes) {
    if (!meets(size)) {
      below = size;
      continue;
    }
    int least = size;
    while (least - below > 1) {
      const int middle = below + (least - below) / 2;
      (meets(middle) ? least : below) = middle;
    }
    return least;
  }
  return std::nullopt;
}

std::optional<double> largest_rate(double most, const std::function<bool(double)>& meets) {
  if (meets(most)) return most;
  double beyond = most;
  double holds = most / 2;
  for (int halving = 1; !meets(holds); ++halving) {
    if (halving == kMostHalvings) return std::nullopt;
    beyond = holds;
    holds /= 2;
  }
  while (beyond > holds * (1 + kRatePrecision)) {
    const double middle = (holds + beyond) / 2;
    (meets(middle) ? holds : beyond) = middle;
  }
  return holds;
}

const char* name(Verdict verdict) {
  return verdict == Verdict::fails ? "fails" : verdict == Verdict::meets ? "meets" : "unclear";
}

Verdict judge(const model::Quantile& measured, std::int64_t bound_ns) {
  if (measured.lower > bound_ns) return Verdict::fails;
  const bool with_margin = static_cast<double>(measured.upper) * (1 + kMargin) <= static_cast<double>(bound_ns);
  return with_margin && measured.coverage >= kCoverage ? Verdict::meets : Verdict::unclear;
}

Verdict both(Verdict a, Verdict b) { return std::min(a, b); }

Sized size_from(const std::vector<SeenSize>& seen, int predicted, int overloaded) {
  Sized sized;
  const SeenSize* chosen = chosen_of(seen, predicted);
  if (chosen == nullptr) {
    sized.kept = false;
    chosen = &*std::min_element(seen.begin(), seen.end(), [](const SeenSize& a, const SeenSize& b) { return a.share < b.share; });
  }
  sized.workers = chosen->workers;
  sized.sure = chosen->verdict == Verdict::meets;
  const int failing = failing_below(seen, chosen->workers, overloaded);
  const int least_run = std::find_if(seen.begin(), seen.end(), [&](const SeenSize& s) { return s.workers > failing; })->workers;
  sized.minimum_known = failing > 0 || least_run == 1;
  sized.minimum = sized.minimum_known ? failing + 1 : least_run;
  return sized;
}

std::optional<int> next_size(const std::vector<SeenSize>& seen, int predicted, int overloaded, int most) {
  for (const int workers : {predicted, predicted - 1, predicted + 1}) {
    if (workers >= 1 && workers <= most && !is_known(seen, workers)) return workers;
  }
  const auto standing = std::find_if(seen.begin(), seen.end(), [](const SeenSize& s) { return s.verdict != Verdict::fails; });
  if (standing == seen.end()) {
    const int largest = seen.back().workers;
    if (largest >= most) return std::nullopt;
    return std::min(most, largest + std::max(1, largest - predicted));
  }
  const int failing = failing_below(seen, standing->workers, overloaded);
  const int between = standing->workers - failing;
  if (between <= 1) return std::nullopt;
  if (failing > 0) return failing + between / 2;
  return std::max(1, standing->workers - std::max(1, predicted - standing->workers));
}

}  // namespace harness::recommend
