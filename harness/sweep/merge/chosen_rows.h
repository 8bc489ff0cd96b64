#pragma once

// Which row of which source stands for a repetition, when several do: see merge.h.
//
// Not thread-safe.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>

#include "harness/core/sample.h"
#include "harness/sweep/merge/sources.h"

namespace harness {

class ChosenRows {
 public:
  // Reads the rows of all sources, of the build that counts. Throws as peek_results().
  explicit ChosenRows(const Sources& sources);

  std::size_t size() const { return chosen_.size(); }
  std::size_t doubles() const { return doubles_; }

  // Reads the rows again: calls visit(source, row) for those that stand for their repetition.
  void each(const std::function<void(const Source& source, const Sample& row)>& visit) const;

  // cell_id, rep, is_warmup, and machine_of() the run.
  using Key = std::tuple<std::string, std::int64_t, bool, std::string>;
  static Key key_of(const Sample& row, const Context& run);

 private:
  struct Place {
    std::size_t source = 0;
    std::size_t row = 0;  // its number among the rows of the source
    std::string started_utc;
  };

  const Sources& sources_;
  std::map<Key, Place> chosen_;
  std::size_t doubles_ = 0;
};

}  // namespace harness
