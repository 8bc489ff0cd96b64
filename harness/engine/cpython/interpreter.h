#pragma once

// The Python of this machine and the driver script that runs cells on its executors (scripts/drivers/cpython, where the
// protocol is described). A driver is a process per conversation; it and all that it starts end with the conversation.
//
// Thread safety: find_python, find_driver: any thread. The rest by a thread that lives as long as the conversation: the
// driver is killed when the thread that started it ends.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "workloads/work.h"

namespace harness::cpython {

// The first executable python3 along `path` (as the variable PATH; by default that); nothing if there is none.
std::optional<std::filesystem::path> find_python(std::string_view path);
std::optional<std::filesystem::path> find_python();

// The driver script: beside the installed program, else in the source tree. Nothing if neither is there.
std::optional<std::filesystem::path> find_driver();

struct Driver {
  std::filesystem::path python;
  std::filesystem::path script;
};

// Throws ConfigError naming what is missing.
Driver require_driver();

// One question, one answer, JSON both. Throws std::runtime_error with one line: the driver's own error, or how it ended
// without an answer ("the Python driver was killed by signal 9 (Killed)") and the end of its standard error, or that it has not
// answered `within` that time (none: it may take for ever). The driver is gone in any case.
std::string ask(const Driver& driver, std::string_view question, std::optional<std::chrono::milliseconds> within = std::nullopt);

// A Python that has not said by then who it is hangs: importing what the driver needs takes a fraction of a second.
inline constexpr std::chrono::seconds kPythonAnswersWithin{20};

// Which Python it is, and how fast: what a run records.
struct Python {
  std::string executable;
  std::string implementation;    // "cpython"
  std::string version;           // "3.11.7"
  bool gil = true;               // its threads compute one at a time
  double spin_units_per_ns = 0;  // steps of `spin` in Python, as workloads::Calibration has them; 0: not measured

  // "cpython 3.11.7, GIL enabled"
  std::string line() const;
  // The same program in the same state, however fast.
  bool is(const Python& other) const;
};

// Throws ConfigError when there is no usable Python: none at all, one that the driver does not run on, one that hangs.
Python describe(const Driver& driver, std::chrono::milliseconds within = kPythonAnswersWithin);
// The same with its speed; takes 250 ms of computation. Throws likewise.
Python measure(const Driver& driver, std::chrono::milliseconds within = kPythonAnswersWithin);

// Makes known to a calibration what works on this Python cost.
void add_to(workloads::Calibration& calibration, const Python& python);

}  // namespace harness::cpython
