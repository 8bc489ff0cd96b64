#pragma once

// What `merge` says of a sweep's parts: for people, and as JSON.
//
// Thread safety: pure functions.

#include <cstddef>
#include <string>

#include "harness/sweep/merge/merge.h"

namespace harness {

// A table of the parts on a page so wide, and what is missing with the command that measures it.
std::string merge_text(const MergeStatus& status, std::size_t page);
// {"complete", "rows", "doubles", "other_builds", "parts": [{"part", "directories", "nodes", "planned", "present", "failed", "missing":
// [{"cell", "repetitions"}], "command"}]}; "command" is null where nothing is missing, or nobody knows what measures it.
std::string merge_json(const MergeStatus& status);

}  // namespace harness
