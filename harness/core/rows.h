#pragma once

// Rows of results.csv as they are kept in memory: what many rows have in common is there once, so that a million rows of a
// few dozen cells take 200 MB.
//
// Not thread-safe; one owner. Movable, and a row keeps its address then.

#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <vector>

#include "harness/core/sample.h"

namespace harness {

struct Row {
  const RowKind* kind = nullptr;  // never null; its factors are the row's
  std::int64_t rep = 0;
  Measures measures;
};

class Rows {
 public:
  Rows() = default;
  Rows(Rows&&) = default;
  Rows& operator=(Rows&&) = default;

  void add(const Sample& sample) { rows_.push_back({&*kinds_.insert(sample).first, sample.rep, sample}); }
  // In the order of add().
  const std::vector<Row>& all() const { return rows_; }
  bool empty() const { return rows_.empty(); }
  const Row& back() const { return rows_.back(); }  // REQUIRES: not empty

  // Takes out the rows of which `goes(index)` is true; the others keep their order. Returns how many went.
  template <class Goes>
  std::size_t erase_if(Goes&& goes) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (!goes(i)) rows_[kept++] = rows_[i];
    }
    const std::size_t gone = rows_.size() - kept;
    rows_.resize(kept);
    return gone;
  }

 private:
  struct Hash {
    std::size_t operator()(const RowKind& kind) const;
  };

  std::unordered_set<RowKind, Hash> kinds_;  // nodes: their addresses last
  std::vector<Row> rows_;
};

}  // namespace harness
