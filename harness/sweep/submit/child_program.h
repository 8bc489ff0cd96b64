#pragma once

// Another program, run to its end: a scheduler's, or ssh.
//
// Not thread-safe: no other thread starts programs meanwhile.

#include <string>
#include <vector>

namespace harness {

struct ProgramEnd {
  int exit_code = 0;   // 127: it could not be started; 128 + n: by signal n
  std::string output;  // standard output and standard error
};

// argv[0] is looked up in PATH. Standard input is empty.
ProgramEnd run_program(const std::vector<std::string>& argv);
// With this program's own standard streams. Returns the exit code, as above.
int run_in_foreground(const std::vector<std::string>& argv);

}  // namespace harness
