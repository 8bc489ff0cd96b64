#pragma once

// The directories that `merge` is given: what each holds of a sweep that went on in several places.
//
// Not thread-safe.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/sweep/sinks/context.h"

namespace harness {

// sweep.json: what `submit` writes into the directory that has one directory per part, so that parts which never began are known.
struct SweepRecord {
  std::string sweep;                 // what the ids of all runs begin with
  Part part;                         // the first: its kind, and of how many
  std::vector<std::string> command;  // of the first
};
std::filesystem::path sweep_record_path(const std::filesystem::path& directory);
// Throws OutputError.
void write_sweep_record(const std::filesystem::path& directory, const SweepRecord& record);

// Whether there are files of a run, or of a part of one, in the directory. Throws ConfigError: it cannot be looked into.
bool holds_a_run(const std::filesystem::path& directory);

// merge.json: in a directory that was merged, from what.
std::filesystem::path merge_record_path(const std::filesystem::path& directory);

// A directory with rows of one part, or of a whole sweep on one machine.
struct Source {
  std::filesystem::path directory;
  std::map<std::string, Context> contexts;  // by run id, of the build that counts
  std::string build_id;                     // of the last row, or of the last context where there is none
  std::optional<Part> part;                 // nothing: the whole of it
  std::vector<PlannedCell> planned;         // of its last run: of a shard the whole plan, each cell with its shard
  std::size_t other_builds = 0;             // rows of other builds, which do not count
  std::string suite_text;                   // suite.toml

  const Context& last() const { return contexts.rbegin()->second; }
};

struct Sources {
  std::vector<Source> all;                 // in the order given, a directory of several in that of their names
  std::optional<SweepRecord> record;       // where one of the directories given has it
  std::filesystem::path record_directory;  // there
};

// A directory is a source, or holds sources; of those within it one that has no row and no context yet has not begun. Throws ConfigError: none that
// is there or can be read, no source in it, sources that are not of one sweep (suite, seed, cut, build: with both directories and what differs).
Sources read_sources(const std::vector<std::filesystem::path>& directories);

}  // namespace harness
