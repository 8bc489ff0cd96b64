#include "harness/recommend/causes.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace harness::recommend {
namespace {

constexpr double kFits = 0.15;  // of the makespan: a prediction that is no further off fits

PoolProfile& pool_of(Profile& profile, Pool pool) { return pool == Pool::thread ? profile.thread : profile.process; }

// Whether the profile without a cause says as much of what was measured as the one with it.
bool refuted(const Profile& with, const Profile& without, const Batch& batch, const std::vector<Measured>& measured, Pool pool) {
  const double error = misfit(with, batch, measured, pool);
  if (error < 0) return false;  // nothing was run that could tell
  const double error_without = misfit(without, batch, measured, pool);
  return error_without <= error || (error > kFits && error > error_without / 2);
}

}  // namespace

double misfit(const Profile& profile, const Batch& batch, const std::vector<Measured>& measured, Pool pool) {
  std::vector<double> errors;
  for (const Measured& run : measured) {
    if (run.choice.pool != pool || run.choice.workers < 2) continue;
    const auto predicted = static_cast<double>(std::max<std::int64_t>(1, predict_ns(profile, batch, run.choice)));
    errors.push_back(std::abs(static_cast<double>(run.median_ns) / predicted - 1));
  }
  if (errors.empty()) return -1;
  std::nth_element(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2), errors.end());
  return errors[errors.size() / 2];
}

std::vector<std::string> drop_refuted(Profile& profile, const Batch& batch, const std::vector<Measured>& measured) {
  std::vector<std::string> dropped;
  for (const Pool pool : {Pool::thread, Pool::process}) {
    PoolProfile& known = pool_of(profile, pool);
    if (known.locked_share > 0) {
      Profile without = profile;
      pool_of(without, pool).locked_share = 0;
      if (refuted(profile, without, batch, measured, pool)) {
        known.locked_share = 0;
        dropped.push_back("a lock of the " + backend_name(pool) + " pool");
      }
    }
    if (known.usl.contends()) {
      Profile without = profile;
      pool_of(without, pool).usl = {};
      if (refuted(profile, without, batch, measured, pool)) {
        known.usl = {};
        dropped.push_back("contention on the " + backend_name(pool) + " pool");
      }
    }
  }
  return dropped;
}

bool take_for_the_lock(Profile& profile, const Batch& batch, const std::vector<Measured>& measured) {
  if (profile.thread.locked_share > 0) return false;
  Profile locked = profile;
  locked.thread.locked_share = 1;
  locked.thread.usl = {};
  const double error = misfit(profile, batch, measured, Pool::thread);
  const double error_locked = misfit(locked, batch, measured, Pool::thread);
  if (error <= kFits || error_locked > std::min(kFits, error / 2)) return false;
  profile = std::move(locked);
  return true;
}

std::vector<Choice> witnesses_of_causes(const Profile& profile, const Batch& batch, const std::vector<Choice>& choices) {
  std::vector<Choice> witnesses;
  for (const Pool pool : {Pool::thread, Pool::process}) {
    const PoolProfile& known = profile.of(pool);
    if (known.locked_share == 0 && !known.usl.contends()) continue;
    std::optional<Point> fastest;
    for (const Choice& choice : choices) {
      if (choice.pool != pool || choice.workers < 2) continue;
      const Point point{choice, predict_ns(profile, batch, choice)};
      if (!fastest || point.predicted_ns < fastest->predicted_ns) fastest = point;
    }
    if (fastest) witnesses.push_back(fastest->choice);
  }
  return witnesses;
}

}  // namespace harness::recommend
