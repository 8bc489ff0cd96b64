#pragma once

// What the test program does when a test starts it again, to kill it.

#include <string>

namespace pools::test {

inline constexpr const char* kRemoteOwnerArgument = "--remote-pool-owner";

// Owns a remote pool with one agent, which is no child of it, and two workers. Logs the numbers of all three processes; then the workers
// stand at the gate.
[[noreturn]] void own_remote_pool(const std::string& log, const std::string& gate);

}  // namespace pools::test
