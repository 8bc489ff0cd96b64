#pragma once

// What a worker died of, and in which words it is said.

#include <chrono>
#include <optional>
#include <string>

#include "pools/errors.h"
#include "pools/src/process/os/spawn.h"

namespace pools::detail {

// What is known of a dead worker.
struct DeathEvidence {
  ExitStatus status = {};
  bool by_the_pool = false;                            // it ended the worker
  std::optional<std::chrono::seconds> cpu_limit = {};  // the hard one
};
// Never out_of_memory: what looks like `killed` may be that (os/oom_kills.h).
DeathCause cause_of(const DeathEvidence& evidence) noexcept;

// What follows "was killed by signal 9 (Killed)"; empty if that says it all. `kill`: for memory (out_of_memory only).
struct KillForMemory {
  std::string where;               // OomKills::where()
  std::chrono::nanoseconds ago{};  // at most
};
std::string words_about(DeathCause cause, const KillForMemory& kill);

// What follows that: ", 1.2 s into fetch, with 12 MiB of memory at most".
std::string words_about_task(const WorkerDeath& death);

// The name that the compiler gives the argument of function_name() (remote.h): "fetch". Empty: none.
std::string name_in(const char* described);

}  // namespace pools::detail
