#pragma once

// Order statistics of what all pairs of two samples give, y / x or (y - x) / run, without making the pairs: a table that
// ascends along rows and columns is searched along its staircase, as in Johnson & Mizoguchi 1978 (selection in X + Y) and
// Monahan 1984. The pivot bisects the representation of the doubles instead of being drawn or weighed: at most 64 walks
// along the staircase, as a rule some fifteen, until so few values are left that they are listed.
//
// What is returned is an element, bit for bit the one that sorting all pairs would give (of -0.0 and 0.0 either):
// division and subtraction round monotonically, so the table of the rounded values ascends, too.
//
// Time O((m + n) log(m n)), memory O(m + n). Thread safety: values; const functions are pure.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace harness::model {

// A multiset of doubles, the union of tables.
class PairTable {
 public:
  // All b_j / a_i. REQUIRES: all values > 0.
  static PairTable ratios(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b);
  // All (y_j - y_i) / (x_j - x_i) with x_i < x_j: of few different x it takes n log n, of all different ones n^2.
  static PairTable slopes(std::vector<std::pair<double, double>> points);

  std::size_t size() const { return size_; }
  // The k-th smallest, from 0. REQUIRES: k < size().
  double at(std::size_t k) const;
  // The mean of the middle two if their number is even. REQUIRES: not empty.
  double median() const;

 private:
  // The value of (row, column) is columns[column] / rows[row] or (columns[column] - rows[row]) / run. Rows descend, columns
  // ascend, so that values ascend in both.
  struct Table {
    std::vector<double> rows;
    std::vector<double> columns;
    double run = 0;  // 0: the quotient
    double value(std::size_t row, std::size_t column) const {
      return run == 0 ? columns[column] / rows[row] : (columns[column] - rows[row]) / run;
    }
  };

  void add(Table table);
  std::size_t count_up_to(double bound) const;

  std::vector<Table> tables_;  // none of them empty
  std::size_t size_ = 0;
  std::size_t edges_ = 0;  // rows and columns: the length of a walk
};

}  // namespace harness::model
