#include "harness/analysis/leaving.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "harness/engine/backends/remote.h"
#include "harness/model/hop_forms.h"

namespace harness {
namespace {

// The fastest cell of a scenario that `is` says yes of.
template <class Is>
std::optional<std::size_t> fastest(const Analysis& analysis, const Scenario& scenario, Is is) {
  std::optional<std::size_t> best;
  for (const std::size_t index : scenario.cells) {
    const CellSummary& cell = analysis.cells[index];
    if (!cell.median_ns || !is(cell.factors.backend)) continue;
    if (!best || *cell.median_ns < *analysis.cells[*best].median_ns) best = index;
  }
  return best;
}

std::optional<Leaving::At> compared(const Analysis& analysis, const Scenario& scenario) {
  const auto here = fastest(analysis, scenario, [](const std::string& backend) { return !is_remote(backend); });
  auto away = fastest(analysis, scenario, [](const std::string& backend) { return backend.starts_with(kRemotePrefix); });
  if (!away) away = fastest(analysis, scenario, [](const std::string& backend) { return is_remote(backend); });
  if (!here || !away) return std::nullopt;
  const CellSummary& a = analysis.cells[*here];
  const CellSummary& b = analysis.cells[*away];
  Leaving::At at{a.factors.task_ns, *here, *away};
  at.ratio = static_cast<double>(*b.median_ns) / static_cast<double>(std::max<std::int64_t>(1, *a.median_ns));
  const bool away_is_faster = *b.median_ns < *a.median_ns;
  const bool tie = away_is_faster ? ties(b.makespans_ns, a.makespans_ns) : ties(a.makespans_ns, b.makespans_ns);
  at.better = tie ? Leaving::Better::neither : away_is_faster ? Leaving::Better::away : Leaving::Better::here;
  return at;
}

// The break-even of the first size that lies beyond its own: it depends on how many tasks there are.
void ask_the_model(const Analysis& analysis, Leaving& leaving) {
  for (const Leaving::At& at : leaving.sizes) {
    const Factors& here = analysis.cells[at.here].factors;
    const Factors& away = analysis.cells[at.away].factors;
    if (!analysis.calibration) return;
    const auto costs = analysis.calibration->hops.find(away.backend);
    if (costs == analysis.calibration->hops.end() || costs->second.bytes_per_ns <= 0) return;
    leaving.model_known = true;
    const model::Hop hop{.latency_ns = std::max<std::int64_t>(0, costs->second.latency_ns),
                         .request_ns = std::max<std::int64_t>(0, costs->second.task_ns),
                         .answer_ns = static_cast<std::int64_t>(
                             std::min(1e15, static_cast<double>(here.payload_bytes) / costs->second.bytes_per_ns))};
    leaving.model_ns = model::break_even_ns(here.tasks, here.workers, away.workers, hop);
    if (!leaving.model_ns || *leaving.model_ns <= at.task_ns) return;
  }
}

}  // namespace

std::vector<Leaving> leaving_pays(const Analysis& analysis) {
  std::vector<Leaving> all;
  std::map<std::tuple<std::string, std::int64_t, std::string>, std::size_t> known;
  for (const Scenario& scenario : analysis.scenarios) {
    const std::optional<Leaving::At> at = compared(analysis, scenario);
    if (!at) continue;
    const Factors& factors = analysis.cells[at->here].factors;
    const auto [place, is_new] = known.try_emplace({factors.workload, factors.payload_bytes, factors.distribution}, all.size());
    if (is_new) all.push_back({.workload = factors.workload, .payload_bytes = factors.payload_bytes});
    all[place->second].sizes.push_back(*at);
  }
  for (Leaving& leaving : all) {
    std::stable_sort(leaving.sizes.begin(), leaving.sizes.end(),
                     [](const Leaving::At& a, const Leaving::At& b) { return a.task_ns < b.task_ns; });
    for (auto at = leaving.sizes.rbegin(); at != leaving.sizes.rend() && at->better == Leaving::Better::away; ++at) {
      leaving.pays_ns = at->task_ns;
    }
    ask_the_model(analysis, leaving);
  }
  return all;
}

}  // namespace harness
