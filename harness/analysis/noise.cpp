#include "harness/analysis/noise.h"

#include <fmt/core.h>

#include <algorithm>

#include "harness/base/quantity.h"
#include "harness/sweep/gate.h"
#include "harness/sweep/run_directory.h"

namespace harness {
namespace {

// How many of the cell's workers want a core at a time.
double running(const Factors& factors) {
  return makes_pressure(factors) ? std::min(factors.workers, factors.tasks) + factors.parsers : 0;
}

// From this load average on others competed for the cores.
double most_load(int cores, double own_load) { return cores + 1 + own_load; }

double own_load_of(const Rows& rows) {
  double took = 0;
  double weighted = 0;
  for (const Row& row : rows.all()) {
    const auto ns = static_cast<double>(row.measures.makespan_ns);
    took += ns;
    weighted += ns * running(*row.kind);
  }
  return took > 0 ? weighted / took : 0;
}

// What measures the disturbed repetitions again; empty where nobody knows what ran.
std::string again_command(const Analysis& analysis) {
  const std::vector<std::string>& command = analysis.command;
  if (command.size() < 2 || analysis.blocks.size() > 1) return {};
  const bool has_it = std::ranges::find(command, kAgainFlag) != command.end();
  return resume_command(command) + (command[1] == "run" && !has_it ? fmt::format(" {}", kAgainFlag) : "");
}

}  // namespace

bool is_disturbed(const Measures& measures, int cores, double own_load) {
  return measures.cgroup_throttled_ns > 0 || measures.load1 > most_load(cores, own_load);
}

Noise noise_of(const Analysis& analysis) {
  Noise noise;
  noise.own_load = own_load_of(analysis.rows);
  const auto count = [&noise](const Row& row) {
    ++noise.repetitions;
    noise.highest_load = std::max(noise.highest_load, row.measures.load1);
    noise.throttled += row.measures.cgroup_throttled_ns > 0 ? 1 : 0;
    noise.throttled_ns += row.measures.cgroup_throttled_ns;
    noise.busy += row.measures.load1 > most_load(row.kind->cores, noise.own_load) ? 1 : 0;
    return is_disturbed(row.measures, row.kind->cores, noise.own_load);
  };
  for (const CellSummary& cell : analysis.cells) {
    noise.disturbed.push_back(static_cast<int>(std::ranges::count_if(cell.ok, [&count](const Row* row) { return count(*row); })));
  }
  return noise;
}

std::vector<std::size_t> disturbed_cells(const Noise& noise) {
  std::vector<std::size_t> cells;
  for (std::size_t i = 0; i < noise.disturbed.size(); ++i) {
    if (noise.disturbed[i] > 0) cells.push_back(i);
  }
  std::ranges::stable_sort(cells, [&noise](std::size_t a, std::size_t b) { return noise.disturbed[a] > noise.disturbed[b]; });
  return cells;
}

std::string noise_text(const Analysis& analysis, const Noise& noise) {
  if (!noise.noisy()) return {};
  const int cores = analysis.rows.back().kind->cores;
  std::string text = "Noisy while it ran: ";
  if (noise.busy > 0) {
    text += fmt::format(
        "{} of {} repetitions began at a load average above {:.1f} (up to {:.1f}; the run itself makes {:.1f}), for "
        "other programs competed for the {} core{}",
        noise.busy, noise.repetitions, most_load(cores, noise.own_load), noise.highest_load, noise.own_load, cores,
        cores == 1 ? "" : "s");
  }
  if (noise.throttled > 0) {
    text += fmt::format("{}a CPU quota stopped {} of {} repetitions, for {} in all", noise.busy > 0 ? "; " : "", noise.throttled,
                        noise.repetitions, human_ns(noise.throttled_ns));
  }
  text += ". Trust large differences only.";
  if (const std::string again = again_command(analysis); !again.empty()) text += " To measure those again: " + again;
  return text;
}

}  // namespace harness
