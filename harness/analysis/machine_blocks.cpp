#include "harness/analysis/machine_blocks.h"

#include <set>
#include <utility>

#include "harness/base/text.h"
#include "harness/sweep/merge/sources.h"

namespace harness {

Blocks::Blocks(const std::filesystem::path& run_directory, const std::vector<Context>& contexts) {
  std::error_code error;
  merged_ = std::filesystem::exists(merge_record_path(run_directory), error) && !contexts.empty();
  if (!merged_) return;
  blocks_.clear();
  std::map<std::string, std::size_t> known;
  std::vector<std::set<std::string>> nodes;
  for (const Context& context : contexts) {
    const auto [at, is_new] = known.emplace(machine_of(context), blocks_.size());
    if (is_new) {
      blocks_.push_back({"", context.environment.machine_id, std::nullopt});
      nodes.emplace_back();
    }
    nodes[at->second].insert(context.environment.node_name());
    blocks_[at->second].calibration = context.calibration;
    by_run_[context.run_id] = at->second;
  }
  for (std::size_t i = 0; i < blocks_.size(); ++i) blocks_[i].name = join({nodes[i].begin(), nodes[i].end()});
}

std::size_t Blocks::of(const RowKind& row) const {
  const auto at = by_run_.find(row.run_id);
  return at == by_run_.end() ? 0 : at->second;
}

}  // namespace harness
