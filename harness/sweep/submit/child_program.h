#pragma once

// Another program, run to its end: a scheduler's, or ssh. Under an InterruptScope Ctrl-C, SIGTERM and SIGHUP end it, too; it never outlives this
// program.
//
// Not thread-safe: no other thread starts programs meanwhile.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace harness {

struct ProgramEnd {
  int exit_code = 0;   // 127: it could not be started; 128 + n: by signal n
  std::string output;  // standard output and standard error
  bool too_late = false;
};

// argv[0] is looked up in PATH. Standard input is empty. With a limit it is killed when that has passed: `too_late`.
ProgramEnd run_program(const std::vector<std::string>& argv, std::optional<std::chrono::milliseconds> limit = std::nullopt);
// With this program's own output; standard input is empty. It keeps the descriptor `inherited`, a lock, if there is one. Interrupted, it is told to
// end (SIGTERM), and killed if it has not after ten seconds. Returns the exit code, as above.
int run_in_foreground(const std::vector<std::string>& argv, int inherited = -1);

}  // namespace harness
