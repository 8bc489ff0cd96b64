#include "harness/recommend/serve.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "harness/base/console.h"
#include "harness/base/quantity.h"
#include "harness/base/random.h"
#include "harness/recommend/headroom.h"
#include "harness/recommend/profiling.h"
#include "harness/recommend/records.h"
#include "harness/recommend/trials.h"
#include "harness/recommend/visits.h"

namespace harness::recommend {
namespace {

constexpr int kServingRounds = 5;
constexpr double kSizing = 0.75;    // of the budget: up to here sizes are run at the rate
constexpr int kLateGenerators = 2;  // so often in a row one size may have a late generator

class Service {
 public:
  Service(const Question& question, const Objective& objective, CellRunner& runner, const Progress& progress, Records* records)
      : question_(question),
        objective_(objective),
        records_(records),
        trials_(question, runner, progress, records),
        visits_(question, objective, trials_, records, found_.profile, found_.batch) {}

  Serving run() {
    found_.clients = visits_.number_at(objective_.rate_per_s);
    look_first();
    predict();
    if (found_.kept) {
      size();
    } else {
      try_best();
    }
    find_headroom(question_, objective_, trials_, visits_, found_);
    finish();
    return std::move(found_);
  }

 private:
  void look_first() {
    const FirstRuns first = first_runs(question_, trials_, records_, [this](FirstRuns& runs) { runs.tasks = found_.clients; });
    found_.profile = first.profile;
    found_.notes = first.notes;
    found_.batch = {.tasks = kModelledClients,
                    .callback = first.callback,
                    .pools = question_.pools,
                    .python = question_.python.has_value(),
                    .in_processes = !question_.python || question_.python->seen.unpicklable.empty()};
  }

  const ServicePoint& point_of(Choice way, int workers) {
    way.workers = workers;
    const auto key = std::tuple(way.pool, way.strategy, workers);
    const auto known = points_.find(key);
    if (known != points_.end()) return known->second;
    trials_.tell(fmt::format("predicting {}", describe(way)));
    return points_
        .emplace(key, predict_service(found_.profile, found_.batch, way, objective_, objective_.rate_per_s, question_.seed))
        .first->second;
  }

  // The least size that keeps the bounds with the margin, of the cheapest way; if none does, of what comes nearest.
  void predict() {
    const std::vector<int> sizes = worker_counts(found_.profile, found_.batch, question_.most_workers);
    std::optional<Choice> cheapest;
    for (const Pool pool : question_.pools) {
      for (Choice way : ways_on(pool, found_.batch, objective_.rate_per_s)) {
        const auto least = least_size(sizes, [&](int workers) { return point_of(way, workers).keeps_with_margin(); });
        if (!least) continue;
        way.workers = *least;
        if (!cheapest || costs_less(way, *cheapest)) cheapest = way;
      }
    }
    found_.kept = cheapest.has_value();
    if (cheapest) {
      found_.chosen = point_of(*cheapest, cheapest->workers);
    } else {
      found_.chosen = nearest_point();
    }
    predicted_ = found_.chosen.choice;
  }

  // Within 2 % of the best the cheapest.
  ServicePoint nearest_point() const {
    constexpr double kAsNear = 1.02;
    const auto near = [](const ServicePoint& p) { return p.load < 1 ? p.share : 1e9 * p.load; };
    double best = near(points_.begin()->second);
    for (const auto& [key, point] : points_) best = std::min(best, near(point));
    const ServicePoint* nearest = nullptr;
    for (const auto& [key, point] : points_) {
      if (near(point) > kAsNear * best) continue;
      if (nearest == nullptr || costs_less(point.choice, nearest->choice)) nearest = &point;
    }
    return *nearest;
  }

  ServedSize& measured_of(int workers) {
    const auto at = std::find_if(found_.measured.begin(), found_.measured.end(),
                                 [&](const ServedSize& size) { return size.choice.workers >= workers; });
    if (at != found_.measured.end() && at->choice.workers == workers) return *at;
    Choice choice = predicted_;
    choice.workers = workers;
    return *found_.measured.insert(at, {.choice = choice, .rate_per_s = objective_.rate_per_s});
  }

  // Of the next round of its own. False: there is no room, or it never counts.
  bool run_size(int workers, double share) {
    ServedSize& size = measured_of(workers);
    const Clients clients = visits_.clients_at(objective_.rate_per_s, size.runs);
    if (size.too_long || !visits_.may_run(size.choice, clients, objective_.rate_per_s, share)) return false;
    for (int attempt = 0; attempt < kLateGenerators; ++attempt) {
      if (visits_.add_run(size, clients)) {
        const std::size_t percentile = objective_.bounds.back().percentile;
        detail(fmt::format("       {}: {} {} so far\n", describe(size.choice), kPercentiles[percentile].name,
                           human_ns(size.quantile(percentile).value)));
        return true;
      }
      if (size.too_long) return true;
    }
    return false;
  }

  std::vector<SeenSize> seen() {
    std::vector<SeenSize> all;
    for (const ServedSize& size : found_.measured) {
      if (size.counted.empty() && !size.too_long) continue;
      all.push_back({.workers = size.choice.workers,
                     .verdict = size.verdict(objective_, point_of(size.choice, size.choice.workers).capacity_per_s),
                     .share = size.share(objective_)});
    }
    return all;
  }

  // The most workers that cannot serve the rate for ever.
  int overloaded() {
    int most = 0;
    for (int workers = 1; workers < predicted_.workers; ++workers) {
      Choice choice = predicted_;
      choice.workers = workers;
      if (binding_limit(found_.profile, found_.batch, choice).per_s <= objective_.rate_per_s) most = workers;
    }
    return most;
  }

  void size() {
    const int beyond_help = overloaded();
    const int most = question_.most_workers;
    while (const auto next = next_size(seen(), predicted_.workers, beyond_help, most)) {
      if (!run_size(*next, kSizing)) break;
    }
    for (int round = 2; round <= kServingRounds && another_round(round, beyond_help);) ++round;
    std::erase_if(found_.measured, [](const ServedSize& size) { return size.counted.empty() && !size.too_long; });
    const std::vector<SeenSize> sizes = seen();
    if (sizes.empty()) {
      found_.minimum_workers = model_minimum();
      found_.notes.push_back(visits_.late().empty()
                                 ? "the budget had no room for a run at this rate: all is predicted; give more with --budget"
                                 : "no run counts: " + visits_.late());
      return;
    }
    for (const ServedSize& size : found_.measured) found_.rounds = std::max(found_.rounds, size.runs);
    const Sized sized = size_from(sizes, predicted_.workers, beyond_help);
    found_.kept = sized.kept;
    found_.sure = sized.kept && sized.sure;
    found_.chosen = point_of(predicted_, sized.workers);
    found_.minimum_known = sized.minimum_known;
    found_.minimum_workers = sized.minimum_known ? sized.minimum : std::min(sized.minimum, model_minimum());
    say_how_sure(sizes);
  }

  void say_how_sure(const std::vector<SeenSize>& sizes) {
    if (!found_.kept) {
      found_.notes.push_back("the model has it keep the bounds, and no run did: what makes it slower here is unknown");
    } else if (!found_.sure) {
      const bool few = static_cast<double>(found_.clients) * (1 - objective_.highest_q()) * std::max(1, found_.rounds) < 10;
      found_.notes.push_back(fmt::format("it is within the bounds, but not by the whole interval and the margin{}",
                                         few ? ": few clients come within the budget; give more with --budget" : ""));
    }
    const bool chosen_run =
        std::any_of(sizes.begin(), sizes.end(), [&](const SeenSize& s) { return s.workers == found_.chosen.choice.workers; });
    if (!chosen_run) return;
    const ServedSize& chosen = measured_of(found_.chosen.choice.workers);
    const std::size_t percentile = objective_.bounds.back().percentile;
    const auto measured = static_cast<double>(chosen.quantile(percentile).value);
    const auto predicted = static_cast<double>(chosen.predicted_ns(percentile));
    if (std::abs(measured - predicted) > std::max(0.2 * predicted, 2.0 * kMs)) {
      found_.notes.push_back(fmt::format("the model is off here: for these clients it has {} = {}", kPercentiles[percentile].name,
                                         human_ns(predicted)));
    }
  }

  // Of the sizes around the decision, each once more, with other clients. False: nothing is gained, or there is no room.
  bool another_round(int round, int beyond_help) {
    const std::vector<SeenSize> before = seen();
    if (before.empty()) return false;
    const Sized sized = size_from(before, predicted_.workers, beyond_help);
    std::vector<int> sizes;
    bool open = round == 2;
    for (const SeenSize& size : before) {
      if (size.workers < sized.minimum - 1 || size.workers > sized.workers + 1) continue;
      sizes.push_back(size.workers);
      open = open || size.verdict == Verdict::unclear;
    }
    if (!open) return false;
    SplitMix64 random(question_.seed + static_cast<std::uint64_t>(round));
    for (std::size_t left = sizes.size(); left > 1; --left) std::swap(sizes[left - 1], sizes[random.below(left)]);
    bool all = true;
    for (const int workers : sizes) {
      if (measured_of(workers).runs < round) all = run_size(workers, kSizing) && all;
    }
    return all;
  }

  int model_minimum() {
    const auto least = least_size(worker_counts(found_.profile, found_.batch, question_.most_workers),
                                  [&](int workers) { return point_of(predicted_, workers).keeps(); });
    return least.value_or(predicted_.workers);
  }

  // Nothing keeps the bounds, by the model: what comes nearest is run, so that it is not the model alone that says so.
  void try_best() {
    const Choice best = predicted_;
    if (!run_size(best.workers, kSizing)) std::erase_if(found_.measured, [](const ServedSize& s) { return s.counted.empty(); });
    const std::vector<SeenSize> sizes = seen();
    found_.minimum_workers = best.workers;
    if (!sizes.empty()) found_.rounds = 1;
    if (sizes.empty() || sizes.front().verdict != Verdict::meets) return;
    found_.kept = found_.sure = true;
    found_.notes.push_back("the model has it pass the bounds, and the run did not");
  }

  void finish() {
    for (const auto& [key, point] : points_) found_.curve.push_back(point);
    found_.release_lag_p99_ns = visits_.release_lag_p99_ns();
    if (!visits_.late().empty() && found_.rounds > 0) found_.notes.push_back("some runs did not count: " + visits_.late());
    found_.noise = trials_.noise();
    found_.gate = trials_.gate_counts();
    if (records_ != nullptr)
      records_->finish("service.csv", service_csv(objective_, found_), json(question_, objective_, found_));
  }

  const Question& question_;
  const Objective& objective_;
  Records* const records_;
  Trials trials_;
  Serving found_;
  Visits visits_;
  Choice predicted_;  // its pool and strategy are the choice's, whatever its size becomes
  std::map<std::tuple<Pool, model::Strategy, int>, ServicePoint> points_;
};

}  // namespace

Serving serve(const Question& question, const Objective& objective, CellRunner& runner, const Progress& progress,
              Records* records) {
  return Service(question, objective, runner, progress, records).run();
}

}  // namespace harness::recommend
