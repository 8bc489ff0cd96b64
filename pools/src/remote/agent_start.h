#pragma once

// What an agent is started with: its arguments, and its key.

#include <string>

#include "pools/src/remote/curve_keys.h"

namespace pools::detail {

struct AgentArguments {
  std::string address;
  int workers = 0;
};
// Throws Error, which says what is allowed.
AgentArguments agent_arguments_of(int argc, char** argv);

// From the environment, a file that it names, or the first line of standard input; `input` becomes standard input in this case, and is left
// alone otherwise. The environment has it no more afterwards. Throws Error.
AgentKey key_handed_over(int& input);

}  // namespace pools::detail
