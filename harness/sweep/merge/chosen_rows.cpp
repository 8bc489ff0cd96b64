#include "harness/sweep/merge/chosen_rows.h"

#include "harness/sweep/sinks/csv.h"

namespace harness {

ChosenRows::Key ChosenRows::key_of(const Sample& row, const Context& run) {
  return {row.cell_id, row.rep, row.is_warmup != 0, machine_of(run)};
}

ChosenRows::ChosenRows(const Sources& sources) : sources_(sources) {
  for (std::size_t i = 0; i < sources.all.size(); ++i) {
    const Source& source = sources.all[i];
    std::size_t number = 0;
    peek_results(source.directory / "results.csv", [&](const Sample& row) {
      const std::size_t own_number = number++;
      const auto run = source.contexts.find(row.run_id);
      if (row.build_id != source.build_id || run == source.contexts.end()) return;  // a run that began since
      const auto [at, is_new] = chosen_.try_emplace(key_of(row, run->second));
      if (!is_new) ++doubles_;
      if (is_new || row.started_utc >= at->second.started_utc) at->second = {i, own_number, row.started_utc};
    });
  }
}

void ChosenRows::each(const std::function<void(const Source& source, const Sample& row)>& visit) const {
  for (std::size_t i = 0; i < sources_.all.size(); ++i) {
    const Source& source = sources_.all[i];
    std::size_t number = 0;
    peek_results(source.directory / "results.csv", [&](const Sample& row) {
      const std::size_t own_number = number++;
      if (row.build_id != source.build_id) return;
      const auto run = source.contexts.find(row.run_id);
      if (run == source.contexts.end()) return;  // began since
      const auto at = chosen_.find(key_of(row, run->second));
      if (at != chosen_.end() && at->second.source == i && at->second.row == own_number) visit(source, row);
    });
  }
}

}  // namespace harness
