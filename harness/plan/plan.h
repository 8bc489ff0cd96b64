#pragma once

// Suite -> Plan: every decision made. Names are resolved against the catalogues, sizes evaluated, durations drawn,
// meaningless combinations taken out with their reason, equal cells merged. After this nothing is validated again.
//
// Thread safety: pure functions.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/cell.h"
#include "harness/plan/suite.h"

namespace harness {

// Of a table's cells: 600 MB of durations.
inline constexpr int kMostTasksInAll = 20'000'000;

struct PlannedCell {
  Cell cell;
  int runs = 5;
  int warmup = 1;
  std::chrono::nanoseconds timeout{0};  // of one repetition
  int shard = 1;                        // of a sweep that is cut into shards, the one that measures it
};

// Of a sweep that goes on in several places: see part.h.
enum class PartKind { shard, replicate };
struct Part {
  PartKind kind = PartKind::shard;
  int index = 1;  // 1..count
  int count = 1;

  friend bool operator==(const Part&, const Part&) = default;
};

// Whether this part of a sweep measures the cell; nothing: the whole of it.
inline bool measures(const std::optional<Part>& part, const PlannedCell& planned) {
  return !part || part->kind == PartKind::replicate || planned.shard == part->index;
}

// Something the suite asks for that has no meaning, and why.
struct Skip {
  std::string what;  // "backend=inline workers=2,4"
  std::string reason;
};

struct Plan {
  std::string suite_name;
  Order order = Order::random;
  std::uint64_t seed = 1;
  std::vector<PlannedCell> cells;  // suite order, no two with the same cell_id
  std::vector<Skip> skips;
  std::optional<Part> part = std::nullopt;  // nothing: the whole of it

  bool is_own(const PlannedCell& planned) const { return measures(part, planned); }
};

// The cells that this part of the sweep measures, in plan order.
std::vector<const PlannedCell*> own_cells(const Plan& plan);

// "axis=value", the axis a factor column of results.csv. The value is compared with the column's text; durations, sizes
// and bytes may also be written as in a suite ("task_ns=10ms", "workers=cores*5").
struct Filter {
  std::string axis;
  std::string value;
};
// Throws ConfigError for a missing '=' and for an unknown axis, naming the valid ones.
Filter parse_filter(std::string_view text);

struct PlanOptions {
  int cores = 1;  // what this process may use
  std::optional<int> runs = std::nullopt;
  std::optional<int> warmup = std::nullopt;
  std::optional<std::chrono::nanoseconds> timeout = std::nullopt;
  std::optional<Order> order = std::nullopt;
  std::optional<std::uint64_t> seed = std::nullopt;
  std::vector<Filter> filters = {};  // all must match
};

// Throws ConfigError: a value that is wrong (with file and line), a filter that matches nothing (with the values there
// are), a suite without a single cell that has a meaning.
Plan make_plan(const Suite& suite, const PlanOptions& options);

// "backend=thread workers=10 (cores*5) workload=sleep strategy=main tasks=40 task=10ms callback=5ms": what a person
// needs to recognise the cell.
std::string describe(const Factors& factors);

// The model's makespan without overheads and without calibration. Work whose time the model cannot know counts as what was
// asked for.
// For the ETA, the time estimate and --time-budget.
std::chrono::nanoseconds predicted_makespan(const Cell& cell);

// Wall time of all own repetitions, warm-ups included, with the start of a process for each.
std::chrono::nanoseconds estimated_time(const Plan& plan);
// Of one repetition.
std::chrono::nanoseconds estimated_time(const Cell& cell);

}  // namespace harness
