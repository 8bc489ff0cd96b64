// poolbench trace DIR: traced repetitions as a file that Perfetto and chrome://tracing open.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/analysis/analysis.h"
#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/text.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/report/report.h"
#include "harness/report/trace_events.h"
#include "harness/sweep/sinks/file.h"
#include "harness/sweep/sinks/task_rows.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

struct TraceFlags {
  std::string directory;
  std::string cell;
  std::optional<std::int64_t> rep;
  std::string output;
};

constexpr std::int64_t kMostTracedTasks = 200'000;  // about 200 MB of JSON, more than what reads it is comfortable with

struct TracedRun {
  std::string run_id;  // the last that traced the repetition: it counts
  std::int64_t tasks = 0;
};
using TracedReps = std::map<std::int64_t, TracedRun>;
using TracedCells = std::map<std::string, TracedReps>;

TracedCells traced_cells(const std::string& directory) {
  TracedCells cells;
  read_task_rows(directory, [&cells](const TaskRow& row) {
    TracedRun& run = cells[row.cell_id][row.rep];
    if (run.run_id != row.run_id) run = {row.run_id, 0};
    ++run.tasks;
  });
  return cells;
}

// The repetition of the median makespan (lower middle) among those that are traced and count.
std::int64_t median_repetition(const CellSummary& cell, const TracedReps& traced) {
  std::vector<std::pair<std::int64_t, std::int64_t>> times;
  for (const Row* const row : cell.ok) {
    if (traced.contains(row->rep)) times.emplace_back(row->measures.makespan_ns, row->rep);
  }
  std::sort(times.begin(), times.end());
  return times.empty() ? traced.begin()->first : times[(times.size() - 1) / 2].second;
}

std::string listed_reps(const TracedReps& traced) {
  std::vector<std::string> reps;
  for (const auto& [rep, run] : traced) reps.push_back(std::to_string(rep));
  return join(reps);
}

// The cells that are asked for: measured by the last machine and build, and traced.
std::vector<const CellSummary*> chosen_cells(const TraceFlags& flags, const Analysis& analysis, const TracedCells& traced) {
  std::vector<const CellSummary*> chosen;
  std::vector<std::string> there;
  for (const CellSummary& cell : analysis.cells) {
    if (!traced.contains(cell.factors.cell_id)) continue;
    there.push_back(cell.factors.cell_id);
    if (flags.cell.empty() || flags.cell == cell.factors.cell_id) chosen.push_back(&cell);
  }
  if (there.empty()) {
    throw ConfigError(
        fmt::format("'{}' holds no traced repetition of its last build; allowed: what `poolbench run --trace` wrote",
                    flags.directory));
  }
  if (chosen.empty()) {
    throw ConfigError(
        fmt::format("--cell '{}' is not traced{}; allowed: {}", flags.cell, did_you_mean(flags.cell, there), join(there)));
  }
  return chosen;
}

int write_trace(const TraceFlags& flags) {
  const Analysis analysis = look_at(flags.directory, cells_of_all_claims);
  const TracedCells traced = traced_cells(flags.directory);
  std::vector<TracedRepetition> repetitions;
  std::map<std::pair<std::string, std::int64_t>, std::size_t> place;
  std::int64_t tasks = 0;
  for (const CellSummary* const cell : chosen_cells(flags, analysis, traced)) {
    const std::string& id = cell->factors.cell_id;
    const TracedReps& reps = traced.at(id);
    const std::int64_t rep = flags.rep.value_or(median_repetition(*cell, reps));
    if (!reps.contains(rep)) {
      if (flags.cell.empty()) continue;
      throw ConfigError(fmt::format("--rep {} of cell {} is not traced; allowed: {}", rep, id, listed_reps(reps)));
    }
    tasks += reps.at(rep).tasks;
    place[{id, rep}] = repetitions.size();
    repetitions.push_back({fmt::format("{}; {}; repetition {}", analysis.scenarios[cell->scenario].title, name_of(*cell), rep),
                           cell->factors.strategy,
                           {}});
  }
  if (repetitions.empty()) throw ConfigError(fmt::format("--rep {} is not traced of any cell", *flags.rep));
  if (tasks > kMostTracedTasks) {
    throw ConfigError(
        fmt::format("{} tasks are too many for one trace; allowed: at most {}: choose with --cell", tasks, kMostTracedTasks));
  }
  read_task_rows(flags.directory, [&](const TaskRow& row) {
    const auto at = place.find({row.cell_id, row.rep});
    if (at == place.end() || traced.at(row.cell_id).at(row.rep).run_id != row.run_id) return;
    repetitions[at->second].tasks.push_back(row);
  });

  const std::string text = trace_events(repetitions);
  if (flags.output == "-") {
    write_stdout(text);
    return kExitOk;
  }
  const std::filesystem::path path =
      flags.output.empty() ? std::filesystem::path(flags.directory) / "trace.json" : std::filesystem::path(flags.output);
  replace_file(path, text);
  write_stdout(fmt::format("{}\n", path.string()));
  return kExitOk;
}

}  // namespace

void add_trace_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command =
      app.add_subcommand("trace", "Traced repetitions as a file for Perfetto (ui.perfetto.dev) and chrome://tracing");
  const auto flags = std::make_shared<TraceFlags>();
  command->add_option("DIR", flags->directory, "The output directory of `run --trace`")->check(not_empty())->required();
  command->add_option("--cell", flags->cell, "The cell with this cell_id only (default: every traced cell, side by side)")
      ->check(not_empty());
  command->add_option("--rep", flags->rep, "This repetition (default: of each cell the one with the median makespan)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("-o,--output", flags->output, "The file to write; - is standard output (default: DIR/trace.json)")
      ->check(not_empty());
  command->callback([flags, &context] { context.action = [flags] { return write_trace(*flags); }; });
}

}  // namespace harness
