#include "harness/model/bounds.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "harness/model/loop_forms.h"
#include "harness/model/shape.h"
#include "harness/model/simulate.h"
#include "harness/model/wide.h"

namespace harness::model {
namespace {

Wide total(const std::vector<std::int64_t>& values) {
  Wide sum = 0;
  for (const std::int64_t value : values) sum += value;
  return sum;
}

}  // namespace

Bounds graham(const std::vector<std::int64_t>& services_ns, int servers) {
  assert(!services_ns.empty() && servers >= 1);
  const Wide sum = total(services_ns);
  const std::int64_t longest = *std::max_element(services_ns.begin(), services_ns.end());
  return {std::max(ceil_div(sum, servers), longest),
          static_cast<std::int64_t>((sum + static_cast<Wide>(servers - 1) * longest) / servers)};
}

Bounds makespan_bounds(const Case& c) {
  check(c);
  if (!c.arrivals_ns.empty()) {  // no less than the batch, had all come with the first; no more than that batch after the last
    Case batch = c;
    batch.arrivals_ns.clear();
    const Bounds of_batch = makespan_bounds(batch);
    const std::int64_t spread = c.arrivals_ns.back() - c.arrivals_ns.front();
    std::int64_t lower = 0;
    for (std::size_t i = 0; i < c.tasks.size(); ++i) {
      lower = std::max(lower, c.arrivals_ns[i] - c.arrivals_ns.front() + c.tasks[i].service_ns());
    }
    return {std::max(lower, of_batch.lower_ns), of_batch.upper_ns + spread};
  }
  if (c.executor == Executor::loop) return loop_bounds(c);
  const Shape s(c);
  const Overheads& o = c.overheads;
  // Out, back, and with a window the next permission out.
  const std::int64_t hop_ns = c.hop.request_ns + c.hop.answer_ns + (c.hop.window > 0 ? 3 : 2) * c.hop.latency_ns;
  const std::int64_t everything =
      static_cast<std::int64_t>(total(s.t) + total(s.callbacks)) + s.n * (o.submit_ns + o.dispatch_ns + o.routing_ns + hop_ns);
  if (c.serial || c.strategy == Strategy::sync) {
    std::int64_t exact = everything - s.n * (o.routing_ns + hop_ns);
    if (c.hop.any()) exact = simulate(c).makespan_ns;
    return {exact, exact};
  }
  std::int64_t compute = 0;
  for (const Demand& task : c.tasks) compute += task.compute_ns;
  if (has_callbacks(c.strategy)) {
    for (const Demand& callback : c.callbacks) compute += callback.compute_ns;
  }
  const bool on_worker = c.strategy == Strategy::worker || c.strategy == Strategy::fused;
  std::vector<std::int64_t> services = s.t;
  if (on_worker) {
    for (std::size_t i = 0; i < services.size(); ++i) services[i] += s.callbacks[i];
  }
  const Bounds tasks = graham(services, c.workers);
  std::int64_t lower = tasks.lower_ns;
  if (has_callbacks(c.strategy) && !on_worker) {
    const int servers = c.strategy == Strategy::extra ? c.parsers : 1;
    const std::int64_t first = *std::min_element(s.t.begin(), s.t.end());
    lower = std::max(lower, first + graham(s.callbacks, servers).lower_ns);
  }
  if (c.cores > 0) lower = std::max(lower, nearest_div(compute, c.cores));  // as simulate() rounds what shares cores

  // Upper: plain waiting without chunks is two list schedules one after the other; contention or chunks may serialise
  // all.
  const bool plain = compute == 0 && (c.strategy != Strategy::map || c.chunksize == 1) && !c.coupled;
  std::int64_t upper = everything;
  if (plain) {
    const std::int64_t overheads = s.n * (o.submit_ns + o.dispatch_ns + o.routing_ns + hop_ns);
    std::int64_t staged = tasks.upper_ns + overheads;
    if (has_callbacks(c.strategy) && !on_worker) {
      staged += graham(s.callbacks, c.strategy == Strategy::extra ? c.parsers : 1).upper_ns;
    }
    upper = std::min(upper, staged);
  }
  return {lower, upper};
}

std::int64_t fewest_parsers(std::vector<std::int64_t> completions_ns, std::int64_t callback_ns) {
  assert(!completions_ns.empty());
  if (callback_ns == 0) return 1;
  std::sort(completions_ns.begin(), completions_ns.end());
  const auto n = static_cast<std::int64_t>(completions_ns.size());
  std::int64_t most = 0;
  for (std::int64_t j = 1; j <= n; ++j) {
    const std::int64_t rounds = (completions_ns.back() - completions_ns[static_cast<std::size_t>(j - 1)]) / callback_ns + 1;
    most = std::max(most, (n - j) / rounds);
  }
  return most + 1;
}

std::int64_t parsers_in_the_long_run(int workers, std::int64_t task_ns, std::int64_t callback_ns) {
  assert(task_ns > 0);
  return ceil_div(static_cast<Wide>(workers) * callback_ns, task_ns);
}

}  // namespace harness::model
