#include "harness/model/loop_forms.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/model/completion_forms.h"
#include "harness/model/loop_schedule.h"
#include "harness/model/shape.h"
#include "harness/model/wide.h"

namespace harness::model {
namespace {

using Values = std::vector<std::int64_t>;

bool all_equal(const Values& values) {
  return std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
}
bool all_zero(const Values& values) {
  return std::ranges::all_of(values, [](std::int64_t value) { return value == 0; });
}

// `none`, `worker`, `fused`: whatever computes does so on the loop.
struct LoopShape {
  explicit LoopShape(const Case& c)
      : n(static_cast<std::int64_t>(c.tasks.size())),
        threads(c.workers),
        flight(c.in_flight == 0 ? n : std::min(c.in_flight, n)),
        v(c.tasks.size(), 0),
        y(c.tasks.size(), 0) {
    for (const Demand& task : c.tasks) {
      w.push_back(task.wait_ns);
      x.push_back(task.compute_ns);
    }
    for (std::size_t i = 0; has_callbacks(c.strategy) && i < c.callbacks.size(); ++i) {
      v[i] = c.callbacks[i].wait_ns;
      y[i] = c.callbacks[i].compute_ns;
    }
  }

  const std::int64_t n;
  const std::int64_t threads;
  const std::int64_t flight;
  Values w, x, v, y;
};

// A pool of `workers` whose tasks and callbacks only wait, as long as they take in all.
Case waiting_pool(const Case& c, std::int64_t workers) {
  Case pool = c;
  pool.executor = Executor::pool;
  pool.workers = static_cast<int>(workers);
  pool.cores = 0;
  for (std::vector<Demand>* const demands : {&pool.tasks, &pool.callbacks}) {
    for (Demand& demand : *demands) demand = {.wait_ns = demand.service_ns(), .compute_ns = 0, .locked = false};
  }
  return pool;
}

// Of the pool that takes exactly as long as the loop, if there is one and it has a form.
std::optional<ClosedForm> form_of_a_pool(const Case& c, const LoopShape& s) {
  std::int64_t workers = 0;
  if ((all_zero(s.x) && all_zero(s.y)) || s.flight <= s.threads) {
    workers = s.flight;
  } else if (c.strategy != Strategy::worker && all_zero(s.w) && all_zero(s.v)) {
    workers = std::min(s.threads, s.flight);
  } else {
    return std::nullopt;
  }
  ClosedForm form = closed_form(waiting_pool(c, workers));
  if (!form.in_domain) return std::nullopt;
  form.formula = "as a pool of " + std::to_string(workers) + ": " + form.formula;
  return form;
}

// One thread, everybody in flight, and a callback that goes straight on or stands right behind.
ClosedForm one_thread_form(const Case& c, const LoopShape& s) {
  const bool callbacks = !all_zero(s.y);
  Values ready = s.w;
  Values work = s.x;
  for (std::size_t i = 0; i < ready.size(); ++i) {
    ready[i] += static_cast<std::int64_t>(i + 1) * c.overheads.submit_ns;
    work[i] += s.y[i];
  }
  if (all_equal(ready) && all_equal(work)) {
    return exactly(callbacks ? "w + n(x + y)" : "w + nx", ready.front() + s.n * work.front(), std::to_string(s.n) + " in a row");
  }
  const TandemTerm term = tandem(ready, work);
  std::string formula = callbacks ? "max_j [w_(j) + sum_{i>=j} (x + y)_(i)]" : "max_j [w_(j) + sum_{i>=j} x_(i)]";
  return exactly(std::move(formula), term.value_ns, "j = " + std::to_string(term.j));
}

// Equal tasks. REQUIRES: no callback waits; L divides B or B = n.
ClosedForm lockstep_form(const LoopShape& s) {
  const std::int64_t w = s.w.front();
  const std::int64_t x = s.x.front() + s.y.front();
  const std::int64_t rounds = ceil_div(s.n, s.threads);
  const std::string text = all_zero(s.y) ? "x" : "(x + y)";
  const std::string straight = "w + ceil(n/L)" + text;
  if (s.flight == s.n) return exactly(straight, w + rounds * x, std::to_string(rounds) + " rounds of computing");
  const std::int64_t q = ceil_div(s.n, s.flight);
  const std::int64_t last = ceil_div(s.n - (q - 1) * s.flight, s.threads);
  const std::string steps = all_zero(s.y) ? "q(w + x) + (r - 1)x" : "q(w + x + y) + (r - 1)(x + y)";
  return larger("max(" + straight + ", " + steps + ")", straight, w + rounds * x, steps, q * (w + x) + (last - 1) * x);
}

ClosedForm form_on_the_loop(const Case& c) {
  const LoopShape s(c);
  const Overheads& o = c.overheads;
  const std::string simulation = "simulation of an event loop";
  if (o.wake_ns > 0) return simulated(simulation, c, "a wake-up costs " + duration_text(o.wake_ns) + ", not 0");
  if (o.dispatch_ns > 0) return simulated(simulation, c, "taking up costs " + duration_text(o.dispatch_ns) + ", not 0");
  if (std::optional<ClosedForm> pool = form_of_a_pool(c, s)) return *std::move(pool);

  const bool everybody = s.flight == s.n;
  const bool straight_on = all_zero(s.v);
  if (s.threads == 1 && everybody && straight_on) return one_thread_form(c, s);

  const bool equal = all_equal(s.w) && all_equal(s.x) && all_equal(s.v) && all_equal(s.y);
  if (o.submit_ns > 0) return simulated(simulation, c, "submit costs " + duration_text(o.submit_ns) + ", not 0");
  if (!equal) {
    return simulated(simulation, c,
                     c.strategy == Strategy::none ? "tasks differ" : "tasks or their callbacks differ, or callbacks wait");
  }
  const bool behind = c.strategy == Strategy::worker && !(everybody && straight_on && all_zero(s.y));  // or take no time
  if (behind) {
    if (s.threads > 1) {
      return simulated(simulation, c, "callbacks queue behind tasks on L = " + std::to_string(s.threads) + " > 1 threads");
    }
    if (!everybody) {
      return simulated(simulation, c, "B = " + std::to_string(s.flight) + " < n = " + std::to_string(s.n));
    }
    const std::int64_t w = s.w.front(), x = s.x.front(), v = s.v.front(), y = s.y.front();
    const std::int64_t through = x + v + s.n * y, last = s.n * x + v + y, busy = s.n * (x + y);
    const std::int64_t most = std::max({busy, through, last});
    return exactly("w + max(n(x + y), x + v + ny, nx + v + y)", w + most,
                   most == busy      ? "n(x + y)"
                   : most == through ? "x + v + ny"
                                     : "nx + v + y");
  }
  if (!straight_on) return simulated(simulation, c, "callbacks wait");
  if (!everybody && s.flight % s.threads != 0) {
    return simulated(simulation, c, "B = " + std::to_string(s.flight) + " is no multiple of L = " + std::to_string(s.threads));
  }
  return lockstep_form(s);
}

}  // namespace

ClosedForm loop_form(const Case& c) {
  const Shape shape(c);
  const Overheads& o = c.overheads;
  if (c.strategy == Strategy::sync) {
    const std::int64_t costs = shape.n * (o.submit_ns + o.wake_ns + o.dispatch_ns);
    return exactly("sum(d + w + u + e + x + c)", costs + sum(shape.t) + sum(shape.callbacks), "sum");
  }
  if (const std::string why = loop_contention(c); !why.empty()) return simulated("simulation with shared cores", c, why);
  switch (c.strategy) {
    case Strategy::main:
      return one_server_form(c, shape);
    case Strategy::extra:
      return extra_form(c, shape);
    case Strategy::collect:
      return collect_form(c, shape);
    case Strategy::as_completed:
      return as_completed_form(c, shape);
    default:
      return form_on_the_loop(c);
  }
}

}  // namespace harness::model
