#pragma once

// One of the parts of a sweep that goes on in several places: a shard measures some of the cells, a replicate all of them, on one more machine.
// Every part has the whole plan, in one order from one seed, and knows which cells are its own.
//
// Thread safety: pure functions.

#include <optional>
#include <string>
#include <string_view>

#include "harness/plan/plan.h"

namespace harness {

// Throws ConfigError: "2/3" is the second of three. `flag` is what the text was given with: "--shard".
Part parse_part(std::string_view flag, std::string_view text, PartKind kind);

// "shard", "replicate"
std::string_view to_string(PartKind kind);
std::optional<PartKind> find_part_kind(std::string_view name);
// "shard 2 of 3"
std::string to_string(const Part& part);
// "2of3": in the names of directories and the ids of runs.
std::string short_name(const Part& part);

// A suite's plan for a machine with so many cores tells on every machine alike how long a scenario takes.
inline constexpr int kNominalCores = 4;

// Makes the plan that of a part. Of a shard every cell gets its own: cells of one scenario, which a verdict compares, share one. The scenarios
// that take most time are dealt first, each to the shard that has least: the time that all their cells take by `nominal`, the suite's plan for a
// machine with kNominalCores, so that machines with other numbers of cores cut alike. Where the suite's numbers of tasks depend on the cores
// `nominal` lacks scenarios, and all times are those of `plan`. Throws ConfigError for more shards than there are scenarios.
void cut(Plan& plan, const Part& part, const Plan& nominal);

}  // namespace harness
