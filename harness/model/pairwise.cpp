#include "harness/model/pairwise.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdint>
#include <functional>
#include <utility>

namespace harness::model {
namespace {

// Doubles as integers in the same order, -0.0 just before 0.0; and back. REQUIRES: not NaN.
std::int64_t key_of(double value) {
  const auto bits = std::bit_cast<std::int64_t>(value);
  return bits >= 0 ? bits : bits ^ INT64_MAX;
}
double value_of(std::int64_t key) { return std::bit_cast<double>(key >= 0 ? key : key ^ INT64_MAX); }

// The walk along the staircase: per row how many of its values are at most `bound`. Later rows have fewer.
template <class Table, class Visit>
void walk(const Table& table, double bound, Visit&& visit) {
  std::size_t count = table.columns.size();
  for (std::size_t row = 0; row < table.rows.size() && count > 0; ++row) {
    while (count > 0 && table.value(row, count - 1) > bound) --count;
    visit(row, count);
  }
}

}  // namespace

void PairTable::add(Table table) {
  if (table.rows.empty() || table.columns.empty()) return;
  size_ += table.rows.size() * table.columns.size();
  edges_ += table.rows.size() + table.columns.size();
  tables_.push_back(std::move(table));
}

PairTable PairTable::ratios(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  Table table{{a.begin(), a.end()}, {b.begin(), b.end()}, 0};
  std::sort(table.rows.begin(), table.rows.end(), std::greater<>());
  std::sort(table.columns.begin(), table.columns.end());
  PairTable all;
  all.add(std::move(table));
  return all;
}

PairTable PairTable::slopes(std::vector<std::pair<double, double>> points) {
  std::sort(points.begin(), points.end());
  std::vector<std::pair<double, std::vector<double>>> groups;  // of one x, in ascending order of x and of y
  for (const auto& [x, y] : points) {
    if (groups.empty() || groups.back().first != x) groups.emplace_back(x, std::vector<double>{});
    groups.back().second.push_back(y);
  }
  PairTable all;
  for (std::size_t left = 0; left < groups.size(); ++left) {
    const std::vector<double> rows(groups[left].second.rbegin(), groups[left].second.rend());
    for (std::size_t right = left + 1; right < groups.size(); ++right) {
      all.add({rows, groups[right].second, groups[right].first - groups[left].first});
    }
  }
  return all;
}

std::size_t PairTable::count_up_to(double bound) const {
  std::size_t found = 0;
  for (const Table& table : tables_) walk(table, bound, [&](std::size_t /*row*/, std::size_t count) { found += count; });
  return found;
}

double PairTable::at(std::size_t k) const {
  assert(k < size_);
  double least = tables_.front().value(0, 0);
  double most = least;
  for (const Table& table : tables_) {
    least = std::min(least, table.value(0, 0));
    most = std::max(most, table.value(table.rows.size() - 1, table.columns.size() - 1));
  }
  // Invariant: the value is in (low, high] by key; `below` values are at most `low`, `up_to` at most `high`.
  std::int64_t low = key_of(least == 0 ? -0.0 : least) - 1;
  std::int64_t high = key_of(most == 0 ? 0.0 : most);
  std::size_t below = 0;
  std::size_t up_to = size_;
  while (up_to - below > edges_ && static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) > 1) {
    const auto half = (static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low)) / 2;
    const auto pivot = static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + half);
    const std::size_t count = count_up_to(value_of(pivot));
    if (count > k) {
      high = pivot;
      up_to = count;
    } else {
      low = pivot;
      below = count;
    }
  }
  if (up_to - below > edges_) return value_of(high);  // they are all equal
  std::vector<double> rest;
  rest.reserve(up_to - below);
  const double bound = value_of(low);
  for (const Table& table : tables_) {
    walk(table, value_of(high), [&](std::size_t row, std::size_t count) {
      for (; count > 0 && table.value(row, count - 1) > bound; --count) rest.push_back(table.value(row, count - 1));
    });
  }
  const auto wanted = rest.begin() + static_cast<std::ptrdiff_t>(k - below);
  std::nth_element(rest.begin(), wanted, rest.end());
  return *wanted;
}

double PairTable::median() const {
  const std::size_t half = size_ / 2;
  return size_ % 2 == 1 ? at(half) : (at(half - 1) + at(half)) / 2;
}

}  // namespace harness::model
