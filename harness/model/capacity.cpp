#include "harness/model/capacity.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace harness::model {
namespace {

constexpr double kNsInASecond = 1e9;

// Mean demands, ns.
struct MeanDemand {
  double wait = 0;
  double compute = 0;
  double locked = 0;  // of the computing, under the lock

  double service() const { return wait + compute; }
};

MeanDemand mean_of(const std::vector<Demand>& demands) {
  MeanDemand mean;
  for (const Demand& demand : demands) {
    mean.wait += static_cast<double>(demand.wait_ns);
    mean.compute += static_cast<double>(demand.compute_ns);
    if (demand.locked) mean.locked += static_cast<double>(demand.compute_ns);
  }
  const auto n = static_cast<double>(std::max<std::size_t>(demands.size(), 1));
  return {mean.wait / n, mean.compute / n, mean.locked / n};
}

// What `servers` servers do that each task holds one of for so long.
double served(double servers, double holds_ns) {
  return holds_ns > 0 ? servers * kNsInASecond / holds_ns : std::numeric_limits<double>::infinity();
}

}  // namespace

std::vector<Limit> limits(const Case& c) {
  const MeanDemand task = mean_of(c.tasks);
  const MeanDemand callback = has_callbacks(c.strategy) ? mean_of(c.callbacks) : MeanDemand{};
  const bool with_task = c.strategy == Strategy::worker || c.strategy == Strategy::fused;  // the worker's, before the next task
  const bool parsed_elsewhere = c.strategy == Strategy::extra;
  const double workers = c.serial ? 1 : c.workers;
  const auto dispatch = static_cast<double>(c.overheads.dispatch_ns);
  std::vector<Limit> found;
  const auto add = [&found](std::string_view server, double per_s) { found.push_back({server, per_s}); };

  if (c.executor == Executor::loop) {
    const double computed = task.compute + (with_task ? callback.compute + dispatch : 0) + dispatch;
    const double stays = task.service() + (with_task ? callback.service() : 0);
    add("workers", served(workers, computed));
    if (c.in_flight > 0) add("in flight", served(static_cast<double>(c.in_flight), stays));
  } else {
    add("workers", served(workers, dispatch + task.service() + (with_task ? callback.service() : 0)));
  }
  if (has_callbacks(c.strategy) && !with_task) {
    add(parsed_elsewhere ? "parsers" : "callback thread", served(parsed_elsewhere ? c.parsers : 1, callback.service()));
  }
  if (c.cores > 0) add("cores", served(c.cores, task.compute + callback.compute));
  if (task.locked + callback.locked > 0) add("lock", served(1, task.locked + callback.locked));
  add("submitting", served(1, static_cast<double>(c.overheads.submit_ns)));
  if (parsed_elsewhere) add("routing", served(1, static_cast<double>(c.overheads.routing_ns)));
  return found;
}

Limit least_limit(const Case& c) {
  const std::vector<Limit> all = limits(c);
  return *std::min_element(all.begin(), all.end(), [](const Limit& a, const Limit& b) { return a.per_s < b.per_s; });
}

double capacity_per_s(const Case& c) { return least_limit(c).per_s; }

double ceiling_per_s(const Case& c) {
  double least = std::numeric_limits<double>::infinity();
  for (const Limit& limit : limits(c)) {
    const bool grows = limit.server == "in flight" || (limit.server == "workers" && !c.serial);
    if (!grows) least = std::min(least, limit.per_s);
  }
  return least;
}

}  // namespace harness::model
