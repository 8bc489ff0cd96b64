#pragma once

// context/<run_id>.json: the machine, the program and the command of a run, one file per run, never rewritten.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/trace.h"
#include "harness/engine/drivers/foreign.h"
#include "harness/machine/environment.h"
#include "harness/plan/plan.h"
#include "workloads/work.h"

namespace harness {

// What the clocks of other hosts said when the run began, by the backend whose workers are there.
using HostClocksOf = std::map<std::string, std::vector<HostClock>, std::less<>>;

struct Context {
  std::string run_id;
  std::string started_utc;
  std::string suite;
  std::vector<std::string> argv;
  std::uint64_t seed = 0;
  std::string order;
  Environment environment;
  workloads::Calibration calibration;
  drivers::Records drivers = {};  // of the backends that drivers ran
  // Of a part of a sweep that goes on in several places:
  std::optional<Part> part = {};
  std::string sweep = {};  // what the ids of its runs begin with
  HostClocksOf clocks = {};
};

// What tells the machine of a run apart from others, in a sweep that went on on several: of a shard the machine_id, for equal nodes of a cluster are
// one; of a replicate, which is there to tell nodes apart, with the node.
std::string machine_of(const Context& run);

std::filesystem::path context_path(const std::filesystem::path& run_directory, const std::string& run_id);

// Creates the directory context/ and the file. Throws OutputError.
void write_context(const std::filesystem::path& run_directory, const Context& context);

// Throws ConfigError: not there, not JSON, a key missing (named).
Context read_context(const std::filesystem::path& file);

// Of all files in context/, by run id (that is by time); empty without the directory. Throws as read_context.
std::vector<Context> read_contexts(const std::filesystem::path& run_directory);

}  // namespace harness
