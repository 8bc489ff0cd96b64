#include "harness/recommend/profile.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "harness/engine/own/inputs.h"

namespace harness::recommend {

std::string backend_name(Pool pool) {
  switch (pool) {
    case Pool::to_thread:
      return "to_thread";
    case Pool::loop:
      return "asyncio";
    case Pool::process:
      return "process";
    case Pool::forkserver:
      return "process_forkserver";
    case Pool::spawn:
      return "process_spawn";
    case Pool::remote:
      return "remote";
    default:
      return "thread";
  }
}

bool is_process(Pool pool) { return pool >= Pool::process; }

Usl fit_usl(const std::vector<Slowdown>& slowdowns, double noise) {
  const bool explained = std::all_of(slowdowns.begin(), slowdowns.end(), [&](const Slowdown& s) { return s.factor < noise; });
  if (explained) return {};
  // Normal equations of factor - 1 = alpha * x + beta * y with x = N-1, y = N(N-1).
  double xx = 0, xy = 0, yy = 0, xz = 0, yz = 0;
  for (const Slowdown& s : slowdowns) {
    const double x = s.workers - 1;
    const double y = x * s.workers;
    const double z = std::max(0.0, s.factor - 1);
    xx += x * x;
    xy += x * y;
    yy += y * y;
    xz += x * z;
    yz += y * z;
  }
  if (xx == 0) return {};  // nothing but single workers
  const double determinant = xx * yy - xy * xy;
  Usl both;
  if (determinant > 1e-9 * xx * yy) both = {(xz * yy - yz * xy) / determinant, (yz * xx - xz * xy) / determinant};
  if (both.alpha >= 0 && both.beta >= 0 && both.contends()) return both;
  // On the boundary: the better of one parameter alone.
  const Usl only_alpha{xz / xx, 0};
  const Usl only_beta{0, yz / yy};
  const auto error = [&](const Usl& usl) {
    double sum = 0;
    for (const Slowdown& s : slowdowns) sum += std::pow(usl.slowdown(s.workers) - std::max(1.0, s.factor), 2);
    return sum;
  };
  return error(only_alpha) <= error(only_beta) ? only_alpha : only_beta;
}

const model::Demand& Profile::demand_of(int task, int tasks) const {
  const auto seen = static_cast<std::int64_t>(demands.size());
  if (inputs == 0) return demands[static_cast<std::size_t>(task % seen)];
  const std::int64_t input = own::input_of_task(task, tasks, inputs);
  return demands[static_cast<std::size_t>(seen < inputs ? input * seen / inputs : input)];
}

std::int64_t Profile::mean_wait_ns() const {
  std::int64_t sum = 0;
  for (const model::Demand& demand : demands) sum += demand.wait_ns;
  return sum / static_cast<std::int64_t>(demands.size());
}

std::int64_t Profile::mean_compute_ns() const {
  std::int64_t sum = 0;
  for (const model::Demand& demand : demands) sum += demand.compute_ns;
  return sum / static_cast<std::int64_t>(demands.size());
}

double Profile::waiting_share() const {
  const double wait = static_cast<double>(mean_wait_ns());
  const double all = wait + static_cast<double>(mean_compute_ns());
  return all > 0 ? wait / all : 0;
}

std::optional<double> Profile::wait_to_compute() const {
  if (mean_compute_ns() == 0) return std::nullopt;
  return static_cast<double>(mean_wait_ns()) / static_cast<double>(mean_compute_ns());
}

std::int64_t Profile::quantile_ns(double q) const {
  std::vector<std::int64_t> sorted = services_ns;
  std::sort(sorted.begin(), sorted.end());
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(std::lround(rank))];
}

double Profile::variation() const {
  const double n = static_cast<double>(services_ns.size());
  const double mean = static_cast<double>(std::accumulate(services_ns.begin(), services_ns.end(), std::int64_t{0})) / n;
  if (mean == 0) return 0;
  double squares = 0;
  for (const std::int64_t service : services_ns) squares += std::pow(static_cast<double>(service) - mean, 2);
  return std::sqrt(squares / n) / mean;
}

Profile profile_of(const std::vector<const Trace*>& one_at_a_time, int cores) {
  Profile profile;
  profile.cores = cores;
  std::int64_t all_service = 0;
  std::int64_t all_cpu = 0;
  std::int64_t all_delayed = 0;
  for (const Trace* const trace : one_at_a_time) {
    for (const TaskTrace& task : trace->tasks) {
      const std::int64_t service = std::max<std::int64_t>(0, task.finished_ns - task.started_ns);
      const std::int64_t cpu = std::max<std::int64_t>(0, task.cpu_ns);
      const std::int64_t delayed = std::clamp<std::int64_t>(task.delayed_ns, 0, std::max<std::int64_t>(0, service - cpu));
      all_service += service;
      all_cpu += cpu;
      all_delayed += delayed;
      profile.services_ns.push_back(service);
      profile.demands.push_back(
          {.wait_ns = std::max<std::int64_t>(0, service - cpu - delayed), .compute_ns = std::min(service, cpu)});
    }
  }
  if (profile.demands.empty()) throw std::invalid_argument("no task was measured");
  if (all_cpu > all_service && all_service > 0) {
    profile.cores_per_task = static_cast<double>(all_cpu) / static_cast<double>(all_service);
  }
  if (all_service > 0) profile.delayed_share = static_cast<double>(all_delayed) / static_cast<double>(all_service);
  return profile;
}

double locked_share(std::int64_t measured_ns, std::int64_t unlocked_ns, std::int64_t locked_ns) {
  // What a lock costs, and what it did cost, must stand out of the noise: a tenth.
  if (static_cast<double>(std::min(measured_ns, locked_ns)) < 1.1 * static_cast<double>(unlocked_ns)) return 0;
  const double share = static_cast<double>(measured_ns - unlocked_ns) / static_cast<double>(locked_ns - unlocked_ns);
  return share < 0.1 ? 0 : share > 0.9 ? 1 : share;
}

bool beyond_noise(const std::vector<std::int64_t>& threads_ns, const std::vector<std::int64_t>& processes_ns) {
  const auto fastest = static_cast<double>(*std::min_element(threads_ns.begin(), threads_ns.end()));
  const auto slowest = static_cast<double>(*std::max_element(processes_ns.begin(), processes_ns.end()));
  return fastest > (std::min(threads_ns.size(), processes_ns.size()) < 2 ? 1.5 : 1) * slowest;
}

std::optional<double> knee(const Profile& profile, Pool pool) {
  const std::optional<double> ratio = profile.wait_to_compute();
  if (!ratio) return std::nullopt;
  const double free = profile.effective_cores() * (1 + *ratio);
  const double share = profile.of(pool).locked_share;
  return share > 0 ? std::min(free, (1 + *ratio) / share) : free;
}

}  // namespace harness::recommend
