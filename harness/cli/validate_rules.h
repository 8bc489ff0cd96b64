#pragma once

// poolbench validate --rules: rules of thumb for the number of workers, on trial.

#include <string>

#include "harness/sweep/gate.h"

namespace harness {

struct CommandContext;

struct RulesValidation {
  std::string suite = "rules";  // built in, or a file: the works
  std::string output = {};      // a run directory; empty: none
  int runs = 5;
  GateRule gate = {};
  bool json = false;
  bool markdown = false;
};

// Prints the table and returns the exit code. Throws ConfigError for a suite of which no rule can be asked.
int validate_rules(const RulesValidation& options, const CommandContext& context);

}  // namespace harness
