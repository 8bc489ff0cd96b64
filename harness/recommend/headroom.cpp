#include "harness/recommend/headroom.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace harness::recommend {
namespace {

constexpr double kHeadroom = 0.92;    // of the budget: up to here rates are looked at; the rest is for bounded queues
constexpr double kPasses = 1.05;      // times the rate that holds: there a bound is passed
constexpr int kRoughClients = 5'000;  // simulated where many sizes and rates are tried
constexpr double kMore = 1.02;        // times the rate: worth other workers
constexpr double kLower = 0.75;       // times the rate before: run where the model's do not hold
constexpr int kLowerRates = 3;

class Headroom {
 public:
  Headroom(const Question& question, const Objective& objective, const Trials& trials, Visits& visits, Serving& found)
      : question_(question), objective_(objective), trials_(trials), visits_(visits), found_(found) {}

  void run() {
    found_.holder = found_.chosen.choice;
    if (!found_.kept) find_holder();
    const double capacity = capacity_of(found_.holder);
    if (std::isfinite(capacity)) found_.holds_up_to_per_s = holds(found_.holder, capacity, kModelledClients);
    say_what_binds();
    // What was measured counts for more than the model.
    const double model_holds = found_.holds_up_to_per_s.value_or(0);
    if (found_.kept) {
      found_.holds_up_to_per_s = std::max(model_holds, objective_.rate_per_s);
    } else if (model_holds >= objective_.rate_per_s) {
      found_.holds_up_to_per_s = measured_holds();
    }
    if (!found_.holds_up_to_per_s) return;
    found_.passes_at_per_s = kPasses * *found_.holds_up_to_per_s;
    found_.passes_ns = at_rate(found_.holder, found_.passes_at_per_s, kModelledClients).sojourns_ns;
    if (found_.checks.empty()) {
      for (const double rate : {*found_.holds_up_to_per_s, found_.passes_at_per_s}) check(rate);
    }
    if (std::isfinite(capacity) && !question_.python) go_beyond();
    if (question_.python) {
      found_.notes.push_back(
          "Python's executors take in any number of tasks: at more than they can serve everybody waits, longer and longer; turn clients away before "
          "you submit");
    }
  }

 private:
  double capacity_of(const Choice& choice) const { return binding_limit(found_.profile, found_.batch, choice).per_s; }

  ServicePoint at_rate(const Choice& choice, double rate_per_s, int clients) const {
    Batch batch = found_.batch;
    batch.tasks = clients;
    return predict_service(found_.profile, batch, choice, objective_, rate_per_s, question_.seed);
  }

  std::optional<double> holds(const Choice& choice, double most, int clients) const {
    return largest_rate(most, [&](double rate) { return at_rate(choice, rate, clients).keeps(); });
  }

  // Over every way and its sizes, roughly.
  void find_holder() {
    std::optional<double> best;
    for (const Pool pool : question_.pools) {
      for (Choice way : ways_on(pool, found_.batch, objective_.rate_per_s)) {
        for (const int workers : worker_counts(found_.profile, found_.batch, question_.most_workers)) {
          way.workers = workers;
          const double capacity = capacity_of(way);
          if (!std::isfinite(capacity) || (best && capacity <= kMore * *best)) continue;
          trials_.tell(fmt::format("how much can be served: {}", describe(way)));
          const std::optional<double> rate = holds(way, capacity, kRoughClients);
          if (!rate || (best && *rate <= kMore * *best)) continue;
          best = rate;
          found_.holder = way;
        }
      }
    }
  }

  // The first of some lower rates at which a run kept the bounds; nothing if none did. For a machine that does less than the model says.
  std::optional<double> measured_holds() {
    double rate = objective_.rate_per_s;
    for (int step = 0; step < kLowerRates; ++step) {
      rate *= kLower;
      const std::size_t before = found_.checks.size();
      check(rate);
      if (found_.checks.size() == before) return std::nullopt;
      if (found_.checks.back().share(objective_) <= 1) return rate;
    }
    return std::nullopt;
  }

  void say_what_binds() {
    const std::vector<model::Limit> all = limits_of(found_.profile, found_.batch, found_.holder);
    const auto less = [](const model::Limit& a, const model::Limit& b) { return a.per_s < b.per_s; };
    const model::Limit least = *std::min_element(all.begin(), all.end(), less);
    found_.binds = found_.holds_up_to_per_s ? std::string(least.server) : "the task itself";
    if (found_.binds != "workers" && found_.binds != "in flight") return;
    for (const model::Limit& limit : all) {
      const bool other = limit.server != found_.binds && std::isfinite(limit.per_s);
      if (other && (!found_.binds_next || less(limit, *found_.binds_next))) found_.binds_next = limit;
    }
  }

  void check(double rate_per_s) {
    const Clients clients = visits_.clients_at(rate_per_s, 0);
    if (!visits_.may_run(found_.holder, clients, rate_per_s, kHeadroom)) return;
    ServedSize size{.choice = found_.holder, .rate_per_s = rate_per_s};
    visits_.add_run(size, clients);
    if (!size.counted.empty() || size.too_long) found_.checks.push_back(std::move(size));
  }

  void go_beyond() {
    for (const Beyond& beyond : beyond_capacity(found_.profile, found_.batch, found_.holder, objective_)) {
      Serving::BeyondRun run{.beyond = beyond};
      Clients clients = visits_.clients_at(beyond.rate_per_s, 0);
      clients.queue = beyond.queue;
      clients.when_full = std::string(beyond.when_full);
      if (visits_.may_run(found_.holder, clients, beyond.rate_per_s, 1)) {
        ServedSize size{.choice = found_.holder, .rate_per_s = beyond.rate_per_s};
        visits_.add_run(size, clients);
        if (!size.counted.empty()) run.run = std::move(size);
      }
      found_.beyond.push_back(std::move(run));
    }
  }

  const Question& question_;
  const Objective& objective_;
  const Trials& trials_;
  Visits& visits_;
  Serving& found_;
};

}  // namespace

void find_headroom(const Question& question, const Objective& objective, const Trials& trials, Visits& visits, Serving& found) {
  Headroom(question, objective, trials, visits, found).run();
}

}  // namespace harness::recommend
