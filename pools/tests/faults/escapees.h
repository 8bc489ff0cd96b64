#pragma once

// Processes that try to get away from the worker that starts them.

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "pools/src/process/os/file_descriptor.h"
#include "pools/tests/gate.h"

namespace pools::faults {

// A command that ends as `sh script`, which says its id in the file "pids" beside it and sleeps for longer than any test.
using Way = std::array<const char*, 4>;
inline constexpr std::array<Way, 5> kWaysOut{{
    {"timeout", "77", "sh"},                                        // makes a group of its own
    {"bash", "-c", "exec 2> /dev/null; set -m; sh \"$0\" & wait"},  // so does a shell with job control
    {"setsid", "sh"},                                               // a session of its own
    {"sh", "-c", "(setsid sh \"$0\" &)"},                           // a daemon: whoever started it is gone
    {"sh", "-c", "(env -i /usr/bin/setsid /bin/sh \"$0\" &)"},      // that has kept nothing of its environment
}};

void start(const Way& way, const std::string& script);
// A task: one by each way, with what an Escapees has prepared in the directory. Returns when all are there.
int start_escapees(const std::string& directory);

// What it takes for start_escapees(), and the processes that come of it.
class Escapees {
 public:
  Escapees();

  const std::string& directory() const { return directory_.path(); }
  // They have been started. Until then a process's number is its own.
  void watch(std::size_t count = kWaysOut.size());
  bool all_live() const;
  void await_death();  // one that lives on hangs the test
  void kill();

 private:
  test::TemporaryDirectory directory_;
  std::vector<detail::FileDescriptor> pidfds_;
};

}  // namespace pools::faults
