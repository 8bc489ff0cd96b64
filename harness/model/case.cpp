#include "harness/model/case.h"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <string>

#include "harness/model/wide.h"

namespace harness::model {
namespace {

constexpr std::array<std::string_view, 9> kNames = {"none", "worker",  "main",         "extra", "fused",
                                                    "sync", "collect", "as_completed", "map"};

void require(bool condition, const std::string& message) {
  if (!condition) throw std::invalid_argument(message);
}

}  // namespace

std::optional<Strategy> find_strategy(std::string_view wanted) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == wanted) return static_cast<Strategy>(i);
  }
  return std::nullopt;
}

std::string_view name(Strategy strategy) { return kNames[static_cast<std::size_t>(strategy)]; }

bool has_callbacks(Strategy strategy) { return strategy != Strategy::none; }

std::vector<Demand> waits(std::span<const std::int64_t> durations_ns) {
  std::vector<Demand> demands;
  demands.reserve(durations_ns.size());
  for (const std::int64_t duration : durations_ns) demands.push_back({.wait_ns = duration, .compute_ns = 0, .locked = false});
  return demands;
}

void check(const Case& c) {
  require(!c.tasks.empty(), "a case has at least one task");
  require(c.workers >= 1, "workers is " + std::to_string(c.workers) + ", at least 1 is needed");
  require(c.parsers >= 1, "parsers is " + std::to_string(c.parsers) + ", at least 1 is needed");
  require(c.chunksize >= 1, "chunksize is " + std::to_string(c.chunksize) + ", at least 1 is needed");
  require(c.cores >= 0, "cores is " + std::to_string(c.cores) + ", 0 (no limit) or more is needed");
  const bool callbacks = has_callbacks(c.strategy);
  require(!callbacks || c.callbacks.size() == c.tasks.size(),
          std::to_string(c.callbacks.size()) + " callbacks for " + std::to_string(c.tasks.size()) + " tasks");
  const Overheads& o = c.overheads;
  require(o.submit_ns >= 0 && o.dispatch_ns >= 0 && o.routing_ns >= 0, "an overhead is negative");
  require(o.wake_ns >= 0, "an overhead is negative");
  if (c.executor == Executor::loop) {
    require(c.in_flight >= 0, "in_flight is " + std::to_string(c.in_flight) + ", 0 (no limit) or more is needed");
    require(!c.serial && !c.coupled, "an event loop is neither inline execution nor dispatched by its callbacks");
    require(c.strategy != Strategy::map, "an event loop has no chunks for `map`: a task that waits occupies nobody");
  }
  const Hop& hop = c.hop;
  require(hop.latency_ns >= 0 && hop.request_ns >= 0 && hop.answer_ns >= 0 && hop.window >= 0, "a cost of the hop is negative");
  if (hop.any()) {
    require(c.executor == Executor::pool && !c.serial && !c.coupled,
            "a hop leads to a pool on other hosts: neither to an event loop nor to inline execution or CPython's pool");
    require(hop.window == 0 || hop.window >= c.workers,
            "window is " + std::to_string(hop.window) + ", as many as workers (or 0, no limit) or more is needed");
  }
  require(!c.coupled || c.strategy == Strategy::main || c.strategy == Strategy::none,
          "coupled dispatch is defined for `main` and `none` only");
  if (!c.arrivals_ns.empty()) {
    require(c.arrivals_ns.size() == c.tasks.size(),
            std::to_string(c.arrivals_ns.size()) + " arrivals for " + std::to_string(c.tasks.size()) + " tasks");
    require(c.arrivals_ns.front() >= 0, "an arrival is negative");
    require(std::is_sorted(c.arrivals_ns.begin(), c.arrivals_ns.end()), "the arrivals go backwards");
    require(c.strategy != Strategy::sync,
            "`sync` has no meaning where tasks arrive: nobody submits before the callback before has ended");
    require(c.strategy != Strategy::map, "`map` has no meaning where tasks arrive: it is given all of them at once");
  }
  require(c.queue >= 0, "queue is " + std::to_string(c.queue) + ", 0 (no limit) or more is needed");
  if (c.queue > 0) {
    require(!c.arrivals_ns.empty(), "a full queue has a meaning where tasks arrive only");
    require(
        c.executor == Executor::pool && !c.serial && !c.coupled && !hop.any(),
        "a full queue is that of a pool on this machine: neither of an event loop, nor of inline execution, CPython's pool or other hosts");
  }

  // A loop thread takes up a task and, on the loop, its callback.
  const Wide taken_up = c.executor == Executor::loop ? 2 * (static_cast<Wide>(o.dispatch_ns) + o.wake_ns) : o.dispatch_ns;
  const Wide last_arrival = c.arrivals_ns.empty() ? 0 : c.arrivals_ns.back();
  Wide total =
      last_arrival + static_cast<Wide>(c.tasks.size()) * (static_cast<Wide>(o.submit_ns) + taken_up + o.routing_ns +
                                                          3 * static_cast<Wide>(hop.latency_ns) + hop.request_ns + hop.answer_ns);
  const auto add = [&total](const std::vector<Demand>& demands) {
    for (const Demand& demand : demands) {
      require(demand.wait_ns >= 0 && demand.compute_ns >= 0, "a duration is negative");
      total += static_cast<Wide>(demand.wait_ns) + demand.compute_ns;
    }
  };
  add(c.tasks);
  if (callbacks) add(c.callbacks);
  if (total > std::numeric_limits<std::int64_t>::max()) {
    throw std::overflow_error("the durations sum to more than 9223372036854775807 ns (292 years)");
  }
}

}  // namespace harness::model
