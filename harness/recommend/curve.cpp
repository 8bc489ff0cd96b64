#include "harness/recommend/curve.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "harness/model/bounds.h"
#include "harness/model/shared_cores.h"
#include "harness/model/simulate.h"
#include "harness/plan/model_case.h"

namespace harness::recommend {

model::Case case_of(const Profile& profile, const Batch& batch, const Choice& choice) {
  const PoolProfile& pool = profile.of(choice.pool);
  model::Case c;
  c.strategy = choice.strategy;
  c.workers = choice.workers;
  c.parsers = std::max(1, choice.parsers);
  const int machines = std::max(1, choice.hosts);
  c.cores = std::max(1, static_cast<int>(std::lround(profile.effective_cores()))) * machines;
  if (choice.pool == Pool::loop) {  // one thread, and so many tasks under way
    c.executor = model::Executor::loop;
    c.workers = 1;
    c.in_flight = choice.workers;
  }
  c.overheads.dispatch_ns = pool.dispatch_ns;
  const double slowdown = choice.pool == Pool::loop ? 1 : pool.usl.slowdown(choice.workers / machines);
  double locked = 0;  // of a task, carried from task to task: a share of one half locks every second one
  for (int task = 0; task < batch.tasks; ++task) {
    model::Demand demand = profile.demand_of(task, batch.tasks);
    demand.wait_ns = std::llround(static_cast<double>(demand.wait_ns) * slowdown);
    demand.compute_ns = std::llround(static_cast<double>(demand.compute_ns) * slowdown);
    if (choice.pool != Pool::loop) locked += pool.locked_share;  // a loop has one thread
    if (locked >= 1 - 1e-9) {
      demand.locked = true;
      locked -= 1;
    }
    c.tasks.push_back(demand);
  }
  c.callbacks.assign(static_cast<std::size_t>(batch.tasks), batch.has_callbacks() ? batch.callback : model::Demand{});
  // CPython's process pool feeds its workers on the thread that runs the callbacks.
  const bool coupled = batch.python && is_process(choice.pool) && choice.strategy == model::Strategy::main;
  c.coupled = coupled && !model::shares_cores(c);
  if (choice.pool == Pool::remote && profile.hop.any()) c.hop = hop_for(c, profile.hop);
  return c;
}

namespace {

int fewest_parsers_for(const Profile& profile, const Batch& batch, Choice choice) {
  choice.strategy = model::Strategy::none;
  const model::Case c = case_of(profile, batch, choice);
  const std::int64_t fewest = model::fewest_parsers(model::finish_times(c), batch.callback.service_ns());
  return static_cast<int>(std::clamp<std::int64_t>(fewest, 1, 64));
}

// With a parser more the callbacks may be done sooner, but each is a process to be started.
Point with_parsers(const Profile& profile, const Batch& batch, Choice choice) {
  choice.parsers = fewest_parsers_for(profile, batch, choice);
  Point best{choice, predict_ns(profile, batch, choice)};
  if (profile.process.start_per_worker_ns == 0) return best;
  for (const int fewer : {profile.cores, 2, 1}) {
    if (fewer >= best.choice.parsers) continue;
    choice.parsers = fewer;
    const std::int64_t predicted_ns = predict_ns(profile, batch, choice);
    if (predicted_ns <= best.predicted_ns) best = {choice, predicted_ns};
  }
  return best;
}

bool better(const Point& a, const Point& b) {
  return a.predicted_ns != b.predicted_ns ? a.predicted_ns < b.predicted_ns : cheaper(a.choice, b.choice);
}

// The cheapest that the same pool has, on as many hosts, and that is predicted within `margin` of `best`.
Choice leanest_within(double margin, const Point& best, const std::vector<Point>& curve) {
  const double enough = static_cast<double>(best.predicted_ns) * (1 + margin);
  Choice lean = best.choice;
  for (const Point& point : curve) {
    const bool same = point.choice.pool == lean.pool && point.choice.hosts == lean.hosts;
    if (same && static_cast<double>(point.predicted_ns) <= enough && cheaper(point.choice, lean)) lean = point.choice;
  }
  return lean;
}

}  // namespace

std::string describe(const Choice& choice) {
  std::string text = is_process(choice.pool) ? "process pool" : "thread pool";
  if (choice.pool == Pool::to_thread) text = "asyncio.to_thread";
  if (choice.pool == Pool::loop) text = "asyncio";
  if (choice.pool == Pool::remote) text = "pool over " + std::to_string(choice.hosts) + (choice.hosts == 1 ? " host" : " hosts");
  text += ", " + std::to_string(choice.workers);
  text += choice.pool == Pool::loop ? " in flight" : choice.workers == 1 ? " worker" : " workers";
  if (choice.pool == Pool::forkserver) text += " by forkserver";
  if (choice.pool == Pool::spawn) text += " by spawn";
  switch (choice.strategy) {
    case model::Strategy::worker:
      return text + ", callbacks on the worker";
    case model::Strategy::main:
      return text + ", callbacks on one thread of the main process";
    case model::Strategy::collect:
      return text + ", callbacks in the caller, in order";
    case model::Strategy::as_completed:
      return text + ", callbacks in the caller, as completed";
    case model::Strategy::map:
      return text + ", callbacks in the caller, over map()";
    case model::Strategy::fused:
      return text + ", callback as part of the task";
    case model::Strategy::extra:
      return text + ", callbacks in " + std::to_string(choice.parsers) + " parser process" + (choice.parsers == 1 ? "" : "es");
    default:
      return text;
  }
}

std::vector<int> worker_counts(const Profile& profile, const Batch& batch, int most) {
  most = std::clamp(batch.tasks, 1, most);
  std::set<int> counts{1, profile.cores, profile.cores * 5, most};
  double workers = 1;
  while (workers < most) {
    counts.insert(static_cast<int>(workers));
    workers = std::max(workers + 1, workers * 1.25);
  }
  for (const Pool pool : {Pool::thread, Pool::process}) {
    const std::optional<double> at = knee(profile, pool);
    if (!at || *at > most) continue;
    counts.insert(std::max(1, static_cast<int>(std::floor(*at))));
    counts.insert(static_cast<int>(std::ceil(*at)));
  }
  // A last batch that is full: of n tasks on k workers, ceil(n/k) rounds; the smallest k with as many rounds is the cheapest.
  for (int rounds = 1; rounds <= 4; ++rounds) counts.insert((batch.tasks + rounds - 1) / rounds);
  std::vector<int> sorted;
  for (const int count : counts) {
    if (count >= 1 && count <= most) sorted.push_back(count);
  }
  return sorted;
}

std::int64_t one_at_a_time_ns(const Profile& profile, const Batch& batch) {
  std::int64_t sum = batch.tasks * batch.callback.service_ns();
  for (int task = 0; task < batch.tasks; ++task) sum += profile.demand_of(task, batch.tasks).service_ns();
  return sum;
}

std::int64_t predict_ns(const Profile& profile, const Batch& batch, const Choice& choice) {
  const PoolProfile& pool = profile.of(choice.pool);
  const int started = choice.pool == Pool::loop ? 1 : choice.workers;
  std::int64_t start_ns = pool.start_ns + pool.start_per_worker_ns * started;
  if (choice.parsers > 0) start_ns += profile.process.start_ns + profile.process.start_per_worker_ns * choice.parsers;
  return model::simulate(case_of(profile, batch, choice)).makespan_ns + start_ns;
}

std::vector<model::Strategy> strategies_on(Pool pool, const Batch& batch) {
  using model::Strategy;
  if (!batch.has_callbacks()) return {Strategy::none};
  if (!batch.python) return {Strategy::worker, Strategy::main, Strategy::fused, Strategy::extra};
  if (pool == Pool::loop) return {Strategy::worker, Strategy::fused, Strategy::collect};
  std::vector<Strategy> all{Strategy::fused, Strategy::collect, Strategy::as_completed, Strategy::map};
  if (batch.in_processes) all.push_back(Strategy::extra);
  all.push_back(pool == Pool::thread ? Strategy::worker : Strategy::main);
  return all;
}

bool cheaper(const Choice& a, const Choice& b) {
  const auto cost = [](const Choice& c) {
    // Tasks in flight on a loop cost next to nothing.
    return std::tuple(c.hosts, (c.pool == Pool::loop ? 1 : c.workers) + c.parsers, static_cast<int>(c.pool),
                      static_cast<int>(c.strategy), c.workers);
  };
  return cost(a) < cost(b);
}

std::vector<Point> predict_curve(const Profile& profile, const Batch& batch, int most_workers) {
  std::vector<Point> points;
  const auto add = [&](Pool pool, int workers, int hosts) {
    for (const model::Strategy strategy : strategies_on(pool, batch)) {
      const Choice choice{pool, workers, strategy, 0, hosts};
      points.push_back(strategy == model::Strategy::extra ? with_parsers(profile, batch, choice)
                                                          : Point{choice, predict_ns(profile, batch, choice)});
    }
  };
  const std::vector<int> counts = worker_counts(profile, batch, most_workers);
  for (const Pool pool : batch.pools) {
    for (const int workers : counts) add(pool, workers, 0);
  }
  for (int hosts = 1; hosts <= batch.hosts; ++hosts) {
    for (const int each : counts) {
      if (each == 1 || each * hosts < batch.tasks + hosts) add(Pool::remote, each * hosts, hosts);
    }
  }
  std::stable_sort(points.begin(), points.end(), better);
  return points;
}

std::vector<Choice> candidates(const std::vector<Point>& curve, const Profile& profile, std::size_t most, double margin) {
  std::vector<Choice> chosen;
  const auto add = [&](const Choice& choice) {
    if (std::find(chosen.begin(), chosen.end(), choice) == chosen.end()) chosen.push_back(choice);
  };
  const auto best_at = [&](Pool pool, int workers) {
    const auto at = std::find_if(curve.begin(), curve.end(),
                                 [&](const Point& p) { return p.choice.pool == pool && p.choice.workers == workers; });
    if (at != curve.end()) add(at->choice);
  };
  best_at(Pool::thread, profile.cores);
  best_at(Pool::thread, profile.cores * 5);
  best_at(Pool::process, profile.cores);
  for (const Pool pool : {Pool::thread, Pool::loop, Pool::process}) {
    const auto best = std::find_if(curve.begin(), curve.end(), [&](const Point& p) { return p.choice.pool == pool; });
    if (best == curve.end()) continue;
    add(best->choice);
    add(leanest_within(margin / 3, *best, curve));  // what is surely as good
    add(leanest_within(margin, *best, curve));      // what may turn out to be
  }
  // All in flight, the plainest program: nobody waits for another's end, which a prediction does not see where waits differ a little.
  int in_flight = 0;
  for (const Point& point : curve) {
    if (point.choice.pool == Pool::loop) in_flight = std::max(in_flight, point.choice.workers);
  }
  best_at(Pool::loop, in_flight);
  for (int hosts = 1;; ++hosts) {
    const auto best = std::find_if(curve.begin(), curve.end(), [&](const Point& p) { return p.choice.hosts == hosts; });
    if (best == curve.end()) break;
    add(leanest_within(margin / 3, *best, curve));
  }
  // Then whatever is predicted best, until there are enough.
  for (const Point& point : curve) {
    if (chosen.size() >= most) break;
    const bool near = std::any_of(chosen.begin(), chosen.end(), [&](const Choice& c) {
      return c.pool == point.choice.pool && c.hosts == point.choice.hosts && c.strategy == point.choice.strategy &&
             std::abs(c.workers - point.choice.workers) * 8 <= c.workers;
    });
    if (!near) add(point.choice);
  }
  return chosen;
}

}  // namespace harness::recommend
