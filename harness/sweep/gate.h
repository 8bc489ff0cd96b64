#pragma once

// The gate: whether the machine was quiet enough for a repetition to count. Decided by what the kernel says about waiting for
// CPUs, by a rule that is fixed before anything runs, never by what was measured.
//
// Thread safety: one owner, one thread; interrupt() as CellRunner has it.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "harness/engine/runner.h"

namespace harness {

struct GateRule {
  // Percent of a repetition's time in which somebody waited for a CPU (/proc/pressure/cpu, "some").
  double most_pressure = 5;
  // Waiting that is always allowed to a repetition that sleeps: eight processes that start at once queue for two cores.
  std::chrono::milliseconds own_start{40};
  std::chrono::milliseconds window{100};  // how long the machine is watched before it counts as quiet again
  std::chrono::seconds patience{60};      // waited and repeated in all; after that what is not quiet is refused
  bool quota_is_meant = false;            // what a CPU quota stops counts: it is part of what is measured
};

// What the kernel has counted, ns since it started; nothing where it does not say.
struct Waiting {
  std::optional<std::int64_t> pressure_ns;  // somebody waited for a CPU
};

// Reads /proc/pressure/cpu below `proc`.
Waiting read_waiting(const std::string& proc = "/proc");

// The rule in plain words, one or two lines.
std::string gate_text(const GateRule& rule, bool pressure_known);

struct GateCounts {
  int repeated = 0;  // repetitions that ran again because the machine was not quiet
  int refused = 0;   // repetitions that never had a quiet machine
  std::chrono::nanoseconds waited{0};
};

// Seams for tests; what is empty is the real thing.
struct GateSeams {
  std::function<Waiting()> read = {};
  std::function<std::int64_t()> now_ns = {};
  std::function<void(std::chrono::nanoseconds)> sleep = {};
  std::function<bool()> stop = [] { return false; };
};

// Runs what another runner runs, each repetition until the machine was quiet:
//   cells that only sleep, at most 50 at once: judged by the pressure while they ran, their own start included;
//   all others make pressure themselves: judged by a window before them and one after;
//   all: by the time for which a CPU quota stopped them (cgroup v1 and v2), which must be 0 unless the quota is meant.
// A repetition that is refused when patience has run out is "invalid", its error starts with kGated.
class GatedRunner : public CellRunner {
 public:
  // `runner` must outlive it.
  GatedRunner(CellRunner& runner, GateRule rule, GateSeams seams = {});

  RepetitionResult run(const Cell& cell, std::chrono::nanoseconds timeout) override;
  std::string check_digests(const Cell& cell, std::chrono::nanoseconds timeout) override;
  void interrupt() noexcept override { runner_.interrupt(); }

  const GateCounts& counts() const { return counts_; }

 private:
  double watch();         // the pressure of one window, in percent
  bool wait_for_quiet();  // false when patience or the program ended before
  RepetitionResult refused(const Cell& cell, const std::string& noise);
  std::string noise_of(const Cell& cell, const Sample& sample, const Waiting& before, std::int64_t started_ns);

  CellRunner& runner_;
  const GateRule rule_;
  const GateSeams seams_;
  GateCounts counts_;
  std::int64_t spent_ns_ = 0;
};

// Why the row of a repetition that the gate refused is invalid; what its error starts with.
inline constexpr std::string_view kGated = "the machine was not quiet";

// Whether running the cell makes others wait for a CPU.
bool makes_pressure(const Factors& cell);

}  // namespace harness
