#include "harness/sweep/gate.h"

#include <fmt/core.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <utility>

#include "harness/base/console.h"
#include "harness/base/quantity.h"
#include "workloads/work.h"

namespace harness {
namespace {

constexpr int kManySleepers = 50;  // at once wake each other up often enough to queue for two cores
constexpr int kManyProcesses = 8;  // queue for them when they start, for longer than GateRule::own_start

GateSeams complete(GateSeams seams) {
  if (!seams.read) seams.read = [] { return read_waiting(); };
  if (!seams.now_ns) seams.now_ns = [] { return workloads::monotonic_ns(); };
  if (!seams.sleep) {
    seams.sleep = [](std::chrono::nanoseconds duration) {
      const timespec time{static_cast<time_t>(duration.count() / 1'000'000'000),
                          static_cast<long>(duration.count() % 1'000'000'000)};
      ::nanosleep(&time, nullptr);  // a signal ends it early, and the caller asks `stop`
    };
  }
  return seams;
}

double percent(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? 100 * static_cast<double>(part) / static_cast<double>(whole) : 0;
}

}  // namespace

bool makes_pressure(const Factors& cell) {
  if (cell.workload != "sleep") return true;
  return std::min(cell.workers, cell.tasks) > (runs_in_processes(cell) ? kManyProcesses : kManySleepers);
}

Waiting read_waiting(const std::string& proc) {
  std::ifstream file(proc + "/pressure/cpu");
  const std::string text{std::istreambuf_iterator<char>(file), {}};  // "some avg10=... avg60=... avg300=... total=123\n"
  constexpr std::string_view kKey = "total=";
  const std::size_t line_end = text.find('\n');
  const std::size_t at = text.find(kKey);
  if (!text.starts_with("some ") || at == std::string::npos || at > line_end) return {};
  std::int64_t microseconds = 0;
  const char* const first = text.data() + at + kKey.size();
  if (std::from_chars(first, text.data() + text.size(), microseconds).ec != std::errc()) return {};
  return {microseconds * 1000};
}

std::string gate_text(const GateRule& rule, bool pressure_known) {
  if (!pressure_known) {
    return "gate: the kernel has no pressure stall information; a repetition counts if no CPU quota stopped it\n";
  }
  return fmt::format(
      "gate: a repetition counts if tasks waited for a CPU at most {:.3g} % of its time, or {} (of {} before and after\n"
      "      it, if it computes), and no CPU quota stopped it; else it is repeated on a quiet machine, for {} in all\n",
      rule.most_pressure, human_duration(rule.own_start), human_duration(rule.window), human_duration(rule.patience));
}

GatedRunner::GatedRunner(CellRunner& runner, GateRule rule, GateSeams seams)
    : runner_(runner), rule_(rule), seams_(complete(std::move(seams))) {}

double GatedRunner::watch() {
  const Waiting before = seams_.read();
  const std::int64_t started = seams_.now_ns();
  seams_.sleep(rule_.window);
  const Waiting after = seams_.read();
  if (!before.pressure_ns || !after.pressure_ns) return 0;
  return percent(*after.pressure_ns - *before.pressure_ns, seams_.now_ns() - started);
}

bool GatedRunner::wait_for_quiet() {
  const std::int64_t started = seams_.now_ns();
  bool quiet = false;
  while (!quiet && !seams_.stop() && spent_ns_ + seams_.now_ns() - started < std::chrono::nanoseconds(rule_.patience).count()) {
    quiet = watch() <= rule_.most_pressure;
  }
  const std::int64_t took = seams_.now_ns() - started;
  spent_ns_ += took;
  counts_.waited += std::chrono::nanoseconds(took);
  detail(fmt::format("gate: waited {} for a quiet machine\n", human_duration(std::chrono::nanoseconds(took))));
  return quiet;
}

// Empty if the repetition counts.
std::string GatedRunner::noise_of(const Cell& cell, const Sample& sample, const Waiting& before, std::int64_t started_ns) {
  if (sample.cgroup_throttled_ns > 0 && !rule_.quota_is_meant) {
    return fmt::format("a CPU quota stopped it for {}", human_duration(std::chrono::nanoseconds(sample.cgroup_throttled_ns)));
  }
  double pressure = 0;
  if (makes_pressure(cell)) {
    pressure = watch();
  } else if (const Waiting after = seams_.read(); before.pressure_ns && after.pressure_ns) {
    const std::int64_t waited = *after.pressure_ns - *before.pressure_ns;
    if (waited > std::chrono::nanoseconds(rule_.own_start).count()) pressure = percent(waited, seams_.now_ns() - started_ns);
  }
  if (pressure <= rule_.most_pressure) return {};
  return fmt::format("tasks waited for a CPU {:.0f} % of the time", pressure);
}

RepetitionResult GatedRunner::refused(const Cell& cell, const std::string& noise) {
  RepetitionResult result;
  result.sample = sample_of(cell);
  result.sample.status = "invalid";
  result.sample.error = fmt::format("{}: {}", kGated, noise);
  result.interrupted = seams_.stop();
  if (!result.interrupted) {
    ++counts_.refused;
    detail(fmt::format("gate: refused, patience has run out: {} x{} {}: {}\n", cell.backend, cell.workers, cell.workload, noise));
  }
  return result;
}

RepetitionResult GatedRunner::run(const Cell& cell, std::chrono::nanoseconds timeout) {
  if (makes_pressure(cell) && watch() > rule_.most_pressure && !wait_for_quiet()) {
    return refused(cell, "tasks waited for a CPU before it was to start");
  }
  while (true) {
    const Waiting before = seams_.read();
    const std::int64_t started = seams_.now_ns();
    RepetitionResult result = runner_.run(cell, timeout);
    if (result.interrupted || result.sample.status != "ok") return result;
    const std::string noise = noise_of(cell, result.sample, before, started);
    if (noise.empty()) return result;
    spent_ns_ += seams_.now_ns() - started;  // what is repeated is part of what patience is for
    detail(fmt::format("gate: not counted: {} x{} {}: {}\n", cell.backend, cell.workers, cell.workload, noise));
    if (!wait_for_quiet()) return refused(cell, noise);
    ++counts_.repeated;
  }
}

std::string GatedRunner::check_digests(const Cell& cell, std::chrono::nanoseconds timeout) {
  return runner_.check_digests(cell, timeout);
}

}  // namespace harness
