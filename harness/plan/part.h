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

// Makes the plan that of a part. Of a shard every cell gets its own: cells of one scenario, which a verdict compares, share one. The scenarios
// with most work are dealt first, each to the shard that has least: by what the tasks and callbacks of all their cells, as the suite names them,
// take one after another, so that machines with other numbers of cores cut alike as long as the suite's numbers of tasks do not depend on them.
// Throws ConfigError for more shards than there are scenarios.
void cut(Plan& plan, const Part& part);

}  // namespace harness
