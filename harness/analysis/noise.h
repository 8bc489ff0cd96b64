#pragma once

// Whether other programs, or a CPU quota, disturbed a run while it measured: what its rows say of that, repetition by repetition.
//
// A repetition is disturbed when it began at a 1-minute load average of more than cores + 1 + what the run itself makes, or when a
// quota stopped it. What a run makes is the mean over its time of the workers that its cells keep busy; cells that only sleep keep none.
//
// Thread safety: pure functions.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/analysis/analysis.h"

namespace harness {

// Of `poolbench run`: measures again what was disturbed.
inline constexpr std::string_view kAgainFlag = "--again";

struct Noise {
  double own_load = 0;            // what the run makes
  double highest_load = 0;        // at which a repetition began
  std::size_t repetitions = 0;    // that count
  std::size_t busy = 0;           // of them began at too high a load
  std::size_t throttled = 0;      // of them were stopped by a quota
  std::int64_t throttled_ns = 0;  // for so long in all
  // Of each of Analysis::cells, how many of its repetitions were disturbed.
  std::vector<int> disturbed;

  // Whether to speak of it: a tenth of the repetitions began at too high a load, or a quota stopped one.
  bool noisy() const { return throttled > 0 || busy * 10 > repetitions; }
};

Noise noise_of(const Analysis& analysis);

// Of a run that makes such a load.
bool is_disturbed(const Measures& measures, int cores, double own_load);

// Of Analysis::cells those that were disturbed, the most repetitions first.
std::vector<std::size_t> disturbed_cells(const Noise& noise);

// For people: what disturbed the run and the command that measures those repetitions again. Empty unless noisy.
std::string noise_text(const Analysis& analysis, const Noise& noise);

}  // namespace harness
