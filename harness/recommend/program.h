#pragma once

// The program that is printed for a Python function, run as a program of its own: what its main() takes is what one gets who pastes it. The
// runs that the choice rests on have stamps and a driver's messages beside their tasks, which short tasks notice.
//
// Not thread-safe.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "harness/engine/drivers/driver_process.h"
#include "harness/recommend/python_work.h"
#include "harness/recommend/recommend.h"

namespace harness::recommend {

class Trials;  // trials.h

// What is left of the budget for its runs, where one takes that long: nothing if it is not run.
std::chrono::nanoseconds reserved_for_program(const Question& question, std::chrono::nanoseconds expected);

// Runs it while the budget lasts, at most five times, and once if that is used up unless it takes 15 % of it; what records have is not run
// again. That it fails is a note. Throws Interrupted. REQUIRES: the choice is made.
void run_program(const Question& question, Recommendation& found, const Trials& trials, Records* records);

// Of one run by the interpreter of that driver: ns of main(), starting and ending its pool included. `scratch` is a directory for files, which
// are left there. Throws ConfigError, without "the program": why there is no such number.
std::int64_t time_program(const std::string& code, const PythonWork& work, const drivers::Command& driver,
                          const std::filesystem::path& scratch, std::chrono::nanoseconds within);

}  // namespace harness::recommend
