#include "harness/model/closed_forms.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "harness/model/completion_forms.h"
#include "harness/model/hop_forms.h"
#include "harness/model/loop_forms.h"
#include "harness/model/shape.h"
#include "harness/model/simulate.h"
#include "harness/model/wide.h"

namespace harness::model {
namespace {

ClosedForm longest_of(std::string formula, const std::vector<std::int64_t>& services) {
  const auto longest = std::max_element(services.begin(), services.end());
  return exactly(std::move(formula), *longest, "task " + std::to_string(longest - services.begin() + 1));
}

// `none`, `worker`, `fused`: the list schedule of the services p.
ClosedForm list_form(const Case& c, const Shape& s, const std::vector<std::int64_t>& services, const std::string& p) {
  const Overheads& o = c.overheads;
  if (s.n <= s.k && o.submit_ns == 0) return longest_of("max(" + p + ")", services);
  const bool equal = std::adjacent_find(services.begin(), services.end(), std::not_equal_to<>()) == services.end();
  if (equal && o.submit_ns == 0) return exactly("q(" + p + ")", s.q * services.front(), std::to_string(s.q) + " rounds");
  if (o.submit_ns > 0) return simulated("list schedule of " + p, c, "submit costs " + duration_text(o.submit_ns) + ", not 0");
  return simulated("list schedule of " + p, c, s.more_tasks_than_workers() + " and durations differ: " + s.range_of(services));
}

ClosedForm main_form(const Case& c, const Shape& s) {
  const Overheads& o = c.overheads;
  if (s.equal_tasks && s.equal_callbacks && o.submit_ns == 0 && o.dispatch_ns == 0) {
    return larger("max(t + nc, qt + Lc)", "t + nc", s.longest + s.n * s.c, "qt + Lc", s.q * s.longest + s.last * s.c);
  }
  if (s.linear && s.n <= s.k && s.equal_callbacks && o.submit_ns == 0 && o.dispatch_ns == 0) {
    const std::int64_t step = s.t.front();
    return larger("max(D + nc, nD + c)", "nD + c", s.n * step + s.c, "D + nc", step + s.n * s.c);
  }
  return one_server_form(c, s);
}

ClosedForm map_form(const Case& c, const Shape& s) {
  if (c.chunksize == 1) return collect_form(c, s);
  const Overheads& o = c.overheads;
  if (c.chunksize >= s.n && o.submit_ns == 0 && o.dispatch_ns == 0) {
    return exactly("sum t + sum c", sum(s.t) + sum(s.callbacks), "one chunk");
  }
  return simulated("simulation of map", c,
                   "chunksize " + std::to_string(c.chunksize) + " is neither 1 nor at least n = " + std::to_string(s.n));
}

}  // namespace

ClosedForm closed_form(const Case& c) {
  check(c);
  if (!c.arrivals_ns.empty()) return simulated("simulation of arrivals", c, "the tasks come over time");
  const Shape s(c);
  const Overheads& o = c.overheads;
  if (c.hop.any()) return hop_form(c, s);
  if (c.executor == Executor::loop) return loop_form(c);
  if (c.coupled) return simulated("simulation of coupled dispatch", c, "the callback thread dispatches the tasks");
  if (c.serial || c.strategy == Strategy::sync) {
    const std::int64_t total = s.n * (o.submit_ns + o.dispatch_ns) + sum(s.t) + sum(s.callbacks);
    return exactly(has_callbacks(c.strategy) ? "sum(d + e + t + c)" : "sum(d + e + t)", total, "sum");
  }
  if (shares_cores(c)) {
    const bool alone = c.strategy == Strategy::none && s.n <= s.k && o.submit_ns == 0 && o.dispatch_ns == 0;
    bool pure = true;
    bool locked = true;
    bool unlocked = true;
    std::vector<std::int64_t> compute;
    for (const Demand& task : c.tasks) {
      pure = pure && task.wait_ns == 0;
      locked = locked && task.locked;
      unlocked = unlocked && !task.locked;
      compute.push_back(task.compute_ns);
    }
    if (alone && pure && (locked || unlocked)) {
      return exactly("sum_j (t_(j) - t_(j-1)) max(1, (n-j+1)/P)", processor_sharing_makespan(compute, locked ? 1 : c.cores),
                     "P = " + std::to_string(locked ? 1 : c.cores));
    }
    return simulated("simulation with shared cores", c,
                     c.cores > 0 ? "computing tasks share " + std::to_string(c.cores) + " cores"
                                 : "computing tasks share one lock");
  }
  switch (c.strategy) {
    case Strategy::none: {
      std::vector<std::int64_t> services = s.t;
      for (std::int64_t& service : services) service += o.dispatch_ns;
      return list_form(c, s, services, o.dispatch_ns > 0 ? "e + t" : "t");
    }
    case Strategy::worker:
    case Strategy::fused: {
      std::vector<std::int64_t> services = s.t;
      for (std::size_t i = 0; i < services.size(); ++i) services[i] += o.dispatch_ns + s.callbacks[i];
      return list_form(c, s, services, o.dispatch_ns > 0 ? "e + t + c" : "t + c");
    }
    case Strategy::main:
      return main_form(c, s);
    case Strategy::extra:
      return extra_form(c, s);
    case Strategy::collect:
      return collect_form(c, s);
    case Strategy::as_completed:
      return as_completed_form(c, s);
    case Strategy::map:
      return map_form(c, s);
    case Strategy::sync:
      break;  // above
  }
  return {};
}

std::int64_t processor_sharing_makespan(std::vector<std::int64_t> compute_ns, int cores) {
  std::sort(compute_ns.begin(), compute_ns.end());
  const std::int64_t n = static_cast<std::int64_t>(compute_ns.size());
  const std::int64_t p = cores < 1 ? n : cores;
  Wide scaled = 0;  // P times the makespan
  std::int64_t previous = 0;
  for (std::int64_t j = 1; j <= n; ++j) {
    const std::int64_t t = compute_ns[static_cast<std::size_t>(j - 1)];
    scaled += static_cast<Wide>(t - previous) * std::max(p, n - j + 1);
    previous = t;
  }
  return nearest_div(scaled, p);
}

}  // namespace harness::model
