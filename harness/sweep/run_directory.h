#pragma once

// The output directory of a run: made, checked, resumed, renamed. Nothing in it is ever overwritten.
//
// Not thread-safe; one owner.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/sample.h"
#include "harness/engine/drivers/foreign.h"
#include "harness/machine/environment.h"
#include "harness/plan/suite.h"
#include "harness/sweep/sinks/csv.h"
#include "workloads/work.h"

namespace harness {

// Renames the directory to the first free "<directory>.old-<n>" and returns that name; empty where there is no directory.
// Throws ConfigError.
std::filesystem::path put_old_directory_away(const std::filesystem::path& directory);

class RunDirectory {
 public:
  // Makes the directory, checks that it can be written, takes the lock on results.csv and reads the rows it holds. Throws
  // ConfigError: not writable, another run is writing, foreign header.
  explicit RunDirectory(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  const std::vector<Sample>& present() const { return present_; }
  CsvSink& results() { return results_; }

  // The frozen copy, suite.toml. Another suite's copy is kept as suite.toml.old-<n>. Throws OutputError.
  void freeze(const Suite& suite) const;

  // Of the latest run in the directory on this machine with this program: compute units then mean the same in all its
  // rows. Nothing if there is none. A context file that cannot be read is passed over.
  std::optional<workloads::Calibration> earlier_calibration(const Environment& environment) const;
  // Likewise of each backend that a driver runs, the latest run there that used it.
  drivers::Records earlier_drivers(const Environment& environment) const;

 private:
  std::filesystem::path path_;
  CsvSink results_;
  std::vector<Sample> present_;
};

// The command line as a shell takes it, without --fresh: what resumes the run.
std::string resume_command(const std::vector<std::string>& arguments);

}  // namespace harness
