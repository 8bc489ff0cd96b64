#pragma once

// tasks/ of a run directory, read by somebody who only looks: the rows that TasksCsvSink wrote.
//
// Thread safety: pure functions.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "harness/core/trace.h"

namespace harness {

struct TaskRow {
  std::string run_id;
  std::string cell_id;
  std::int64_t rep = 0;
  std::int64_t task = 0;             // in the order of submission, from 0
  std::int64_t worker = 0;           // number of the thread that ran it
  std::int64_t callback_worker = 0;  // of the thread that ran its callback; 0 where there is none
  TaskTrace trace;                   // times from the first submit of the repetition; no CPU time
};

// Every row of every tasks/<run_id>.csv, runs in the order of their ids, rows in that of the file; a torn last one is left out,
// and so are tasks that were rejected.
// Nothing where there is no tasks/. Columns may stand in any order and among others. Throws ConfigError for a file without one of the
// columns, and for a row that cannot be read or that no run can have written (file, line, column); and what `visit` throws.
void read_task_rows(const std::filesystem::path& run_directory, const std::function<void(const TaskRow& row)>& visit);

}  // namespace harness
