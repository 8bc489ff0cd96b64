#include "harness/plan/arrivals.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <functional>
#include <utility>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/random.h"
#include "harness/base/read_file.h"
#include "harness/base/text.h"
#include "harness/model/capacity.h"
#include "harness/plan/distribution.h"

namespace harness {
namespace {

constexpr std::string_view kAllowed =
    "times as in 0ms,10ms,20ms, constant:300/s, poisson:300/s, poisson:0.8*capacity, poisson:0.6*cores, burst:50@1s, trace:FILE (one time a line)";
constexpr double kNsPerS = 1e9;
constexpr std::string_view kCapacity = "capacity";
constexpr std::string_view kCores = "cores";

bool rated(std::string_view arrivals) { return arrivals.starts_with("constant:") || arrivals.starts_with("poisson:"); }

std::string shown_text(std::string_view text) { return printable(text, 100); }

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw ConfigError(fmt::format("bad arrivals '{}'{}{}; allowed: {}", shown_text(text), why.empty() ? "" : ": ", why, kAllowed));
}

std::int64_t whole_ns(double ns, std::string_view text) {
  if (ns > static_cast<double>(std::numeric_limits<std::int64_t>::max()) / 2)
    refuse(text, "the last task comes in more than 146 years");
  return std::llround(ns);
}

std::vector<std::int64_t> constant(std::string_view text, double rate, std::size_t tasks) {
  std::vector<std::int64_t> times(tasks);
  for (std::size_t i = 0; i < tasks; ++i) times[i] = whole_ns(static_cast<double>(i) * (kNsPerS / rate), text);
  return times;
}

// -log of a uniform number by its inverse is the gap; drawn by the one generator of durations, in units of 2^-10 ns so that short gaps keep
// their mean.
std::vector<std::int64_t> poisson(std::string_view text, double rate, std::size_t tasks, std::uint64_t seed) {
  constexpr double kUnitsPerNs = 1024;
  const std::int64_t scale = whole_ns(kUnitsPerNs * kNsPerS / rate, text);
  // Not the numbers that the durations of the tasks are drawn from.
  const std::uint64_t own_seed = SplitMix64(seed ^ 0x61727269'76616c73ULL).next();
  const std::vector<std::int64_t> gaps = draw_durations("exponential", static_cast<int>(tasks), scale, own_seed);
  std::vector<std::int64_t> times;
  times.reserve(tasks);
  double units = 0;
  for (const std::int64_t gap : gaps) {
    units += static_cast<double>(gap);
    times.push_back(whole_ns(units / kUnitsPerNs, text));
  }
  return times;
}

struct Bursts {
  std::size_t size = 1;
  std::int64_t period_ns = 1;
};

Bursts bursts_of(std::string_view text, std::string_view spec) {
  const std::size_t at = spec.find('@');
  if (at == std::string_view::npos) refuse(text, "a burst is N@PERIOD");
  const auto size =
      static_cast<std::size_t>(parse_integer(spec.substr(0, at), "the size of a burst", 1, std::numeric_limits<int>::max()));
  const std::int64_t period = parse_duration(spec.substr(at + 1)).count();
  if (period == 0) refuse(text, "the period is 0");
  return {size, period};
}

std::vector<std::int64_t> bursts(std::string_view text, std::string_view spec, std::size_t tasks) {
  const Bursts form = bursts_of(text, spec);
  std::vector<std::int64_t> times(tasks);
  for (std::size_t i = 0; i < tasks; ++i) {
    const std::size_t burst = i / form.size;
    times[i] = whole_ns(static_cast<double>(burst) * static_cast<double>(form.period_ns), text);
  }
  return times;
}

std::vector<std::int64_t> traced(std::string_view file) {
  std::vector<std::int64_t> times;
  for (const ListedLine& line : listed_lines(read_file(std::filesystem::path(file), "trace of arrivals", kMostInputBytes))) {
    try {
      times.push_back(parse_duration(line.text).count());
    } catch (const ConfigError& error) {
      throw ConfigError(fmt::format("{}:{}: {}", shown_text(file), line.number, error.what()));
    }
  }
  return times;
}

std::vector<std::int64_t> listed(std::string_view text) {
  std::vector<std::int64_t> times;
  for (const std::chrono::nanoseconds time : parse_durations(text)) times.push_back(time.count());
  return times;
}

}  // namespace

double parse_rate_per_s(std::string_view text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {{"/ms", 1e3}, {"/s", 1}, {"/min", 1.0 / 60}, {"/h", 1.0 / 3600}};
  for (const auto& [unit, per_s] : kUnits) {
    if (!text.ends_with(unit)) continue;
    const double rate = per_s * parse_number(text.substr(0, text.size() - unit.size()), "rate", 0, kNsPerS);
    if (rate >= 1.0 / 3601 && rate <= kNsPerS) return rate;
  }
  throw ConfigError(fmt::format("bad rate '{}'; allowed: a number per ms, s, min or h, from 1/h to 1000000000/s, such as 300/s",
                                shown_text(text)));
}

void require_arrivals(std::string_view arrivals) {
  if (arrivals == "closed" || is_trace(arrivals)) return;
  if (arrivals.find(':') == std::string_view::npos) {
    parse_durations(arrivals);
  } else {
    arrival_times(canonical_arrivals(arrivals, 1), 1, 0);
  }
}

bool is_trace(std::string_view arrivals) { return arrivals.starts_with("trace:"); }

bool needs_capacity(std::string_view arrivals) {
  return rated(arrivals) && (arrivals.ends_with(kCapacity) || arrivals.ends_with(kCores));
}

double capacity_meant(std::string_view arrivals, const model::Case& c) {
  return arrivals.ends_with(kCores) ? model::ceiling_per_s(c) : model::capacity_per_s(c);
}

std::string canonical_arrivals(std::string_view arrivals, double capacity_per_s) {
  if (!rated(arrivals)) return std::string(arrivals);
  const std::string_view kind = arrivals.substr(0, arrivals.find(':') + 1);
  const std::string_view rate = arrivals.substr(kind.size());
  if (!needs_capacity(arrivals)) return fmt::format("{}{}/s", kind, parse_rate_per_s(rate));
  const std::string_view whole = rate.ends_with(kCores) ? kCores : kCapacity;
  double share = 1;
  if (std::string_view factor = rate.substr(0, rate.size() - whole.size()); !factor.empty()) {
    if (!factor.ends_with('*')) refuse(arrivals, fmt::format("a rate of the {0} is NUMBER*{0}", whole));
    factor.remove_suffix(1);
    share = parse_number(factor, "share of the capacity", 0, 1000);
    if (share <= 0) refuse(arrivals, "the rate is 0");
  }
  if (!std::isfinite(capacity_per_s)) {
    refuse(arrivals,
           whole == kCores ? "nothing but workers bounds tasks that do not compute" : "tasks that take no time have no capacity");
  }
  return fmt::format("{}{:.6g}/s", kind, share * capacity_per_s);
}

void require_releasable(std::string_view arrivals) {
  if (!rated(arrivals)) return;
  const double rate = parse_rate_per_s(arrivals.substr(arrivals.find(':') + 1));
  if (rate <= kMostReleasedPerS) return;
  throw ConfigError(fmt::format("arrivals '{}' are more than one thread can release; allowed: at most {:.0f}/s",
                                shown_text(arrivals), kMostReleasedPerS));
}

int tasks_within(std::string_view arrivals, std::chrono::nanoseconds duration) {
  const auto within = static_cast<double>(duration.count());
  double count = 0;
  if (rated(arrivals)) {
    count = std::floor(parse_rate_per_s(arrivals.substr(arrivals.find(':') + 1)) * within / kNsPerS);
  } else if (arrivals.starts_with("burst:")) {
    const Bursts form = bursts_of(arrivals, arrivals.substr(6));
    count = std::ceil(within / static_cast<double>(form.period_ns)) * static_cast<double>(form.size);
  } else {
    throw ConfigError(
        fmt::format("a duration does not apply to arrivals '{}', only to constant, poisson and burst", shown_text(arrivals)));
  }
  if (count >= 1 && count <= kMostItems) return static_cast<int>(count);
  throw ConfigError(fmt::format("arrivals '{}' within {} are {:.0f} tasks; allowed: 1 to {}", shown_text(arrivals),
                                format_duration(duration), count, kMostItems));
}

std::vector<std::int64_t> arrival_times(std::string_view text, int tasks, std::uint64_t seed) {
  const auto n = static_cast<std::size_t>(tasks);
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (colon != std::string_view::npos) {
    if (kind == "constant") return constant(text, parse_rate_per_s(rest), n);
    if (kind == "poisson") return poisson(text, parse_rate_per_s(rest), n, seed);
    if (kind == "burst") return bursts(text, rest, n);
    if (kind != "trace") refuse(text, fmt::format("there is no kind '{}'", shown_text(kind)));
  }
  std::vector<std::int64_t> times = colon == std::string_view::npos ? listed(text) : traced(rest);
  if (times.size() != n) {
    throw ConfigError(fmt::format("arrivals '{}' give {} times for {} task{}; allowed: one per task", shown_text(text),
                                  times.size(), n, n == 1 ? "" : "s"));
  }
  const auto back = std::adjacent_find(times.begin(), times.end(), std::greater<>());
  if (back != times.end()) {
    throw ConfigError(fmt::format("arrivals '{}' go backwards: {} comes before {}; allowed: times that do not decrease",
                                  shown_text(text), format_duration(std::chrono::nanoseconds(*back)),
                                  format_duration(std::chrono::nanoseconds(*(back + 1)))));
  }
  return times;
}

}  // namespace harness
