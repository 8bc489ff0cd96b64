#pragma once

// Backends that misbehave, for the tests of the runner. Only the engine's test program offers them to its repetitions
// (see engine_main.cpp); the product does not know them.

#include <span>
#include <string>

#include "harness/engine/backends/backend.h"

namespace harness::testing_engine {

// The program's backends and, after them:
//   segfault       prints two lines on standard error, then crashes
//   exit           exits with status 3
//   silent_exit    exits with status 0 without an answer
//   hang           starts worker processes, prints "workers <pid> <pid>", opens the FIFO that workers_spec names for
//                  writing (if it names one), then waits for ever
//   orphans        starts worker processes, prints their pids likewise, then crashes
//   abandon        starts a process that survives it, in a group of its own, then runs inline
//   throw          throws a std::runtime_error of two lines
//   throw_int      throws an int
//   wrong_digest   inline, with the last task's digest changed
//   wrong_callback_digest
//   half_a_trace   inline, with the last task's stamps taken out
//   litter         writes a file into the scratch directory, then crashes
//   shout          prints a megabyte on both outputs, then runs inline
std::span<const Backend* const> backends_for_tests();

}  // namespace harness::testing_engine
