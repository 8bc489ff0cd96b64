#include "harness/analysis/analysis.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/read_file.h"
#include "harness/plan/distribution.h"
#include "harness/plan/plan.h"
#include "harness/plan/suite.h"
#include "harness/sweep/sinks/context.h"
#include "harness/sweep/sinks/csv.h"

namespace harness {
namespace {

Cell cell_of(const Sample& sample) {
  Cell cell;
  cell.cell_id = sample.cell_id;
  cell.backend = sample.backend;
  cell.workers = static_cast<int>(sample.workers);
  cell.workers_spec = sample.workers_spec;
  cell.cores = static_cast<int>(sample.cores);
  cell.workload = sample.workload;
  cell.strategy = sample.strategy;
  cell.parsers = static_cast<int>(sample.parsers);
  cell.tasks = static_cast<int>(sample.tasks);
  cell.distribution = sample.distribution;
  cell.task_ns = sample.task_ns;
  cell.callback_ns = sample.callback_ns;
  cell.payload_bytes = sample.payload_bytes;
  cell.chunksize = static_cast<int>(sample.chunksize);
  cell.start_method = sample.start_method;
  cell.seed = sample.seed;
  return cell;
}

// The cell with its durations: drawn again from the seed, or known from a suite. The id, a hash of everything, confirms
// it.
std::optional<Cell> recover(const Sample& sample, const std::unordered_map<std::string, const Cell*>& known) {
  if (const auto found = known.find(sample.cell_id); found != known.end()) return *found->second;
  if (sample.distribution == "explicit" || sample.tasks < 1) return std::nullopt;
  Cell cell = cell_of(sample);
  try {
    cell.task_durations_ns = draw_durations(cell.distribution, cell.tasks, cell.task_ns, cell.seed);
  } catch (const ConfigError&) {
    return std::nullopt;  // a distribution of another version
  }
  cell.callback_durations_ns.assign(cell.task_durations_ns.size(), cell.callback_ns);
  if (cell_id(cell) != cell.cell_id) return std::nullopt;
  return cell;
}

// The cells of the frozen suite, on the cores and with the seeds of the directory's runs; and those beyond it.
std::vector<Cell> cells_known(const std::filesystem::path& run_directory, const std::vector<Context>& contexts,
                              const std::vector<Sample>& rows, const CellsOnCores& beyond_suite) {
  std::vector<Cell> cells;
  std::set<int> cores;
  for (const Sample& row : rows) cores.insert(static_cast<int>(row.cores));
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

std::string duration(std::int64_t ns) { return format_duration(std::chrono::nanoseconds(ns)); }

// "100ms", "100ms,200ms,300ms", "up to 400ms": of an explicit case as far as it is known and short.
std::string durations_text(const std::string& distribution, std::int64_t scale_ns,
                           const std::vector<std::int64_t>* listed) {
  if (distribution != "explicit") return duration(scale_ns);
  if (listed == nullptr) return "up to " + duration(scale_ns);
  if (std::adjacent_find(listed->begin(), listed->end(), std::not_equal_to<>()) == listed->end())
    return duration(scale_ns);
  constexpr std::size_t kShort = 6;
  if (listed->size() > kShort) return "up to " + duration(scale_ns);
  std::string text;
  for (const std::int64_t ns : *listed) text += fmt::format("{}{}", text.empty() ? "" : ",", duration(ns));
  return text;
}

std::string title_of(const CellSummary& summary) {
  const Sample& f = summary.factors;
  const Cell* const cell = summary.cell ? &*summary.cell : nullptr;
  std::string title = fmt::format("{}: {} task{} of {}", f.workload, f.tasks, f.tasks == 1 ? "" : "s",
                                  durations_text(f.distribution, f.task_ns, cell ? &cell->task_durations_ns : nullptr));
  if (f.distribution != "equal" && f.distribution != "explicit") title += " (" + f.distribution + ")";
  if (f.strategy == "none") {
    title += ", no callbacks";
  } else if (f.callback_ns > 0) {
    title += ", callbacks of " +
             durations_text(f.distribution, f.callback_ns, cell ? &cell->callback_durations_ns : nullptr);
  }
  if (f.payload_bytes > 0) title += fmt::format(", {} bytes", f.payload_bytes);
  return title;
}

// What cells of one scenario have in common; durations where they are known.
std::string scenario_key(const CellSummary& summary) {
  const Sample& f = summary.factors;
  std::string key = fmt::format("{}|{}|{}|{}|{}|{}|{}", f.workload, f.distribution, f.tasks, f.task_ns, f.payload_bytes,
                                f.seed, f.strategy == "none" ? "none" : std::to_string(f.callback_ns));
  if (f.distribution == "explicit" && summary.cell) {
    for (const std::int64_t ns : summary.cell->task_durations_ns) key += fmt::format("|{}", ns);
    if (f.strategy != "none") {
      for (const std::int64_t ns : summary.cell->callback_durations_ns) key += fmt::format("|c{}", ns);
    }
  } else if (f.distribution == "explicit") {
    key += "|" + f.cell_id;  // nobody knows what it is comparable with
  }
  return key;
}

void find_best(Analysis& analysis, Scenario& scenario) {
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
    const auto positive = [](const CellSummary& c) {
      return std::all_of(c.makespans_ns.begin(), c.makespans_ns.end(), [](std::int64_t ns) { return ns > 0; });
    };
    if (positive(best) && positive(cell)) cell.ratio = model::ratio_interval(best.makespans_ns, cell.makespans_ns);
    cell.tie = index != *scenario.best && ties(best.makespans_ns, cell.makespans_ns);
  }
}

}  // namespace

bool ties(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  const auto faster = static_cast<double>(model::median(a));
  const auto slower = static_cast<double>(model::median(b));
  return slower < faster * (1 + kMinimumEffect) || model::mann_whitney_p(a, b) >= kSignificance;
}

Analysis analyse_rows(std::vector<Sample> rows, const std::vector<Cell>& known_cells) {
  std::unordered_map<std::string, const Cell*> known;
  for (const Cell& cell : known_cells) known.emplace(cell.cell_id, &cell);

  Analysis analysis;
  std::erase_if(rows, [](const Sample& row) { return row.is_warmup != 0; });
  if (rows.empty()) return analysis;
  const Sample last = rows.back();
  analysis.other_rows = std::erase_if(
      rows, [&](const Sample& row) { return row.machine_id != last.machine_id || row.build_id != last.build_id; });
  std::map<std::pair<std::string, std::int64_t>, std::size_t> latest;
  for (std::size_t i = 0; i < rows.size(); ++i) latest[{rows[i].cell_id, rows[i].rep}] = i;

  std::unordered_map<std::string, std::size_t> by_id;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Sample& row = rows[i];
    if (latest[{row.cell_id, row.rep}] != i) continue;
    analysis.rows.push_back(row);
    const auto [at, is_new] = by_id.emplace(row.cell_id, analysis.cells.size());
    if (is_new) {
      analysis.cells.emplace_back();
      analysis.cells.back().factors = row;
      analysis.cells.back().cell = recover(row, known);
    }
    CellSummary& cell = analysis.cells[at->second];
    if (row.status == "ok") {
      cell.ok.push_back(row);
      cell.makespans_ns.push_back(row.makespan_ns);
    } else {
      ++cell.failed;
      cell.failure = row.error.empty() ? row.status : row.status + ": " + row.error;
    }
  }

  std::unordered_map<std::string, std::size_t> by_key;
  for (std::size_t i = 0; i < analysis.cells.size(); ++i) {
    CellSummary& cell = analysis.cells[i];
    if (!cell.makespans_ns.empty()) {
      cell.median_ns = model::median(cell.makespans_ns);
      cell.interval = model::median_interval(cell.makespans_ns);
    }
    const auto [at, is_new] = by_key.emplace(scenario_key(cell), analysis.scenarios.size());
    if (is_new) analysis.scenarios.push_back({title_of(cell), {}, std::nullopt});
    cell.scenario = at->second;
    analysis.scenarios[at->second].cells.push_back(i);
  }
  for (Scenario& scenario : analysis.scenarios) find_best(analysis, scenario);
  return analysis;
}

namespace {

Analysis analyse_read(const std::filesystem::path& run_directory, const std::vector<Sample>& rows, const CellsOnCores& beyond_suite) {
  std::vector<Context> contexts;
  try {
    contexts = read_contexts(run_directory);
  } catch (const ConfigError& error) {
    say(fmt::format("poolbench: {}; workloads that compute get no prediction\n", printable(error.what())));
  }
  Analysis analysis = analyse_rows(rows, cells_known(run_directory, contexts, rows, beyond_suite));
  if (analysis.cells.empty()) {
    throw ConfigError(fmt::format("{}: no row of a measured repetition", (run_directory / "results.csv").string()));
  }
  for (const Context& context : contexts) {
    if (context.run_id == analysis.rows.back().run_id) analysis.calibration = context.calibration;
  }
  return analysis;
}

}  // namespace

Analysis analyse(const std::filesystem::path& run_directory, const CellsOnCores& beyond_suite) {
  return analyse_read(run_directory, read_results(run_directory / "results.csv"), beyond_suite);
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
  return analyse_read(run_directory, peek_results(results), beyond_suite);
}

}  // namespace harness
