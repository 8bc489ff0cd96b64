#pragma once

// What the soak's process pools are given to do, misdeeds among it.

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "pools/shared_buffer.h"
#include "pools/tests/soak/chaos.h"

namespace pools::soak {

inline std::uint64_t checksum(const std::string& text) {
  std::uint64_t sum = 1469598103934665603ULL;  // FNV-1a
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return sum;
}

inline std::uint64_t add(std::uint64_t a, std::uint64_t b) { return a + b; }
inline std::string echo(std::string text) { return text; }
inline std::uint64_t sum_of_ends(const SharedArray<std::uint64_t>& numbers) { return numbers[0] + numbers[numbers.size() - 1]; }
inline std::uint64_t fail(const std::string& text) { throw std::runtime_error(text); }
inline std::uint64_t leave(int status) { std::_Exit(status); }
inline std::uint64_t die_by(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  return 0;
}
// Ends only by SIGKILL.
inline std::uint64_t stubborn() {
  ::signal(SIGTERM, SIG_IGN);
  for (;;) ::pause();
}
inline std::uint64_t spin(int microseconds) {
  const auto end = Clock::now() + std::chrono::microseconds(microseconds);
  while (Clock::now() < end) {
  }
  return 7;
}
// Leaves a process behind, which the pool has to end with the worker.
inline std::uint64_t leave_child() {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  return child > 0 ? 7 : 0;
}

}  // namespace pools::soak
