#pragma once

// One row of results.csv: one repetition of one cell, raw. The column table below, which has the factors' table in it, is
// the only list of the columns: the CSV header, the row writer and reader and the data dictionary are all made from it.

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "harness/core/cell.h"
#include "harness/core/trace.h"

namespace harness {

inline constexpr int kSchemaVersion = 2;

// Layouts of results.csv, oldest first: 0 and 1 are of schema version 1 (1 has in_flight besides), 2 to 4 of version 2 (arrivals besides; 3 has
// callback_workload and inputs besides, 4 deadline_ns and late_by_deadline). All are read and gone on with.
inline constexpr int kLayout = 4;

// What a repetition of a cell measured. Times in ns. All zero in a row whose status is not ok.
struct Measures {
  std::int64_t makespan_ns = 0;
  std::int64_t pool_start_ns = 0;
  std::int64_t submit_ns = 0;
  std::int64_t pool_stop_ns = 0;
  std::int64_t longest_task_ns = 0;
  std::int64_t sum_task_ns = 0;
  std::int64_t callback_sum_ns = 0;
  std::int64_t callback_max_ns = 0;
  std::int64_t queue_wait_p50_ns = 0;
  std::int64_t queue_wait_p99_ns = 0;
  std::int64_t queue_wait_max_ns = 0;
  std::int64_t callback_lag_p50_ns = 0;
  std::int64_t callback_lag_p99_ns = 0;
  std::int64_t callback_lag_max_ns = 0;
  // Resources, the workers' and parsers' included.
  std::int64_t cpu_user_ns = 0;
  std::int64_t cpu_sys_ns = 0;
  std::int64_t main_cpu_ns = 0;
  std::int64_t ctx_switches_voluntary = 0;
  std::int64_t ctx_switches_involuntary = 0;
  std::int64_t rss_peak_bytes = 0;
  std::int64_t cgroup_throttled_ns = 0;
  double load1 = 0;  // 1-minute load average when the repetition started
  // Where tasks arrive; else all zero. What clients count, and what is measured: core/sojourns.h.
  std::int64_t sojourn_mean_ns = 0;
  std::int64_t sojourn_p50_ns = 0;
  std::int64_t sojourn_p95_ns = 0;
  std::int64_t sojourn_p99_ns = 0;
  std::int64_t sojourn_p999_ns = 0;
  std::int64_t sojourn_max_ns = 0;
  std::int64_t release_lag_p99_ns = 0;
  std::int64_t release_lag_max_ns = 0;
  std::int64_t rejected = 0;
  std::int64_t queue_max = 0;
  double completed_per_s = 0;
  double clients_mean = 0;
  std::int64_t late_by_deadline = 0;
};

// What many rows have in common: who made them, of which cell, and how they ended.
struct RowKind : Factors {
  std::int64_t schema_version = kSchemaVersion;
  std::string run_id;
  std::string machine_id;
  std::string build_id;
  std::string cell_id;
  std::int64_t is_warmup = 0;  // 0 or 1
  std::string status = "ok";   // ok, timeout, crash, invalid
  std::string error;           // one line; empty when ok

  friend bool operator==(const RowKind&, const RowKind&) = default;
};

struct Sample : RowKind, Measures {
  std::int64_t rep = 0;        // from 0, within its phase (warm-ups count from 0 as well)
  std::int64_t run_order = 0;  // position in the seeded order of the run
  std::string started_utc;     // ISO 8601, microseconds, Z
};

using Field =
    std::variant<std::string Sample::*, int Sample::*, std::int64_t Sample::*, std::uint64_t Sample::*, double Sample::*>;

struct Column {
  std::string_view name;
  std::string_view unit;         // "ns", "bytes", "count", "" for names
  std::string_view description;  // one sentence, for the data dictionary
  Field field;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();  // of an integer; none is below `least`
  std::int64_t least = 0;
  int since = 0;  // the first layout that has it
};

// In file order. REQUIRES: 0 <= layout <= kLayout.
std::span<const Column> sample_columns(int layout = kLayout);

// The factors of the cell, copied; everything else at its default.
Sample sample_of(const Cell& cell);

// Fills the times and resources; those of tasks that were rejected are in none but their number. REQUIRES: one TaskTrace per task of the
// cell, complete.
void measure(const Trace& trace, Sample& sample);

}  // namespace harness
