#pragma once

// poolbench validate --python: the tutorial's examples on CPython's own executors.

#include <string>

namespace harness {

struct CommandContext;

struct PythonValidation {
  std::string output;  // a run directory for the rows and derived files; empty: none
  int runs = 5;
  bool true_scale = false;  // the tutorial's own durations, not a tenth of them
  bool json = false;
  std::string python = {};  // path of it; empty: the python3 on the PATH
};

// Prints the table and returns the exit code: kExitOk also when it is skipped because there is no python3, and says so.
int validate_python(const PythonValidation& options, const CommandContext& context);

}  // namespace harness
