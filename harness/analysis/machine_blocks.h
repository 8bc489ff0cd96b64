#pragma once

// Which machine measured a row, in a directory that was merged from several: a machine is a block of the statistics. Where shards cut the sweep,
// machines of one machine_id are one block, as equal nodes of a cluster are; replicates are there to tell nodes apart, and each node is one.
//
// Not thread-safe.

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/sample.h"
#include "harness/sweep/sinks/context.h"
#include "workloads/work.h"

namespace harness {

struct Block {
  std::string name;  // the node's, or "n1, n2" of several
  std::string machine_id;
  std::optional<workloads::Calibration> calibration;  // of its last run
};

class Blocks {
 public:
  // Of a directory that was not merged there is one block, whatever its rows say.
  Blocks() = default;
  Blocks(const std::filesystem::path& run_directory, const std::vector<Context>& contexts);

  bool merged() const { return merged_; }
  // Of a row whose run left no context: the first.
  std::size_t of(const RowKind& row) const;
  const std::vector<Block>& all() const { return blocks_; }

 private:
  bool merged_ = false;
  std::vector<Block> blocks_{1};
  std::map<std::string, std::size_t> by_run_;
};

}  // namespace harness
