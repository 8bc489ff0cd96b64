#include <algorithm>

#include "harness/model/loop_forms.h"
#include "harness/model/loop_schedule.h"
#include "harness/model/wide.h"

namespace harness::model {

Bounds loop_bounds(const Case& c) {
  if (c.strategy == Strategy::sync) {
    const std::int64_t exact = schedule_loop(c).makespan_ns;
    return {exact, exact};
  }
  const Overheads& o = c.overheads;
  const auto n = static_cast<std::int64_t>(c.tasks.size());
  const std::int64_t flight = c.in_flight == 0 ? n : std::min(c.in_flight, n);
  const bool on_loop = c.strategy == Strategy::worker || c.strategy == Strategy::fused;
  const bool served = has_callbacks(c.strategy) && !on_loop;

  Wide computing = 0;     // anywhere
  Wide looping = 0;       // on loop threads
  Wide taking_up = 0;     // by them, at most
  Wide chains = 0;        // in flight
  Wide longest = 0;       // chain
  Wide longest_cost = 0;  // of taking up one chain
  std::int64_t first_wait = c.tasks.front().wait_ns;
  std::int64_t first_end = c.tasks.front().service_ns();
  Wide parsing = 0;  // callbacks, waits and all
  std::int64_t longest_callback = 0;
  for (std::size_t i = 0; i < c.tasks.size(); ++i) {
    const Demand& task = c.tasks[i];
    const Demand callback = has_callbacks(c.strategy) ? c.callbacks[i] : Demand{};
    const bool again = on_loop && (c.strategy == Strategy::worker || callback.wait_ns > 0);
    const Wide cost = (again ? 2 : 1) * (static_cast<Wide>(o.dispatch_ns) + o.wake_ns);
    const Wide chain = static_cast<Wide>(task.service_ns()) + (on_loop ? callback.service_ns() : 0);
    computing += task.compute_ns + callback.compute_ns;
    looping += task.compute_ns + (on_loop ? callback.compute_ns : 0);
    taking_up += cost;
    chains += chain;
    longest = std::max(longest, chain);
    longest_cost = std::max(longest_cost, cost);
    first_wait = std::min(first_wait, task.wait_ns);
    first_end = std::min(first_end, task.service_ns());
    parsing += callback.service_ns();
    longest_callback = std::max(longest_callback, callback.service_ns());
  }

  // Where cores are shared a makespan may be a fraction, which simulate() rounds to the nearest: so are its bounds.
  const bool contended = !loop_contention(c).empty();
  const auto over = [contended](Wide a, std::int64_t b) { return contended ? nearest_div(a, b) : ceil_div(a, b); };
  const std::int64_t threads = c.workers;
  const std::int64_t at_once = c.cores > 0 ? std::min<std::int64_t>(threads, c.cores) : threads;
  Bounds bounds;
  bounds.lower_ns = std::max({static_cast<std::int64_t>(longest), over(chains, flight), first_wait + over(looping, at_once)});
  if (c.cores > 0) bounds.lower_ns = std::max(bounds.lower_ns, over(computing, c.cores));
  std::int64_t after = 0;
  if (served) {
    const std::int64_t servers = c.strategy == Strategy::extra ? c.parsers : 1;
    const std::int64_t least = std::max(over(parsing, servers), longest_callback);
    bounds.lower_ns = std::max(bounds.lower_ns, first_end + least);
    after = static_cast<std::int64_t>((parsing + (servers - 1) * Wide{longest_callback}) / servers);
  }

  const Wide serial =
      static_cast<Wide>(n) * (static_cast<Wide>(o.submit_ns) + (c.strategy == Strategy::extra ? o.routing_ns : 0));
  Wide everything = serial + chains + taking_up;
  if (served) everything += parsing;
  Wide upper = everything;
  if (!contended) {
    const Wide busy = looping + taking_up;
    const Wide held = flight < n ? chains + taking_up : 0;
    const Wide staged = serial + (busy * flight + held * threads) / (Wide{flight} * threads) + longest + longest_cost;
    upper = std::min(upper, staged + after);
  }
  bounds.upper_ns = static_cast<std::int64_t>(upper);
  return bounds;
}

}  // namespace harness::model
