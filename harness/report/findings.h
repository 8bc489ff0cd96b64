#pragma once

// What the page of a report (scripts/poolbench/report) is told beyond the files of the run directories, so that it need not find it
// again: the verdicts in words, which cells decided a claim, what became faster or slower.
//
// Thread safety: any thread; reads files.

#include <string>
#include <vector>

namespace harness {

// {"runs": [{"directory", "last_started_utc", "other_rows", "answers": what the verdict begins with, a sentence each,
//  "noise": that of them which says what disturbed the run, or "", "disturbed": [cell ids], "verdict": as `show` prints it, "claims": as `validate --json` has them}, ...],
//  "comparisons": [one per run but the last, with the next: as `compare --json` has it, with "across_machines"; or {"a", "b", "refused":
//  why}], "by_time": whether the runs were ordered by when they were made}.
// Two directories are compared as they are named, more in the order in which they were made. One document with its line end. Throws
// ConfigError as look_at(), and when a directory is named twice.
std::string findings_json(const std::vector<std::string>& directories);

}  // namespace harness
