#pragma once

// An oracle for shared cores: processor sharing in exact fractions, for `none` and `worker` on a handful of tasks of a
// few ns. Looks at every demand at every event; shares no code with harness/model but the Case.

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "harness/model/case.h"
#include "harness/model/wide.h"

namespace harness::model::testing {

struct Fraction {
  Wide over = 0;
  Wide under = 1;

  static Fraction of(Wide over, Wide under) {
    Wide a = over < 0 ? -over : over;
    Wide b = under;
    while (b != 0) {
      const Wide rest = a % b;
      a = b;
      b = rest;
    }
    return a == 0 ? Fraction{0, 1} : Fraction{over / a, under / a};
  }
  friend Fraction operator+(Fraction a, Fraction b) { return of(a.over * b.under + b.over * a.under, a.under * b.under); }
  friend Fraction operator-(Fraction a, Fraction b) { return of(a.over * b.under - b.over * a.under, a.under * b.under); }
  friend Fraction operator*(Fraction a, Fraction b) { return of(a.over * b.over, a.under * b.under); }
  friend Fraction operator/(Fraction a, Fraction b) { return of(a.over * b.under, a.under * b.over); }
  friend bool operator<(Fraction a, Fraction b) { return a.over * b.under < b.over * a.under; }
  bool zero() const { return over == 0; }
  double value() const { return static_cast<double>(over) / static_cast<double>(under); }
};

// The end of every task in exact fractions of a ns; of `worker` the end of its callback.
inline std::vector<Fraction> rational_ends(const Case& c) {
  struct Phase {
    Fraction left;
    bool computes;
    bool locked;
  };
  struct Worker {
    int task = -1;
    std::vector<Phase> phases;  // in reverse order
  };
  std::vector<Fraction> ends(c.tasks.size());
  std::vector<Worker> workers(static_cast<std::size_t>(c.workers));
  std::size_t next = 0;
  std::size_t done = 0;
  Fraction now;
  for (;;) {
    for (bool changed = true; changed;) {
      changed = false;
      for (Worker& worker : workers) {
        while (!worker.phases.empty() && worker.phases.back().left.zero()) worker.phases.pop_back();
        if (worker.task >= 0 && worker.phases.empty()) {
          ends[static_cast<std::size_t>(worker.task)] = now;
          worker.task = -1;
          ++done;
          changed = true;
        }
        if (worker.task < 0 && next < c.tasks.size()) {
          const auto add = [&worker](const Demand& demand) {
            worker.phases.insert(worker.phases.begin(), {{demand.compute_ns, 1}, true, demand.locked});
            worker.phases.insert(worker.phases.begin() + 1, {{demand.wait_ns, 1}, false, false});
          };
          add(c.tasks[next]);
          if (c.strategy == Strategy::worker) add(c.callbacks[next]);
          worker.task = static_cast<int>(next++);
          changed = true;
        }
      }
    }
    if (done == c.tasks.size()) return ends;
    int unlocked = 0;
    int locked = 0;
    for (const Worker& worker : workers) {
      if (worker.task < 0 || !worker.phases.back().computes) continue;
      ++(worker.phases.back().locked ? locked : unlocked);
    }
    const int running = unlocked + (locked > 0);
    const Fraction rate = c.cores > 0 && running > c.cores ? Fraction::of(c.cores, running) : Fraction{1, 1};
    const auto rate_of = [&](const Phase& phase) {
      if (!phase.computes) return Fraction{1, 1};
      return phase.locked ? rate / Fraction{locked, 1} : rate;
    };
    Fraction step{-1, 1};
    for (const Worker& worker : workers) {
      if (worker.task < 0) continue;
      const Fraction end = worker.phases.back().left / rate_of(worker.phases.back());
      if (step.over < 0 || end < step) step = end;
    }
    now = now + step;
    for (Worker& worker : workers) {
      if (worker.task < 0) continue;
      Phase& phase = worker.phases.back();
      phase.left = phase.left - step * rate_of(phase);
    }
  }
}

}  // namespace harness::model::testing
