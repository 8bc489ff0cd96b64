#pragma once

// cells/<run_id>.json: the cells that a run planned, with what their rows do not say: the duration of every task and
// callback. So a directory explains itself: whoever reads it looks a cell up by its id, and neither the suite nor the
// program that planned it is needed.
//
//   {"run_id": "...", "cells": {"<cell_id>": {<factors>, "task_durations_ns": [[8, 100000000], [1, 5]], "callback_durations_ns": ...}}}
//
// A cell has "runs" besides, how many measured repetitions were planned, and in a part of a sweep that is cut into shards "shard", the one that
// measures it; files of earlier versions have neither.
//
// Durations are run-length encoded: 8 tasks of 100 ms, then one of 5 ns. They are listed for explicit cases only; those of
// others are drawn again from the seed (plan/distribution.h). So are arrivals; those of a trace are listed likewise, as "arrivals_ns". The id, a hash of all this, confirms each cell.

#include <filesystem>
#include <string>
#include <vector>

#include "harness/core/cell.h"
#include "harness/plan/plan.h"

namespace harness {

std::filesystem::path cells_path(const std::filesystem::path& run_directory, const std::string& run_id);

// Writes the cells of the plan, beside those that the same run has written before (a run that plans in rounds). Throws
// OutputError.
void write_cells(const std::filesystem::path& run_directory, const std::string& run_id, const Plan& plan);

// Of one file, in its order. Throws ConfigError: not there, not JSON, a key missing or of another type (named), a cell that is
// not what its id says.
std::vector<Cell> read_cells_file(const std::filesystem::path& file);

// The same with "runs" (0 where the file has none) and "shard" (1 likewise); `warmup` and `timeout` are not written.
std::vector<PlannedCell> read_planned_cells(const std::filesystem::path& file);

// Of all files in cells/, by run id; empty without the directory. Throws as above.
std::vector<Cell> read_cells(const std::filesystem::path& run_directory);

}  // namespace harness
