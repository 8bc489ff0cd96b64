#pragma once

// The commands that a remote pool has started for its agents: each with the agent's key on its standard input, started again when it ends.
// For the pool's thread.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "pools/launcher.h"
#include "pools/src/process/os/spawn.h"
#include "pools/src/remote/router.h"

namespace pools::detail {

// What is run on the host. `quoted`: as one word.
std::string command_line(const Launcher& launcher, const std::string& host, const std::string& address);

class Launches {
 public:
  using Clock = std::chrono::steady_clock;

  // Throws std::invalid_argument: hosts that cannot be.
  Launches(const Launcher& launcher, Router& router);

  // Looks at all of them: starts what is to be started, reaps what has ended.
  void look(Clock::time_point now);
  // When it has to be looked again although no descriptor says so.
  std::optional<Clock::time_point> next_look() const noexcept { return next_; }
  const std::vector<int>& descriptors() const noexcept { return descriptors_; }  // each readable when a command has ended

  // An agent with that key has said hello: its command has not failed to start one.
  void started_well(const std::string& user) noexcept;
  // None is left to be started again: why, of the last of each. Empty: there is hope, or nothing was launched.
  std::string despair() const;
  // Their agents' standard input comes to its end.
  void farewell() noexcept;
  bool all_ended() noexcept;
  void kill() noexcept;  // what is left

 private:
  struct Launch {
    std::string host;
    std::string line;
    std::string key;
    Child child;
    FileDescriptor input;
    bool running = false;
    bool given_up = false;
    int failures = 0;  // in a row, no agent having said hello in between
    Clock::time_point due{};
    std::string last;  // how it ended
  };

  void start(Launch& launch, Clock::time_point now);
  void ended(Launch& launch, const std::string& how, bool for_good, Clock::time_point now);

  std::vector<Launch> launches_;
  std::vector<int> descriptors_;
  std::optional<Clock::time_point> next_;
};

}  // namespace pools::detail
