#include "harness/recommend/decision.h"

#include <algorithm>
#include <cmath>

namespace harness::recommend {
namespace {

constexpr double kSurelySlower = 1.5;  // times as long in one run each

}  // namespace

bool told_apart(const Measured& fastest, const Measured& other, double margin) {
  // Of one run or two the interval says nothing.
  const bool few = std::min(fastest.makespans_ns.size(), other.makespans_ns.size()) < 3;
  const bool slower =
      static_cast<double>(other.median_ns) > static_cast<double>(fastest.median_ns) * (few ? kSurelySlower : 1 + margin);
  return slower && other.interval.lower > fastest.interval.upper;
}

Decision decide(const std::vector<Measured>& measured, double margin) {
  const Measured& fastest = measured.front();
  const double enough = static_cast<double>(fastest.median_ns) * (1 + 2.5 * margin);
  Decision decision;
  std::vector<std::size_t> within;
  for (std::size_t at = 0; at < measured.size(); ++at) {
    if (!told_apart(fastest, measured[at], margin)) within.push_back(at);
  }
  for (const std::size_t at : within) {
    const bool close = static_cast<double>(measured[at].median_ns) <= enough;
    if (close && cheaper(measured[at].choice, measured[decision.choice].choice)) decision.choice = at;
  }
  const Choice& chosen = measured[decision.choice].choice;
  decision.fewest_workers = decision.most_workers = chosen.workers;
  for (const std::size_t at : within) {
    const Choice& other = measured[at].choice;
    if (at != decision.choice) decision.ties.push_back(at);
    if (other.pool != chosen.pool || other.strategy != chosen.strategy || other.parsers != chosen.parsers ||
        other.hosts != chosen.hosts)
      continue;
    decision.fewest_workers = std::min(decision.fewest_workers, other.workers);
    decision.most_workers = std::max(decision.most_workers, other.workers);
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
