#include "harness/recommend/extrapolation.h"

#include <algorithm>
#include <cmath>

namespace harness::recommend {
namespace {

constexpr double kAsGood = 1.05;  // predicted, times the best

// How many times as long as predicted it took, or else what was run on its pool with several workers, or with any, in the middle. 1 if
// nothing was.
double off_of(const Choice& choice, const std::vector<Measured>& measured) {
  std::vector<std::int64_t> several;  // ratios, in millionths
  std::vector<std::int64_t> any;
  for (const Measured& run : measured) {
    if (run.choice.pool != choice.pool) continue;
    const double ratio = static_cast<double>(run.median_ns) / static_cast<double>(std::max<std::int64_t>(1, run.predicted_ns));
    if (run.choice == choice) return ratio;
    any.push_back(std::llround(1e6 * ratio));
    if (run.choice.workers > 1) several.push_back(any.back());
  }
  const std::vector<std::int64_t>& ratios = several.empty() || choice.workers == 1 ? any : several;
  if (ratios.empty()) return 1;
  const double middle = static_cast<double>(model::median(ratios)) * 1e-6;
  return choice.workers == 1 ? std::max(1.0, middle) : middle;  // to an only worker more workers' luck says nothing
}

}  // namespace

Extrapolation extrapolate(const Profile& profile, const Batch& all, int most_workers, const std::vector<Measured>& measured) {
  Extrapolation answer;
  answer.one_at_a_time_ns = one_at_a_time_ns(profile, all);
  answer.curve = predict_curve(profile, all, most_workers);
  std::int64_t longest = 0;  // task: nothing is done before it is
  for (const model::Demand& demand : profile.demands) longest = std::max(longest, demand.service_ns());
  for (Point& point : answer.curve) {
    const double calibrated = off_of(point.choice, measured) * static_cast<double>(point.predicted_ns);
    // Nor before so many workers have done them all, whatever of fewer tasks was faster than it was the first time.
    const std::int64_t least = std::max(longest, answer.one_at_a_time_ns / point.choice.workers);
    point.predicted_ns = std::max<std::int64_t>(least, std::llround(calibrated));
  }
  std::stable_sort(answer.curve.begin(), answer.curve.end(),
                   [](const Point& a, const Point& b) { return a.predicted_ns < b.predicted_ns; });
  const double enough = kAsGood * static_cast<double>(answer.curve.front().predicted_ns);
  const auto as_good = [&](const Point& point) { return static_cast<double>(point.predicted_ns) <= enough; };
  Point best = answer.curve.front();
  for (const Point& point : answer.curve) {
    if (as_good(point) && cheaper(point.choice, best.choice)) best = point;
  }
  answer.choice = best.choice;
  answer.predicted_ns = best.predicted_ns;
  answer.fewest_workers = answer.most_workers = best.choice.workers;
  for (const Point& point : answer.curve) {
    Choice same = point.choice;
    same.workers = best.choice.workers;
    if (!as_good(point) || same != best.choice) continue;
    answer.fewest_workers = std::min(answer.fewest_workers, point.choice.workers);
    answer.most_workers = std::max(answer.most_workers, point.choice.workers);
  }
  return answer;
}

}  // namespace harness::recommend
