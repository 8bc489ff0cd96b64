#pragma once

// A sweep handed to an engine that starts its parts on several machines: Slurm, or GNU parallel over ssh. The engine queues, starts, starts again;
// what a part is and what it leaves is `run`'s business, and what is missing in the end `merge`'s.
//
//   DIRECTORY/sweep.json    what the parts have in common, and the command of the first
//   DIRECTORY/part.sh       `sh part.sh I` measures part I, wherever it is called
//   DIRECTORY/IofN/         what part I measured
//   DIRECTORY/logs/         what the parts said; joblog of GNU parallel; jobs: the numbers that Slurm gave; lock: held while a `submit`, or its
//                           parallel, is at work
//
// Not thread-safe.

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/plan/plan.h"

namespace harness {

struct Submission {
  std::filesystem::path directory;        // absolute; hosts see it under the same name
  std::string sweep;                      // what all run ids begin with
  Part first;                             // 1 of N
  std::vector<std::string> run;           // "poolbench", "run", and its flags but for those of a part
  std::vector<int> parts;                 // that are to be measured
  std::chrono::nanoseconds limit;         // of a part
  std::string suite;                      // its name
  std::vector<std::string> extra;         // flags for the engine
  std::vector<std::string> avoided = {};  // nodes that have measured a replicate: each takes one of its own
};

// `run`'s command line of one part.
std::vector<std::string> command_of(const Submission& submission, int index);

// The text of part.sh.
std::string part_script(const Submission& submission);

// Slurm: one job array, a task per shard; of replicates one job with a node for each, for an array may run them all on one.
namespace slurm {
// Throws ConfigError: sbatch is not there (names the package).
void require();
// Nodes that answer and are not drained. Throws ConfigError: no answer from Slurm (what it said), or none.
int nodes();
// Those of `jobs` that are queued or running, and what else of the sweep is.
std::vector<std::string> active(const Submission& submission, const std::vector<std::string>& jobs);
std::vector<std::string> sbatch_command(const Submission& submission);
// Returns the job's number. Throws ConfigError with what sbatch said.
std::string submit(const Submission& submission);
}  // namespace slurm

// GNU parallel over ssh. Waits until all parts have ended.
namespace parallel {
// The lines of a file with one host each. Throws ConfigError: no such file, no host in it, what is none, one that is there twice.
std::vector<std::string> read_hosts(const std::filesystem::path& file);
// Throws ConfigError: parallel is not there (names the package); a host that cannot be reached (named, with what ssh said). Returns at once when
// it is interrupted.
void require(const std::vector<std::string>& hosts);
std::vector<std::string> command(const Submission& submission, const std::vector<std::string>& hosts);
// What `parallel` ended with. It holds the descriptor `lock` until it ends.
int run(const Submission& submission, const std::vector<std::string>& hosts, int lock);
}  // namespace parallel

}  // namespace harness
