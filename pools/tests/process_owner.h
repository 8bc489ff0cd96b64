#pragma once

// What the test program does when a test starts it again.

namespace pools::test {

inline constexpr const char* kOwnerArgument = "--pool-owner";
inline constexpr const char* kChildArgument = "--child";

// Owns a pool of two workers, reports their ids through descriptor 3 and waits to be killed. With `how` "hanging", the workers
// are in a task that has switched the signal on the parent's death off.
[[noreturn]] void own_pool(const char* how);

// What the child of a spawn test does, as argv[2] says; its exit status.
int run_child(int argc, char** argv);

}  // namespace pools::test
