#include "pools/src/remote/agent_start.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "pools/cores.h"
#include "pools/errors.h"
#include "pools/src/remote/protocol.h"

namespace pools::detail {
namespace {

constexpr const char* kKeyVariable = "POOLS_AGENT_KEY";
constexpr const char* kKeyFileVariable = "POOLS_AGENT_KEY_FILE";
constexpr std::size_t kMostKeyBytes = 4096;  // that are read; a key has fewer

}  // namespace

AgentArguments agent_arguments_of(int argc, char** argv) {
  AgentArguments arguments;
  for (int at = 2; at < argc; ++at) {
    const std::string_view word = argv[at];
    if (word == "--workers" && at + 1 < argc) {
      const std::string_view value = argv[++at];
      const auto end = value.data() + value.size();
      if (std::from_chars(value.data(), end, arguments.workers).ptr != end || arguments.workers < 1) {
        throw Error("--workers " + std::string(value) + ": allowed: 1 and more");
      }
    } else if (arguments.address.empty() && !word.starts_with('-')) {
      arguments.address = word;
    } else {
      throw Error("'" + std::string(word) + "' is not known; what is: " + kAgentArgument + " tcp://head:port [--workers N]");
    }
  }
  if (arguments.address.empty()) throw Error(std::string(kAgentArgument) + " needs the pool's address, tcp://head:port");
  if (arguments.workers == 0) arguments.workers = pools::usable_cores().count;
  return arguments;
}

AgentKey key_handed_over(int& input) {
  std::string text;
  if (const char* const key = std::getenv(kKeyVariable)) {
    text = key;
  } else if (const char* const path = std::getenv(kKeyFileVariable)) {
    char line[kMostKeyBytes] = {};
    std::ifstream file(path);
    file.getline(line, sizeof line);
    if (file.gcount() == 0) throw Error(std::string("cannot read the agent's key from '") + path + "'");
    text = line;
  } else {
    // Byte by byte: what follows is not ours.
    for (char byte = 0; text.size() < kMostKeyBytes;) {
      const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0 || byte == '\n') break;
      text += byte;
    }
    if (text.empty()) {
      throw Error(std::string("there is no key: neither in ") + kKeyVariable + ", nor in the file of " + kKeyFileVariable +
                  ", nor on standard input");
    }
    input = STDIN_FILENO;
  }
  // The tasks need not know it.
  ::unsetenv(kKeyVariable);
  ::unsetenv(kKeyFileVariable);
  return agent_key_of(text);
}

}  // namespace pools::detail
