#pragma once

// Several directories of one sweep as one: every repetition once, whichever part ran twice (a part that is queued again while its cut-off node
// runs on does that), and what is missing named, whatever any exit code said.
//
// A repetition is the same by cell, number, phase, machine and build. Machines are the same by machine_id, equal nodes of a cluster that is;
// replicates, which are there to tell nodes apart, by their node as well. Of a repetition that is there twice the one that started last counts.
//
// Not thread-safe.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/sweep/merge/sources.h"

namespace harness {

// Repetitions of a cell that nobody has measured.
struct MissingCell {
  std::string cell;  // for people: describe()
  int repetitions = 0;
};

struct PartStatus {
  std::optional<Part> part;                        // nothing: a whole sweep
  std::vector<std::filesystem::path> directories;  // none: it never began, or was not given
  std::vector<std::string> nodes;                  // that measured some of it, in order of their names
  int planned = 0;                                 // measured repetitions; of a part that never began as another part planned it
  int present = 0;                                 // of them, all of a scenario on one machine
  int failed = 0;                                  // of them
  std::string taken_node;  // of a replicate: has another replicate already; what it measured there does not count
  std::vector<MissingCell> missing;
  std::vector<std::string> command;  // what measures those; empty where nobody knows it
};

class ChosenRows;

struct MergeStatus {
  std::vector<PartStatus> parts;
  std::shared_ptr<const ChosenRows> chosen;  // of the sources, which outlive it
  std::size_t rows = 0;                      // repetitions, warm-ups included
  std::size_t doubles = 0;                   // rows beyond these
  std::size_t other_builds = 0;              // rows that do not count

  bool complete() const;
};

MergeStatus status_of(const Sources& sources);

// Writes into `output`: results.csv, the files of every run beside it, suite.toml, merge.json. A directory that was merged before gets what it lacks.
// Returns how many rows were added. Throws ConfigError: `output` is there and was not merged, or from another sweep, or is one of the sources; two
// runs have one id. Throws OutputError.
std::size_t merge_into(const std::filesystem::path& output, const Sources& sources, const MergeStatus& status);

}  // namespace harness
