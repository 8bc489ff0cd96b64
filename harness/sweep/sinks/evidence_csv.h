#pragma once

// evidence/<run_id>.csv: who ran what in each measured repetition that ended well, one row each. Kept by `validate`, because
// claims about who runs a callback cannot be decided from results.csv.

#include <filesystem>
#include <string>

#include "harness/core/evidence.h"
#include "harness/sweep/sinks/file.h"
#include "harness/sweep/sinks/sink.h"

namespace harness {

class EvidenceCsvSink : public Sink {
 public:
  // Throws ConfigError when the file cannot be created.
  EvidenceCsvSink(const std::filesystem::path& run_directory, const std::string& run_id);

  // Throws OutputError.
  void row(const Cell& cell, const Sample& sample, const Trace* trace) override;

 private:
  AppendFile file_;
};

// Keeps the same in memory, by the ids of the rows.
class EvidenceSink : public Sink {
 public:
  void row(const Cell& cell, const Sample& sample, const Trace* trace) override;

  EvidenceOf evidence;
};

// Of all runs of the directory; nothing where there is no evidence/. A torn last row is left out. Throws ConfigError for a
// foreign header and a row that cannot be read.
EvidenceOf read_evidence(const std::filesystem::path& run_directory);

}  // namespace harness
