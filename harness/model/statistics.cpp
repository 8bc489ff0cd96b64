#include "harness/model/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>

#include "harness/model/pairwise.h"

namespace harness::model {
namespace {

// The mean of the middle two of an even number.
double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::vector<double> residuals(const std::vector<std::pair<double, double>>& points, double slope) {
  std::vector<double> values;
  values.reserve(points.size());
  for (const auto& [x, y] : points) values.push_back(y - slope * x);
  return values;
}

Line line_through(const std::vector<std::pair<double, double>>& points, const PairTable& slopes) {
  Line line{slopes.median(), 0};
  line.intercept = middle(residuals(points, line.slope));
  return line;
}

// Sum of t(t-1)(2t+5) over the groups of t equal values: what ties take from the variance of Kendall's S, times 18.
double kendall_ties(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  double sum = 0;
  for (auto first = values.begin(); first != values.end();) {
    const auto last = std::upper_bound(first, values.end(), *first);
    const auto t = static_cast<double>(last - first);
    sum += t * (t - 1) * (2 * t + 5);
    first = last;
  }
  return sum;
}

// counts[s] of `items` chosen values that sum to s, as probabilities of a uniformly chosen subset.
std::vector<double> subset_sums(const std::vector<int>& values, std::size_t chosen) {
  std::size_t total = 0;
  for (const int value : values) total += static_cast<std::size_t>(value);
  std::vector<std::vector<double>> ways(chosen + 1, std::vector<double>(total + 1, 0.0));
  ways[0][0] = 1;
  for (const int value : values) {
    const auto v = static_cast<std::size_t>(value);
    for (std::size_t k = chosen; k >= 1; --k) {
      for (std::size_t s = total; s + 1 > v; --s) ways[k][s] += ways[k - 1][s - v];
    }
  }
  double all = 0;
  for (const double count : ways[chosen]) all += count;
  for (double& count : ways[chosen]) count /= all;
  return ways[chosen];
}

// Twice the midrank of each value of the joint sample: integers. In the order a, then b.
std::vector<int> doubled_midranks(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  std::vector<std::int64_t> all = a;
  all.insert(all.end(), b.begin(), b.end());
  std::vector<std::int64_t> sorted = all;
  std::sort(sorted.begin(), sorted.end());
  std::vector<int> ranks;
  ranks.reserve(all.size());
  for (const std::int64_t value : all) {
    const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), value);
    ranks.push_back(static_cast<int>((first - sorted.begin()) + 1 + (last - sorted.begin())));
  }
  return ranks;
}

constexpr std::size_t kExactValues = 40;
constexpr double kLevel = 0.05;     // of a verdict
constexpr double kRounding = 1e-9;  // for comparing sums of probabilities that are equal on paper

// Largest w with P(W <= w) <= alpha, W the number of pairs (i, j) with b_j < a_i under the null hypothesis without
// ties; -1 if there is none.
long mann_whitney_critical(std::size_t m, std::size_t n, double alpha) {
  if (m + n > kExactValues) {
    const double mean = static_cast<double>(m * n) / 2;
    const double sd = std::sqrt(static_cast<double>(m * n * (m + n + 1)) / 12);
    double z = 0;  // bisect the standard normal quantile
    for (double low = -10, high = 0; high - low > 1e-12;) {
      z = (low + high) / 2;
      (0.5 * std::erfc(-z / std::sqrt(2.0)) <= alpha ? low : high) = z;
    }
    return std::max(-1L, static_cast<long>(std::floor(mean + z * sd - 0.5)));
  }
  std::vector<int> ranks;
  for (std::size_t r = 1; r <= m + n; ++r) ranks.push_back(static_cast<int>(r));
  const std::vector<double> sums = subset_sums(ranks, m);
  const std::size_t least = m * (m + 1) / 2;
  double cumulative = 0;
  long critical = -1;
  for (std::size_t s = least; s < sums.size(); ++s) {
    cumulative += sums[s];
    if (cumulative > alpha + kRounding) break;
    critical = static_cast<long>(s - least);
  }
  return critical;
}

// P(Binomial(n, 1/2) <= x) for x = 0, 1, 2, ...: each one term more, so that a search that goes up takes one step for each.
class BinomialHalf {
 public:
  explicit BinomialHalf(int n) : n_(n) {}
  double next() {
    if (++x_ <= n_) {
      cumulative_ += std::exp(std::lgamma(n_ + 1.0) - std::lgamma(x_ + 1.0) - std::lgamma(n_ - x_ + 1.0) - n_ * std::log(2.0));
    }
    return std::min(1.0, cumulative_);
  }

 private:
  const int n_;
  int x_ = -1;
  double cumulative_ = 0;
};

// P(Binomial(n, 1/2) <= x) for x = -1, 0, ..., n at index x + 1.
std::vector<double> binomial_half_cdfs(int n) {
  std::vector<double> cdfs{0};
  BinomialHalf cdf(n);
  for (int x = 0; x <= n; ++x) cdfs.push_back(cdf.next());
  return cdfs;
}

// The largest l for which [x_(l), x_(n+1-l)] covers the median with that confidence; 1 if none does.
std::size_t sign_rank(std::size_t n, double confidence) {
  BinomialHalf cdf(static_cast<int>(n));
  cdf.next();
  std::size_t l = 1;
  while (2 * (l + 1) <= n && 1 - 2 * cdf.next() >= confidence - kRounding) ++l;
  return l;
}

std::pair<double, double> sign_interval(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t l = sign_rank(values.size(), 1 - kLevel);
  return {values[l - 1], values[values.size() - l]};
}

}  // namespace

std::int64_t median(std::vector<std::int64_t> values) {
  assert(!values.empty());
  const auto middle_at = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle_at, values.end());
  return *middle_at;
}

double binomial_half_cdf(int n, int x) {
  BinomialHalf cdf(n);
  double probability = 0;
  for (int i = 0; i <= std::min(x, n); ++i) probability = cdf.next();
  return probability;
}

Interval median_interval(std::vector<std::int64_t> values, double confidence) {
  assert(!values.empty());
  std::sort(values.begin(), values.end());
  const std::size_t l = sign_rank(values.size(), confidence);
  return {values[l - 1], values[values.size() - l],
          std::max(0.0, 1 - 2 * binomial_half_cdf(static_cast<int>(values.size()), static_cast<int>(l) - 1))};
}

int allowed_outside(int repetitions) {
  BinomialHalf cdf(repetitions);
  int allowed = -1;
  while (allowed + 1 <= repetitions && cdf.next() <= kLevel) ++allowed;
  return allowed;
}

Verdict equivalent(const std::vector<std::int64_t>& values, std::int64_t predicted, std::int64_t delta) {
  return equivalent(values, predicted, delta, allowed_outside(static_cast<int>(values.size())));
}

Verdict equivalent(const std::vector<std::int64_t>& values, std::int64_t predicted, std::int64_t delta, int allowed) {
  assert(delta >= 0);
  if (allowed < 0 || values.empty()) return Verdict::inconclusive;
  const auto n = static_cast<std::ptrdiff_t>(values.size());
  const auto above = std::count_if(values.begin(), values.end(), [&](std::int64_t v) { return v > predicted + delta; });
  const auto below = std::count_if(values.begin(), values.end(), [&](std::int64_t v) { return v < predicted - delta; });
  if (above <= allowed && below <= allowed) return Verdict::holds;
  const Interval interval = median_interval(values);
  if (n - above <= allowed && interval.lower > predicted + delta) return Verdict::refuted;
  if (n - below <= allowed && interval.upper < predicted - delta) return Verdict::refuted;
  return Verdict::inconclusive;
}

TwoLooks two_looks(int first, int second) {
  assert(0 <= first && first <= second);
  TwoLooks looks;
  looks.first_allowed = allowed_outside(first);
  const int more = second - first;
  const std::vector<double> of_first = binomial_half_cdfs(first);
  const std::vector<double> of_more = binomial_half_cdfs(more);
  const auto at = [](const std::vector<double>& cdfs, int x) {
    return cdfs[static_cast<std::size_t>(std::clamp(x + 1, 0, static_cast<int>(cdfs.size()) - 1))];
  };
  // P(at most first_allowed of the first values outside, or at most `allowed` of all of them); grows with `allowed`.
  const auto level = [&](int allowed) {
    double probability = looks.first_allowed < 0 ? 0 : at(of_first, looks.first_allowed);
    for (int x = looks.first_allowed + 1; x <= std::min(allowed, first); ++x) {
      const double exactly = at(of_first, x) - at(of_first, x - 1);
      probability += exactly * at(of_more, allowed - x);
    }
    return probability;
  };
  int too_many = second + 1;
  while (too_many - looks.second_allowed > 1) {
    const int half = looks.second_allowed + (too_many - looks.second_allowed) / 2;
    (level(half) <= kLevel ? looks.second_allowed : too_many) = half;
  }
  looks.level = level(looks.second_allowed);
  return looks;
}

std::int64_t tolerance(std::int64_t makespan_ns, std::int64_t gap_ns) {
  const std::int64_t wanted = std::max<std::int64_t>(10'000'000, makespan_ns / 100 * 3 + makespan_ns % 100 * 3 / 100);
  return gap_ns < 0 ? wanted : std::min(wanted, gap_ns / 3);
}

Line theil_sen(const std::vector<std::pair<double, double>>& points) { return line_through(points, PairTable::slopes(points)); }

Regression theil_sen_regression(const std::vector<std::pair<double, double>>& points) {
  const PairTable slopes = PairTable::slopes(points);
  Regression regression;
  regression.line = line_through(points, slopes);
  std::vector<double> x;
  std::vector<double> y;
  for (const auto& [px, py] : points) {
    x.push_back(px);
    y.push_back(py);
  }
  constexpr double kQuantile = 1.959963984540054;  // of the standard normal distribution at 97.5 %
  const auto n = static_cast<double>(points.size());
  const double variance = std::max(0.0, (n * (n - 1) * (2 * n + 5) - kendall_ties(x) - kendall_ties(y)) / 18);
  const double reach = kQuantile * std::sqrt(variance);
  const auto pairs = static_cast<double>(slopes.size());
  const double last = pairs - 1;
  regression.slope_low = slopes.at(static_cast<std::size_t>(std::max(0.0, std::nearbyint((pairs - reach) / 2) - 1)));
  regression.slope_high = slopes.at(static_cast<std::size_t>(std::min(last, std::nearbyint((pairs + reach) / 2))));
  regression.intercept_low = sign_interval(residuals(points, regression.slope_high)).first;
  regression.intercept_high = sign_interval(residuals(points, regression.slope_low)).second;
  return regression;
}

double mann_whitney_p(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  assert(!a.empty() && !b.empty());
  const std::vector<int> ranks = doubled_midranks(a, b);
  long observed = 0;
  for (std::size_t i = 0; i < a.size(); ++i) observed += ranks[i];
  const std::size_t m = a.size();
  const std::size_t n = b.size();
  const auto expected = static_cast<double>(m * (m + n + 1));  // doubled
  if (m + n <= kExactValues) {
    const std::vector<double> sums = subset_sums(ranks, m);
    const double distance = std::abs(static_cast<double>(observed) - expected);
    double p = 0;
    for (std::size_t s = 0; s < sums.size(); ++s) {
      if (std::abs(static_cast<double>(s) - expected) >= distance - kRounding) p += sums[s];
    }
    return std::min(1.0, p);
  }
  std::vector<int> sorted = ranks;
  std::sort(sorted.begin(), sorted.end());
  double ties = 0;
  for (auto first = sorted.begin(); first != sorted.end();) {
    const auto last = std::upper_bound(first, sorted.end(), *first);
    const auto t = static_cast<double>(last - first);
    ties += t * t * t - t;
    first = last;
  }
  const auto total = static_cast<double>(m + n);
  const double variance = static_cast<double>(m) * static_cast<double>(n) / 12 * (total + 1 - ties / (total * (total - 1)));
  if (variance <= 0) return 1;
  const double shift = std::max(0.0, std::abs(static_cast<double>(observed) - expected) / 2 - 0.5);
  return std::min(1.0, std::erfc(shift / std::sqrt(2 * variance)));
}

Ratio ratio_interval(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b, double confidence) {
  assert(!a.empty() && !b.empty());
  const PairTable ratios = PairTable::ratios(a, b);
  const long critical = mann_whitney_critical(a.size(), b.size(), (1 - confidence) / 2);
  const auto cut = static_cast<std::size_t>(std::clamp<long>(critical + 1, 1, static_cast<long>((ratios.size() + 1) / 2)));
  double coverage = confidence;
  if (critical < 0) {  // every split is equally likely: two of C(m+n, m) fall outside
    const double splits =
        std::exp(std::lgamma(static_cast<double>(a.size() + b.size()) + 1) - std::lgamma(static_cast<double>(a.size()) + 1) -
                 std::lgamma(static_cast<double>(b.size()) + 1));
    coverage = std::max(0.0, 1 - 2 / splits);
  }
  return {ratios.median(), ratios.at(cut - 1), ratios.at(ratios.size() - cut), coverage};
}

}  // namespace harness::model
