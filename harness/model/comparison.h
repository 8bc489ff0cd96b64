#pragma once

// Two sets of samples of one cell, A before and B after: is B faster, slower or the same? The statistics of `compare`.
// Distribution-free and exact where statistics.h is; nothing is drawn at random. Pure functions.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/model/statistics.h"

namespace harness::model {

// Holm's step-down correction (1979): adjusted p-values, in the order given; comparing each with alpha keeps the
// probability of even one false rejection among all at alpha, however the tests depend on each other.
std::vector<double> holm(const std::vector<double>& p_values);

// median(b) / median(a), and the interval that inverts the Mann-Whitney test: order statistics of all ratios b_j / a_i,
// exact where B is a multiple of A (ratio_interval() says what too few values give). Its centre is the median of those
// ratios; where the ratio of the medians lies outside, the interval is widened to hold it. REQUIRES: as ratio_interval().
Ratio median_ratio(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b, double confidence = 0.95);

enum class Change { faster, slower, same, undecided };
std::string_view name(Change change);

// `slower` when the difference is significant (adjusted_p < significance) *and* the medians are at least minimum_effect
// apart: B >= (1 + minimum_effect) A; `faster` when A >= (1 + minimum_effect) B. Else `same` when the whole interval lies
// strictly within that factor either way, and `undecided` when it does not. Swapping A and B swaps faster and slower.
// REQUIRES: minimum_effect >= 0.
Change judge(const Ratio& b_to_a, double adjusted_p, double minimum_effect, double significance);

// The least adjusted p-value that so many tests can give with m and n values each: of the most extreme order, times the
// number of tests, at most 1. REQUIRES: m, n, tests >= 1.
double least_adjusted_p(std::size_t m, std::size_t n, std::size_t tests);

// The fewest values on each side with which one of so many tests can be significant. REQUIRES: 0 < significance < 1.
std::size_t values_needed(std::size_t tests, double significance);

}  // namespace harness::model
