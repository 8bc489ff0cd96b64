#pragma once

// A run directory, read and grouped: cells with their repetitions, scenarios of comparable cells, and in each scenario
// the best and what ties with it.
//
// Tie rule. Of two cells of a scenario the one with the lower median is better. It ties with the best when the
// two-sided Mann-Whitney test cannot tell them apart at 5 % (with very few repetitions it never can: then everything
// ties), or when the ratio of the medians is below 1.02: what a user would not notice is no victory.
//
// Where tasks arrive there is no best: the makespan is as long as they come. Those cells have latencies (latency.h).

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/analysis/machine_blocks.h"
#include "harness/core/cell.h"
#include "harness/core/rows.h"
#include "harness/core/sample.h"
#include "harness/model/statistics.h"
#include "harness/sweep/sinks/sojourns_csv.h"
#include "workloads/work.h"

namespace harness {

inline constexpr double kMinimumEffect = 0.02;
inline constexpr double kSignificance = 0.05;

// What one machine measured of a cell that several measured.
struct BlockCell {
  std::size_t block = 0;  // of Analysis::blocks
  std::vector<std::int64_t> makespans_ns;
  std::int64_t median_ns = 0;
  model::Interval interval;
  bool best = false;  // of the scenario on this machine
  bool tie = false;   // with it there; never the best itself
};

struct CellSummary {
  RowKind factors;                         // of its first row
  std::vector<std::int64_t> makespans_ns;  // of the repetitions that ended well
  std::vector<const Row*> ok;              // those repetitions, among Analysis::rows
  int failed = 0;
  std::string failure;  // "crash: ..." of the last that failed
  std::optional<std::int64_t> median_ns;
  model::Interval interval;
  std::optional<Cell> cell;  // with durations, where they could be found again
  std::size_t scenario = 0;
  bool best = false;
  bool tie = false;                   // with the best; never the best itself
  std::optional<model::Ratio> ratio;  // to the best
  // Of a scenario that several machines measured, by block; the median above is then the geometric mean of theirs, with the interval that Student's
  // t gives for machines at large, and so is the ratio. Else empty.
  std::vector<BlockCell> blocks;
};

// Cells that do the same work, so that only backend, workers, strategy, parsers and chunksize differ.
struct Scenario {
  std::string title;                // "sleep: 40 tasks of 10ms, callbacks of 5ms"
  std::vector<std::size_t> cells;   // in order of appearance
  std::optional<std::size_t> best;  // nothing if no cell was measured
};

struct Analysis {
  Rows rows;                                          // measured repetitions that count, in file order
  std::string last_started_utc;                       // when the last of them started
  std::size_t other_rows = 0;                         // measured repetitions of other machines or builds: left out
  std::vector<CellSummary> cells;                     // in order of appearance
  std::vector<Scenario> scenarios;                    // likewise
  std::optional<workloads::Calibration> calibration;  // of the last row's run, if its context file is there
  std::vector<Block> blocks;                          // machines; one of a directory that was not merged
  SojournsOf sojourns;                                // where tasks of a cell arrive
  std::vector<std::string> command;                   // of the last row's run, if its context file is there
};

// Cells that rows may be of though no suite lists them, on so many cores: those of the claims. Rows name them by their cell_id.
using CellsOnCores = std::function<std::vector<Cell>(int cores)>;

// Of the machine and build of the last row; other rows are other experiments. Of a directory that was merged all machines, and of a scenario those
// that measured each of its cells (or the one that measured most). Of a repetition that is there twice the
// last counts. Throws ConfigError as read_results(), and when there is no row of a measured repetition.
Analysis analyse(const std::filesystem::path& run_directory, const CellsOnCores& beyond_suite);

// The same for somebody who only looks (`show`, `compare`): writes nothing, so that a run may go on meanwhile. Throws
// ConfigError as well for a directory that is none and for one without results.csv.
Analysis look_at(const std::filesystem::path& run_directory, const CellsOnCores& beyond_suite);

// The same on rows, without files: no suite, no calibration.
Analysis analyse_rows(std::span<const Sample> samples, const std::vector<Cell>& known_cells);

// Whether b, of greater or equal median, ties with a. REQUIRES: neither is empty.
bool ties(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b);

}  // namespace harness
