#include "harness/model/hop_forms.h"

#include <algorithm>
#include <string>

#include "harness/model/completion_forms.h"
#include "harness/model/simulate.h"
#include "harness/model/wide.h"

namespace harness::model {
namespace {

struct Rounds {
  std::int64_t q;     // ceil(n/k)
  std::int64_t last;  // L
};
Rounds rounds_of(std::int64_t tasks, std::int64_t workers) {
  const std::int64_t q = (tasks + workers - 1) / workers;
  return {q, tasks - (q - 1) * workers};
}

}  // namespace

ClosedForm hop_form(const Case& c, const Shape& s) {
  const Overheads& o = c.overheads;
  const Hop& hop = c.hop;
  if (c.strategy == Strategy::sync) {
    const std::int64_t each = o.submit_ns + o.dispatch_ns + 2 * hop.latency_ns + hop.request_ns + hop.answer_ns;
    return exactly("sum(d + e + 2l + b + b' + t + c)", s.n * each + sum(s.t) + sum(s.callbacks), "sum");
  }
  const bool by_worker = c.strategy == Strategy::worker || c.strategy == Strategy::fused;
  const bool plain = (c.strategy == Strategy::none || by_worker) && s.equal_tasks && (!by_worker || s.equal_callbacks) &&
                     o.submit_ns == 0 && o.dispatch_ns == 0 && !shares_cores(c);
  if (!plain) return simulated("simulation with a hop", c, "only equal tasks without other costs have a form");
  const std::int64_t p = s.longest + (by_worker ? s.c : 0);
  const std::string service = by_worker ? "(t + c)" : "t";
  if (hop.window == 0 || hop.window >= s.n) {
    return larger("l + max(nb + " + service + ", Lb + q" + service + ")", "nb + " + service,
                  hop.latency_ns + s.n * hop.request_ns + p, "Lb + q" + service,
                  hop.latency_ns + s.last * hop.request_ns + s.q * p);
  }
  if (hop.window == s.k && hop.request_ns == 0 && hop.answer_ns == 0) {
    return exactly("q" + service + " + (2q - 1)l", s.q * p + (2 * s.q - 1) * hop.latency_ns, std::to_string(s.q) + " rounds");
  }
  return simulated("simulation with a hop", c, "the window of " + std::to_string(hop.window) + " bounds");
}

std::int64_t away_and_back_ns(std::int64_t tasks, std::int64_t task_ns, int workers, const Hop& hop) {
  const Rounds there = rounds_of(tasks, workers);
  const std::int64_t a = std::min(hop.request_ns, hop.answer_ns);
  const std::int64_t b = std::max(hop.request_ns, hop.answer_ns);
  return 2 * hop.latency_ns + a + std::max(tasks * b + task_ns, there.last * b + there.q * task_ns);
}

std::optional<std::int64_t> break_even_ns(std::int64_t tasks, int workers_here, int workers_there, const Hop& hop) {
  const Rounds here = rounds_of(tasks, workers_here);
  const Rounds there = rounds_of(tasks, workers_there);
  if (here.q <= there.q) return std::nullopt;
  const Wide a = std::min(hop.request_ns, hop.answer_ns);
  const Wide b = std::max(hop.request_ns, hop.answer_ns);
  const Wide way = 2 * static_cast<Wide>(hop.latency_ns) + a;
  return std::max(ceil_div(way + tasks * b, here.q - 1), ceil_div(way + there.last * b, here.q - there.q));
}

std::optional<std::int64_t> break_even_in_the_long_run_ns(int workers_here, int workers_there, const Hop& hop) {
  if (workers_there <= workers_here) return std::nullopt;
  return workers_here * std::max(hop.request_ns, hop.answer_ns);
}

}  // namespace harness::model
