#include "harness/recommend/extrapolation.h"

#include <algorithm>
#include <cmath>

namespace harness::recommend {
namespace {

constexpr double kAsGood = 1.05;  // predicted, times the best

// How many times as long as predicted runs took: its own, else those on its pool with its strategy, else those on its pool; of these such
// with several workers, in the middle. 1 if there were none.
double off_of(const Choice& choice, const std::vector<Measured>& measured) {
  // In millionths.
  std::vector<std::int64_t> own, same, several, any;
  for (const Measured& run : measured) {
    if (run.choice.pool != choice.pool) continue;
    const double ratio = static_cast<double>(run.median_ns) / static_cast<double>(std::max<std::int64_t>(1, run.predicted_ns));
    any.push_back(std::llround(1e6 * ratio));
    if (run.choice.workers == choice.workers && run.choice.strategy == choice.strategy && run.choice.hosts == choice.hosts)
      own.push_back(any.back());
    if (run.choice.workers == 1) continue;
    several.push_back(any.back());
    if (run.choice.strategy == choice.strategy) same.push_back(any.back());
  }
  const auto middle = [](const std::vector<std::int64_t>& ratios) { return static_cast<double>(model::median(ratios)) * 1e-6; };
  if (!own.empty()) return middle(own);
  if (any.empty()) return 1;
  if (choice.workers == 1) return std::max(1.0, middle(any));  // that several workers were faster is no reason why one should be
  return middle(!same.empty() ? same : !several.empty() ? several : any);
}

// What the workers have to do by that choice, of all there is.
std::int64_t on_workers_ns(const Choice& choice, const Batch& all, std::int64_t everything_ns) {
  const bool parse = choice.strategy == model::Strategy::worker || choice.strategy == model::Strategy::fused;
  return parse ? everything_ns : everything_ns - all.tasks * all.callback.service_ns();
}

}  // namespace

Extrapolation extrapolate(const Profile& profile, const Batch& all, int most_workers, const std::vector<Measured>& measured) {
  Extrapolation answer;
  answer.one_at_a_time_ns = one_at_a_time_ns(profile, all);
  answer.curve = predict_curve(profile, all, most_workers);
  std::int64_t longest = 0;
  for (const model::Demand& demand : profile.demands) longest = std::max(longest, demand.service_ns());
  for (Point& point : answer.curve) {
    const double calibrated = off_of(point.choice, measured) * static_cast<double>(point.predicted_ns);
    // Nothing is done before the longest task, nor before so many workers that are busy all the time.
    const std::int64_t busy_ns = on_workers_ns(point.choice, all, answer.one_at_a_time_ns) / point.choice.workers;
    point.predicted_ns = std::max<std::int64_t>({longest, busy_ns, std::llround(calibrated)});
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
