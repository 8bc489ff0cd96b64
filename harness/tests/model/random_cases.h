#pragma once

// Random cases for the property tests: small numbers, so that ties and zeros abound.

#include <cstdint>
#include <random>
#include <string>

#include "harness/model/case.h"

namespace harness::model::testing {

struct RandomOptions {
  int tasks = 12;
  int workers = 5;
  std::int64_t longest = 9;
  bool overheads = true;
  bool compute = false;
};

inline std::int64_t below(std::mt19937_64& random, std::int64_t bound) {
  return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(bound));
}

// Durations all equal, linear, or free (with many zeros) by turns; callbacks equal or free.
inline std::vector<std::int64_t> random_durations(std::mt19937_64& random, std::size_t n, std::int64_t longest) {
  std::vector<std::int64_t> values(n);
  const std::int64_t shape = below(random, 4);
  const std::int64_t scale = below(random, longest + 1);
  for (std::size_t i = 0; i < n; ++i) {
    values[i] = shape == 0   ? scale
                : shape == 1 ? static_cast<std::int64_t>(i + 1) * scale
                : shape == 2 ? below(random, 2) * below(random, longest + 1)
                             : below(random, longest + 1);
  }
  return values;
}

inline Case random_case(std::mt19937_64& random, Strategy strategy, const RandomOptions& options = {}) {
  Case c;
  c.strategy = strategy;
  const auto n = static_cast<std::size_t>(1 + below(random, options.tasks));
  c.workers = static_cast<int>(1 + below(random, options.workers));
  c.parsers = static_cast<int>(1 + below(random, 4));
  c.chunksize = 1 + below(random, 2) * below(random, static_cast<std::int64_t>(n) + 2);
  c.serial = (strategy == Strategy::none || strategy == Strategy::fused) && below(random, 8) == 0;
  if (c.serial) c.workers = 1;
  c.tasks = waits(random_durations(random, n, options.longest));
  c.callbacks = waits(random_durations(random, n, options.longest));
  if (options.overheads && below(random, 2) == 0) {
    c.overheads = {below(random, 4), below(random, 3), below(random, 4)};
  }
  if (options.compute) {
    c.cores = static_cast<int>(below(random, 4));
    for (auto* demands : {&c.tasks, &c.callbacks}) {
      for (Demand& demand : *demands) {
        demand.compute_ns = below(random, demand.wait_ns + 1);
        demand.wait_ns = below(random, 3) == 0 ? 0 : demand.wait_ns - demand.compute_ns;
        demand.locked = below(random, 3) == 0;
      }
    }
  }
  return c;
}

struct LoopOptions {
  int tasks = 6;
  int threads = 3;
  std::int64_t longest = 9;
  bool overheads = true;
  bool cores = true;  // few of them, and a lock
};

// A case on an event loop: tasks and callbacks wait and compute, each of it nothing now and then.
inline Case random_loop_case(std::mt19937_64& random, Strategy strategy, const LoopOptions& options = {}) {
  Case c = random_case(random, strategy,
                       {.tasks = options.tasks, .workers = options.threads, .longest = options.longest, .overheads = false});
  c.executor = Executor::loop;
  c.serial = false;
  c.chunksize = 1;
  const auto n = static_cast<std::int64_t>(c.tasks.size());
  c.in_flight = below(random, 2) * (1 + below(random, n + 1));
  const bool equal = below(random, 4) == 0;
  const std::int64_t rarely = 1 + below(random, 3);
  for (auto* demands : {&c.tasks, &c.callbacks}) {
    for (Demand& demand : *demands) {
      demand.compute_ns = below(random, rarely) == 0 ? below(random, options.longest + 1) : 0;
      if (below(random, 4) == 0) demand.wait_ns = 0;
      if (options.cores) demand.locked = below(random, 4) == 0;
      if (equal) demand = demands->front();
    }
  }
  if (options.cores) c.cores = static_cast<int>(below(random, 4));
  if (options.overheads && below(random, 2) == 0) {
    c.overheads = {below(random, 4), below(random, 3), below(random, 4), below(random, 3)};
  }
  return c;
}

// For failure messages: the whole case on one line.
inline std::string show(const Case& c) {
  std::string text(name(c.strategy));
  if (c.executor == Executor::loop) {
    text += " on a loop, u=" + std::to_string(c.overheads.wake_ns) + " B=" + std::to_string(c.in_flight);
  }
  text += " k=" + std::to_string(c.workers) + " m=" + std::to_string(c.parsers) + " s=" + std::to_string(c.chunksize) +
          " P=" + std::to_string(c.cores) + (c.serial ? " serial" : "") + " d,e,x=" + std::to_string(c.overheads.submit_ns) +
          "," + std::to_string(c.overheads.dispatch_ns) + "," + std::to_string(c.overheads.routing_ns);
  for (const auto* demands : {&c.tasks, &c.callbacks}) {
    text += demands == &c.tasks ? " t=" : " c=";
    for (const Demand& demand : *demands) {
      text += std::to_string(demand.wait_ns);
      if (demand.compute_ns > 0) text += "+" + std::to_string(demand.compute_ns) + (demand.locked ? "L" : "");
      text += " ";
    }
  }
  return text;
}

inline constexpr Strategy kStrategies[] = {Strategy::none,    Strategy::worker,       Strategy::main,
                                           Strategy::extra,   Strategy::fused,        Strategy::sync,
                                           Strategy::collect, Strategy::as_completed, Strategy::map};

inline constexpr Strategy kLoopStrategies[] = {Strategy::none,  Strategy::worker, Strategy::main,    Strategy::extra,
                                               Strategy::fused, Strategy::sync,   Strategy::collect, Strategy::as_completed};

}  // namespace harness::model::testing
