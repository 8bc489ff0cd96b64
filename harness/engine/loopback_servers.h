#pragma once

// The servers that the networked workloads talk to, in a re-executed process of their own, so that serving costs the
// measured processes nothing but what the machine is shared for. Started when first required, kept across repetitions,
// stopped with this object; when the program dies, however it does, the stream to the process ends and it exits.

#include <cstdint>
#include <optional>
#include <vector>

#include "os/descriptor.h"
#include "pools/src/process/os/spawn.h"
#include "workloads/work.h"

namespace harness {

// Not thread-safe. REQUIRES of the program: main() calls internal_entry().
class LoopbackServers {
 public:
  LoopbackServers() = default;
  ~LoopbackServers() { stop(); }
  LoopbackServers(const LoopbackServers&) = delete;
  LoopbackServers& operator=(const LoopbackServers&) = delete;

  // The ports as RunContext has them, of servers that are running. Starts them if `needs` names one and they do not run
  // (any more); all zero as long as none was ever needed. Throws EnvironmentError when they cannot be started.
  std::vector<std::uint16_t> require(const workloads::Needs& needs);

 private:
  bool alive() const;
  void start();
  void stop() noexcept;

  os::Descriptor stream_;
  std::optional<pools::Child> child_;
  std::vector<std::uint16_t> ports_ = {0, 0};
};

// The servers' process. `stream` is its end.
[[noreturn]] void run_servers(int stream);

}  // namespace harness
