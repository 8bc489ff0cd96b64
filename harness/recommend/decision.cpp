#include "harness/recommend/decision.h"

#include <algorithm>
#include <cmath>

#include "harness/analysis/analysis.h"

namespace harness::recommend {

Decision decide(const std::vector<Measured>& measured, double margin) {
  const Measured& fastest = measured.front();
  const double enough = static_cast<double>(fastest.median_ns) * (1 + margin);
  Decision decision;
  std::vector<std::size_t> within;
  for (std::size_t at = 0; at < measured.size(); ++at) {
    const Measured& candidate = measured[at];
    const bool close = static_cast<double>(candidate.median_ns) <= enough;
    // A rank test of few repetitions cannot reject anything: it counts only where it could have.
    const bool testable = candidate.makespans_ns.size() >= 5 && fastest.makespans_ns.size() >= 5;
    const bool indistinct = testable && static_cast<double>(candidate.median_ns) <= enough * (1 + margin) &&
                            harness::ties(fastest.makespans_ns, candidate.makespans_ns);
    if (at == 0 || close || indistinct) within.push_back(at);
  }
  for (const std::size_t at : within) {
    const bool close = static_cast<double>(measured[at].median_ns) <= enough;
    if (close && cheaper(measured[at].choice, measured[decision.choice].choice)) decision.choice = at;
  }
  for (const std::size_t at : within) {
    if (at != decision.choice) decision.ties.push_back(at);
  }
  return decision;
}

Regret regret_of(const Choice& choice, const std::vector<Measured>& judged) {
  const auto own = std::find_if(judged.begin(), judged.end(), [&](const Measured& m) { return m.choice == choice; });
  Regret largest{.rival = static_cast<std::size_t>(own - judged.begin())};
  for (std::size_t at = 0; at < judged.size(); ++at) {
    std::vector<std::int64_t> ratios;  // in millionths, round by round
    const std::size_t rounds = std::min(own->makespans_ns.size(), judged[at].makespans_ns.size());
    for (std::size_t round = 0; round < rounds; ++round) {
      ratios.push_back(std::llround(1e6 * static_cast<double>(own->makespans_ns[round]) /
                                    static_cast<double>(judged[at].makespans_ns[round])));
    }
    const auto beyond = [](std::int64_t millionths) { return static_cast<double>(millionths) * 1e-6 - 1; };
    const double ratio = beyond(model::median(ratios));
    if (ratio <= largest.ratio) continue;
    const model::Interval interval = model::median_interval(ratios);
    largest = {ratio, beyond(interval.lower), beyond(interval.upper), at};
  }
  return largest;
}

}  // namespace harness::recommend
