#pragma once

// tasks/<run_id>.csv (opt-in): one row per task of every measured repetition that ended well; warm-ups are left out. Times
// are ns from the first submit, or from the first arrival where tasks arrive; digests 16 hexadecimal digits. Of a task that was rejected there are its
// arrival and its submit, and all else is empty.
//
// `worker` numbers the threads that ran tasks, in order of their first start; a thread that ran callbacks only is numbered
// after them, in order of its first callback. Callback columns are empty where there was none.

#include <filesystem>
#include <string>
#include <string_view>

#include "harness/sweep/sinks/file.h"
#include "harness/sweep/sinks/sink.h"

namespace harness {

std::string tasks_csv_header();
// All rows of one repetition.
std::string tasks_csv_rows(std::string_view cell_id, std::int64_t rep, const Trace& trace);

class TasksCsvSink : public Sink {
 public:
  // Throws ConfigError when the file cannot be created.
  TasksCsvSink(const std::filesystem::path& run_directory, const std::string& run_id);

  // Throws OutputError.
  void row(const Cell& cell, const Sample& sample, const Trace* trace) override;

 private:
  AppendFile file_;
};

}  // namespace harness
