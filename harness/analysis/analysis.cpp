#include "harness/analysis/analysis.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "harness/analysis/over_blocks.h"
#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/read_file.h"
#include "harness/base/text.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/plan/cell_builder.h"
#include "harness/plan/plan.h"
#include "harness/plan/scenario.h"
#include "harness/plan/suite.h"
#include "harness/sweep/sinks/cells_json.h"
#include "harness/sweep/sinks/context.h"
#include "harness/sweep/sinks/csv.h"
#include "workloads/work.h"

namespace harness {
namespace {

// The cell with its durations: drawn again from the seed, or known from a suite. The id, a hash of everything, confirms
// it.
std::optional<Cell> recover(const RowKind& row, const std::unordered_map<std::string, const Cell*>& known) {
  if (const auto found = known.find(row.cell_id); found != known.end()) return *found->second;
  if (row.distribution == "explicit" || row.tasks < 1) return std::nullopt;
  try {
    Cell cell = CellBuilder(row).build();
    if (cell.cell_id == row.cell_id) return cell;
  } catch (const ConfigError&) {
    // a distribution of another version
  }
  return std::nullopt;
}

// The cells of the frozen suite, on the cores and with the seeds of the directory's runs; and those beyond it: of a directory
// whose runs did not write down what they planned.
std::vector<Cell> cells_planned_again(const std::filesystem::path& run_directory, const std::vector<Context>& contexts,
                                      const Rows& rows, const CellsOnCores& beyond_suite) {
  std::vector<Cell> cells;
  std::set<int> cores;
  for (const Row& row : rows.all()) cores.insert(row.kind->cores);
  for (const int count : cores) {
    for (Cell& cell : beyond_suite(count)) cells.push_back(std::move(cell));
  }
  const std::filesystem::path path = run_directory / "suite.toml";
  try {
    const std::optional<std::string> text = read_file_if_there(path, "suite", kMostSuiteBytes);
    if (!text) return cells;
    const Suite suite = parse_suite(*text, path.string());
    std::set<std::uint64_t> seeds{suite.seed};
    for (const Context& context : contexts) seeds.insert(context.seed);
    for (const int count : cores) {
      for (const std::uint64_t seed : seeds) {
        PlanOptions options;
        options.cores = count;
        options.seed = seed;
        for (PlannedCell& planned : make_plan(suite, options).cells) cells.push_back(std::move(planned.cell));
      }
    }
  } catch (const ConfigError& error) {
    say(fmt::format("poolbench: {}; cells with explicit durations get no prediction\n", printable(error.what())));
  }
  return cells;
}

// What the runs wrote down, and where a row's cell is not among it, what they must have planned.
std::vector<Cell> cells_known(const std::filesystem::path& run_directory, const std::vector<Context>& contexts, const Rows& rows,
                              const CellsOnCores& beyond_suite) {
  std::vector<Cell> cells;
  try {
    cells = read_cells(run_directory);
  } catch (const ConfigError& error) {
    say(fmt::format("poolbench: {}; its cells are planned again from the suite\n", printable(error.what())));
  }
  std::unordered_set<std::string_view> ids;
  for (const Cell& cell : cells) ids.insert(cell.cell_id);
  const RowKind* seen = nullptr;
  const auto unknown = [&](const Row& row) {
    if (row.kind == seen) return false;
    seen = row.kind;
    return row.kind->distribution == "explicit" && !ids.contains(row.kind->cell_id);
  };
  if (std::any_of(rows.all().begin(), rows.all().end(), unknown)) {
    for (Cell& cell : cells_planned_again(run_directory, contexts, rows, beyond_suite)) cells.push_back(std::move(cell));
  }
  return cells;
}

std::string duration(std::int64_t ns) { return format_duration(std::chrono::nanoseconds(ns)); }

// "100ms", "100ms,200ms,300ms", "up to 400ms": of an explicit case as far as it is known and short.
std::string durations_text(const std::string& distribution, std::int64_t scale_ns, const std::vector<std::int64_t>* listed) {
  if (distribution != "explicit") return duration(scale_ns);
  if (listed == nullptr) return "up to " + duration(scale_ns);
  if (std::adjacent_find(listed->begin(), listed->end(), std::not_equal_to<>()) == listed->end()) return duration(scale_ns);
  constexpr std::size_t kShort = 6;
  if (listed->size() > kShort) return "up to " + duration(scale_ns);
  std::string text;
  for (const std::int64_t ns : *listed) text += fmt::format("{}{}", text.empty() ? "" : ",", duration(ns));
  return text;
}

std::string title_of(const CellSummary& summary) {
  const Factors& f = summary.factors;
  const Cell* const cell = summary.cell ? &*summary.cell : nullptr;
  std::string title = f.workload + ": " + counted(f.tasks, "task");
  if (!f.inputs.empty()) {
    title += " over " + f.inputs;
  } else if (!workloads::needs_subject(f.workload)) {  // a recommendation's own work takes what it takes
    title += " of " + durations_text(f.distribution, f.task_ns, cell ? &cell->task_durations_ns : nullptr);
  }
  if (f.distribution != "equal" && f.distribution != "explicit") title += " (" + f.distribution + ")";
  if (!has_callbacks(f.strategy)) {
    title += ", no callbacks";
  } else if (!f.callback_workload.empty()) {
    title += ", then " + f.callback_workload;
  } else if (f.callback_ns > 0) {
    title += ", callbacks of " + durations_text(f.distribution, f.callback_ns, cell ? &cell->callback_durations_ns : nullptr);
  }
  if (f.payload_bytes > 0) title += fmt::format(", {} bytes", f.payload_bytes);
  if (arrives(f)) title += fmt::format(", arrivals {}", f.arrivals);
  if (f.queue > 0) title += fmt::format(", queue of {} ({})", f.queue, f.when_full);
  if (f.deadline_ns > 0) title += ", deadline " + duration(f.deadline_ns);
  return title;
}

std::string scenario_of(const CellSummary& cell) {
  return cell.cell ? scenario_key(*cell.cell) : scenario_key(cell.factors, cell.factors.cell_id);
}

void find_best(Analysis& analysis, Scenario& scenario) {
  if (arrives(analysis.cells[scenario.cells.front()].factors)) return;
  for (const std::size_t index : scenario.cells) {
    const CellSummary& cell = analysis.cells[index];
    if (!cell.median_ns) continue;
    if (!scenario.best || *cell.median_ns < *analysis.cells[*scenario.best].median_ns) scenario.best = index;
  }
  if (!scenario.best) return;
  CellSummary& best = analysis.cells[*scenario.best];
  best.best = true;
  for (const std::size_t index : scenario.cells) {
    CellSummary& cell = analysis.cells[index];
    if (!cell.median_ns) continue;
    if (!best.blocks.empty()) {
      compare_over_blocks(best, cell);
      continue;
    }
    const auto positive = [](const CellSummary& c) {
      return std::all_of(c.makespans_ns.begin(), c.makespans_ns.end(), [](std::int64_t ns) { return ns > 0; });
    };
    if (positive(best) && positive(cell)) cell.ratio = model::ratio_interval(best.makespans_ns, cell.makespans_ns);
    cell.tie = index != *scenario.best && ties(best.makespans_ns, cell.makespans_ns);
  }
  if (!best.blocks.empty()) find_best_of_each_block(analysis, scenario);
}

}  // namespace

bool ties(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  const auto faster = static_cast<double>(model::median(a));
  const auto slower = static_cast<double>(model::median(b));
  return slower < faster * (1 + kMinimumEffect) || model::mann_whitney_p(a, b) >= kSignificance;
}

namespace {

// Cells in order of appearance, by their id; where several machines measured them, by what is the same on all.
class CellNumbers {
 public:
  using Identity = std::function<std::string(const RowKind&)>;
  explicit CellNumbers(Identity identity) : identity_(std::move(identity)) {}

  std::size_t operator()(const RowKind& kind) {
    const auto [known, is_new] = by_kind_.try_emplace(&kind, 0);  // of many rows with one kind only the first is hashed
    if (is_new) known->second = by_id_.try_emplace(identity_(kind), by_id_.size()).first->second;
    return known->second;
  }

 private:
  Identity identity_;
  std::unordered_map<const RowKind*, std::size_t> by_kind_;
  std::unordered_map<std::string, std::size_t> by_id_;
};

// Analysis of rows, in steps: what counts, which cells, which scenarios.
class Analyst {
 public:
  Analyst(Analysis& analysis, const Blocks& blocks) : analysis_(analysis), blocks_(blocks) { analysis.blocks = blocks.all(); }

  // Of the build of the last row, unless the directory was merged of its machine too, and of a repetition that is there twice the last.
  void keep_what_counts() {
    Rows& rows = analysis_.rows;
    if (rows.empty()) return;
    const RowKind& last = *rows.back().kind;
    const auto is_other = [&](std::size_t i) {
      const RowKind& kind = *rows.all()[i].kind;
      return &kind != &last && ((kind.machine_id != last.machine_id && !blocks_.merged()) || kind.build_id != last.build_id);
    };
    analysis_.other_rows = rows.erase_if(is_other);

    struct Place {
      std::size_t cell;
      std::size_t block;
      std::int64_t rep;
      std::size_t index;
      // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the defaulted operator for a null pointer
      auto operator<=>(const Place&) const = default;
    };
    CellNumbers number_of([](const RowKind& kind) { return kind.cell_id; });
    std::vector<Place> places;
    places.reserve(rows.all().size());
    for (std::size_t i = 0; i < rows.all().size(); ++i) {
      const RowKind& kind = *rows.all()[i].kind;
      places.push_back({number_of(kind), block_of(kind), rows.all()[i].rep, i});
    }
    std::sort(places.begin(), places.end());
    std::vector<bool> superseded(places.size());
    for (std::size_t i = 1; i < places.size(); ++i) {
      superseded[places[i - 1].index] =
          places[i - 1].cell == places[i].cell && places[i - 1].block == places[i].block && places[i - 1].rep == places[i].rep;
    }
    rows.erase_if([&](std::size_t i) { return superseded[i]; });
  }

  void group(const std::vector<Cell>& known_cells) {
    std::unordered_map<std::string, const Cell*> known;
    for (const Cell& cell : known_cells) known.emplace(cell.cell_id, &cell);
    CellNumbers number_of([&](const RowKind& kind) {
      return blocks_.all().size() > 1 ? identity_across_machines(kind, recover(kind, known)) : kind.cell_id;
    });
    for (const Row& row : analysis_.rows.all()) {
      const RowKind& kind = *row.kind;
      const std::size_t number = number_of(kind);
      if (number == analysis_.cells.size()) {
        analysis_.cells.emplace_back();
        CellSummary& cell = analysis_.cells.back();
        cell.factors = kind;
        cell.cell = recover(kind, known);
        const auto [at, is_new] = scenarios_.emplace(scenario_of(cell), analysis_.scenarios.size());
        if (is_new) analysis_.scenarios.push_back({title_of(cell), {}, std::nullopt});
        cell.scenario = at->second;
        analysis_.scenarios[at->second].cells.push_back(number);
        rows_of_.emplace_back();
      }
      rows_of_[number].push_back(&row);
    }
    for (Scenario& scenario : analysis_.scenarios) {
      fill(scenario);
      find_best(analysis_, scenario);
    }
  }

 private:
  // Looked up once per kind: there are few of them.
  std::size_t block_of(const RowKind& kind) {
    if (!blocks_.merged()) return 0;
    const auto [known, is_new] = block_of_.try_emplace(&kind, 0);
    if (is_new) known->second = blocks_.of(kind);
    return known->second;
  }

  // The machines that measured each of its cells; if none did, the one that has most rows.
  std::set<std::size_t> blocks_that_count(const Scenario& scenario) {
    if (blocks_.all().size() == 1) return {0};
    std::map<std::size_t, std::size_t> cells_of;
    std::map<std::size_t, std::size_t> rows_in;
    for (const std::size_t cell : scenario.cells) {
      std::set<std::size_t> seen;
      for (const Row* const row : rows_of_[cell]) {
        const std::size_t block = block_of(*row->kind);
        seen.insert(block);
        ++rows_in[block];
      }
      for (const std::size_t block : seen) ++cells_of[block];
    }
    std::set<std::size_t> counting;
    for (const auto& [block, cells] : cells_of) {
      if (cells == scenario.cells.size()) counting.insert(block);
    }
    if (counting.empty()) {
      const auto fewer = [](const auto& a, const auto& b) { return a.second < b.second; };
      counting.insert(std::max_element(rows_in.begin(), rows_in.end(), fewer)->first);
    }
    return counting;
  }

  void fill(const Scenario& scenario) {
    const std::set<std::size_t> counting = blocks_that_count(scenario);
    for (const std::size_t index : scenario.cells) {
      CellSummary& cell = analysis_.cells[index];
      std::map<std::size_t, std::vector<std::int64_t>> by_block;  // where there are several
      for (const Row* const row : rows_of_[index]) {
        const std::size_t block = block_of(*row->kind);
        if (!counting.contains(block)) continue;
        if (row->kind->status == "ok") {
          cell.ok.push_back(row);
          cell.makespans_ns.push_back(row->measures.makespan_ns);
          if (counting.size() > 1) by_block[block].push_back(row->measures.makespan_ns);
        } else {
          ++cell.failed;
          cell.failure = row->kind->error.empty() ? row->kind->status : row->kind->status + ": " + row->kind->error;
        }
      }
      if (cell.makespans_ns.empty()) continue;
      cell.median_ns = model::median(cell.makespans_ns);
      cell.interval = model::median_interval(cell.makespans_ns);
      if (counting.size() > 1) summarise_blocks(cell, std::move(by_block));
    }
  }

  Analysis& analysis_;
  const Blocks& blocks_;
  std::unordered_map<const RowKind*, std::size_t> block_of_;
  std::unordered_map<std::string, std::size_t> scenarios_;
  std::vector<std::vector<const Row*>> rows_of_;  // by cell
};

// Rows as they come from a file or from memory. A warm-up is none that counts.
void add_measured(Analysis& analysis, const Sample& sample) {
  if (sample.is_warmup != 0) return;
  analysis.rows.add(sample);
  analysis.last_started_utc = sample.started_utc;
}

using ReadRows = void (*)(const std::filesystem::path& path, const OnSample& row);

Analysis analyse_read(const std::filesystem::path& run_directory, ReadRows read, const CellsOnCores& beyond_suite) {
  Analysis analysis;
  read(run_directory / "results.csv", [&analysis](const Sample& sample) { add_measured(analysis, sample); });
  std::vector<Context> contexts;
  try {
    contexts = read_contexts(run_directory);
  } catch (const ConfigError& error) {
    say(fmt::format("poolbench: {}; workloads that compute get no prediction\n", printable(error.what())));
  }
  const Blocks blocks(run_directory, contexts);
  Analyst analyst(analysis, blocks);
  analyst.keep_what_counts();
  analyst.group(cells_known(run_directory, contexts, analysis.rows, beyond_suite));
  if (analysis.cells.empty()) {
    throw ConfigError(fmt::format("{}: no row of a measured repetition", (run_directory / "results.csv").string()));
  }
  const auto comes_over_time = [](const CellSummary& cell) { return arrives(cell.factors); };
  if (std::any_of(analysis.cells.begin(), analysis.cells.end(), comes_over_time))
    analysis.sojourns = read_sojourns(run_directory);
  for (const Context& context : contexts) {
    if (context.run_id != analysis.rows.back().kind->run_id) continue;
    analysis.calibration = context.calibration;
    analysis.command = context.argv;
  }
  return analysis;
}

}  // namespace

Analysis analyse_rows(std::span<const Sample> samples, const std::vector<Cell>& known_cells) {
  Analysis analysis;
  for (const Sample& sample : samples) add_measured(analysis, sample);
  const Blocks one;
  Analyst analyst(analysis, one);
  analyst.keep_what_counts();
  analyst.group(known_cells);
  return analysis;
}

Analysis analyse(const std::filesystem::path& run_directory, const CellsOnCores& beyond_suite) {
  return analyse_read(run_directory, &read_results, beyond_suite);
}

Analysis look_at(const std::filesystem::path& run_directory, const CellsOnCores& beyond_suite) {
  std::error_code error;
  if (!std::filesystem::is_directory(run_directory, error)) {
    throw ConfigError(fmt::format("'{}' is not a directory; allowed: the output directory of a run", run_directory.string()));
  }
  const std::filesystem::path results = run_directory / "results.csv";
  if (!std::filesystem::exists(results, error)) {
    throw ConfigError(fmt::format("'{}' holds no results.csv; allowed: the output directory of a run", run_directory.string()));
  }
  return analyse_read(run_directory, &peek_results, beyond_suite);
}

}  // namespace harness
