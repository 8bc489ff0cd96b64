#pragma once

// The command line, called as a function.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/cli/cli.h"

namespace harness::testing_cli {

struct Invocation {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// Runs `poolbench arguments...` in this process.
inline Invocation poolbench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "poolbench");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Invocation run;
  run.exit_code = run_cli(static_cast<int>(arguments.size()), argv.data());
  run.out = testing::internal::GetCapturedStdout();
  run.err = testing::internal::GetCapturedStderr();
  return run;
}

}  // namespace harness::testing_cli
