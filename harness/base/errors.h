#pragma once

// The typed errors of the harness. Thrown at boundaries, caught once in main, which maps them to exit codes.

#include <stdexcept>
#include <string>

namespace harness {

inline constexpr int kExitOk = 0;
inline constexpr int kExitCheckFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitCellsFailed = 3;
inline constexpr int kExitEnvironment = 4;
inline constexpr int kExitInterrupted = 130;

// Bad usage or configuration. The message is one line that names the bad value and the valid ones. Exit code 2.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What surrounds the program is not fit: the machine is noisy and --strict was given, standard output or the temporary directory
// cannot be used, there is not enough memory. Exit code 4.
class EnvironmentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The output directory cannot be written any more (full disk, I/O error); rows already written are kept. Exit code 3.
class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace harness
