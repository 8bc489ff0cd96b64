#pragma once

// sojourns/<run_id>.csv: how long each client was there, of every measured repetition that ended well and whose tasks arrived, one row each. Of them
// percentiles are made over all repetitions of a cell; results.csv has those of each.
//
//   cell_id,rep,sojourns_ns    one number a task in submission order, with blanks between; '-' of one that was rejected

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "harness/sweep/sinks/file.h"
#include "harness/sweep/sinks/sink.h"

namespace harness {

class SojournsCsvSink : public Sink {
 public:
  // Throws ConfigError when the file cannot be created.
  SojournsCsvSink(const std::filesystem::path& run_directory, const std::string& run_id);

  // Throws OutputError.
  void row(const Cell& cell, const Sample& sample, const Trace* trace) override;

 private:
  AppendFile file_;
};

// By run_id, cell_id and repetition; kNoStamp of who was rejected.
using SojournsOf = std::map<std::tuple<std::string, std::string, std::int64_t>, std::vector<std::int64_t>>;

// Of all runs of the directory; nothing where there is no sojourns/. A torn last row is left out. Throws ConfigError for a foreign header and a row
// that cannot be read.
SojournsOf read_sojourns(const std::filesystem::path& run_directory);

}  // namespace harness
