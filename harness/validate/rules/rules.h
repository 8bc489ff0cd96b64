#pragma once

// Rules of thumb for how many workers a pool should have, as their sources state them: data, one line each.
//
// Thread safety: constant data and pure functions.

#include <span>
#include <string>
#include <string_view>

namespace harness {

// What a rule may know of the work and of the machine.
struct RuleSetting {
  int cores = 1;                // that this process may use for ever: its CPU quota counted, as the JVM and loky count
  int cpus = 1;                 // that it sees: without a quota, as os.cpu_count() and nproc count
  double wait_per_compute = 0;  // W/C: how much longer a task waits than it computes
  double service_s = 0;         // of a task that nobody is in the way of, in the mean
  double rate_per_s = 0;        // of the clients; 0: a batch, which has none
};

struct Rule {
  std::string_view name;                  // who says so
  std::string_view formula;               // what
  std::string_view source;                // where
  double (*workers)(const RuleSetting&);  // not positive: it does not say
};

// In the order in which a reader wants them: those that know the least first. No two have one name.
std::span<const Rule> rules_of_thumb();

// Rounded up to whole workers; 0 where the rule does not say. What computation adds to a whole number by rounding does not count.
int workers_of(const Rule& rule, const RuleSetting& setting);

// "gunicorn: 2*cores+1"
std::string title_of(const Rule& rule);

}  // namespace harness
