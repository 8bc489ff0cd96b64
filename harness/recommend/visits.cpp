#include "harness/recommend/visits.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <iterator>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/core/sojourns.h"
#include "harness/plan/arrivals.h"
#include "harness/recommend/records.h"
#include "harness/recommend/service.h"

namespace harness::recommend {
namespace {

constexpr double kStream = 0.08;  // of the budget: so long clients come in one repetition
constexpr double kMostStream = 0.5;
constexpr int kLeastClients = 40;
constexpr int kMostClients = 200'000;

}  // namespace

Visits::Visits(const Question& question, const Objective& objective, Trials& trials, const Records* records,
               const Profile& profile, const Batch& batch)
    : question_(question), objective_(objective), trials_(trials), records_(records), profile_(profile), batch_(batch) {
  const double rate = objective.rate_per_s;
  const double budget_s = std::chrono::duration<double>(question.budget).count();
  if (rate * budget_s * kMostStream < kLeastClients) {
    throw ConfigError(fmt::format("at {} too few clients come within the budget of {} to know a percentile; allowed: {} and more",
                                  human_rate(rate), format_duration(question.budget),
                                  human_ns(1e9 * kLeastClients / rate / kMostStream)));
  }
  stream_s_ = std::clamp<double>(rate * budget_s * kStream, kLeastClients, kMostClients) / rate;
}

int Visits::number_at(double rate_per_s) const {
  return std::clamp(static_cast<int>(std::lround(rate_per_s * stream_s_)), kLeastClients, kMostClients);
}

Clients Visits::clients_at(double rate_per_s, int round) const {
  return {.arrivals = arrivals_at(objective_, rate_per_s),
          .number = number_at(rate_per_s),
          .seed = question_.seed + static_cast<std::uint64_t>(round),
          .task_ns = profile_.mean_wait_ns() + profile_.mean_compute_ns()};
}

bool Visits::may_run(const Choice& choice, const Clients& clients, double rate_per_s, double share) const {
  if (rate_per_s > kMostReleasedPerS) return false;
  if (trials_.is_known(choice, clients)) return true;
  if (records_ != nullptr && records_->complete()) return false;
  return std::chrono::duration<double>(clients.number / rate_per_s) < trials_.left(share);
}

bool Visits::add_run(ServedSize& size, const Clients& clients) {
  trials_.tell(fmt::format("{} clients at {}, {}", clients.number, human_rate(size.rate_per_s), describe(size.choice)));
  const Visit visit = trials_.visit(size.choice, clients);
  size.too_long = size.too_long || visit.too_long;
  if (!visit.invalid.empty()) late_ = visit.invalid;
  if (visit.sojourns_ns.empty()) return false;
  release_lag_p99_ns_ = std::max(release_lag_p99_ns_, visit.release_lag_p99_ns);
  ++size.runs;
  size.arrived += clients.number;
  const std::size_t from = first_counted(visit.sojourns_ns.size());
  for (std::size_t i = 0; i < visit.sojourns_ns.size(); ++i) {
    if (visit.sojourns_ns[i] == kNoStamp) {
      ++size.rejected;
    } else if (i >= from) {
      size.counted.push_back(visit.sojourns_ns[i]);
    }
  }
  std::sort(size.counted.begin(), size.counted.end());
  Batch same = batch_;
  same.tasks = clients.number;
  Factors limits;
  limits.queue = clients.queue;
  limits.when_full = clients.when_full;
  const auto modelled = predict_sojourns(profile_, same, size.choice, clients.arrivals, clients.seed, limits);
  size.modelled_rejected += std::count(modelled.begin(), modelled.end(), model::kNever);
  std::copy_if(modelled.begin() + static_cast<std::ptrdiff_t>(from), modelled.end(), std::back_inserter(size.modelled),
               [](std::int64_t sojourn) { return sojourn != model::kNever; });
  std::sort(size.modelled.begin(), size.modelled.end());
  return true;
}

}  // namespace harness::recommend
