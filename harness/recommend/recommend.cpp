#include "harness/recommend/recommend.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/base/quantity.h"
#include "harness/base/random.h"
#include "harness/model/hop_forms.h"
#include "harness/recommend/profiling.h"
#include "harness/recommend/rounds.h"
#include "harness/recommend/trials.h"

namespace harness::recommend {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kCandidates = 9;
constexpr int kRounds = 9;       // of all candidates: enough for a rank test
constexpr int kMostRounds = 31;  // of the few that are close, until their medians are known to kSharp
constexpr int kLeastRounds = 3;
constexpr double kHopeless = 1.5;  // times the fastest: not worth further rounds
constexpr double kClose = 1.1;
constexpr double kPromising = 1.2;  // predicted, times the fastest: the same on the other pool is run, too
constexpr double kSharp = 0.02;     // half the interval, of the median
constexpr int kExhaustiveRounds = 5;
constexpr std::size_t kJudged = 4;  // of the sweep: the best, which are then run again beside the choice
constexpr int kJudgingRounds = 15;
constexpr nanoseconds kRepetition = std::chrono::milliseconds(25);  // what one costs beside its makespan

// Shares of the budget: up to here each may go on, the first runs being over.
constexpr double kLeast = 0.8;  // the least number of rounds that the batch's size is chosen for
constexpr double kVerifying = 0.95;

class Search {
 public:
  Search(const Question& question, CellRunner& runner, const Progress& progress)
      : question_(question), trials_(question, runner, progress) {}

  Recommendation run() {
    found_.profile = profile_by_running(question_, trials_, found_.notes);
    if (!question_.over_hosts.empty()) found_.profile.hop = hop_of(trials_.hop());
    choose_job();
    found_.curve = curve();
    verify();
    finish();
    if (question_.exhaustive) sweep();
    return std::move(found_);
  }

 private:
  std::vector<Point> curve() const {
    return predict_curve(found_.profile, found_.batch, question_.most_workers, static_cast<int>(question_.over_hosts.size()));
  }
  model::Hop hop_of(const workloads::Calibration::Hop& costs) const {
    const double carrying = costs.bytes_per_ns > 0 ? static_cast<double>(question_.payload_bytes) / costs.bytes_per_ns : 0;
    return {.latency_ns = costs.latency_ns, .request_ns = costs.task_ns, .answer_ns = std::llround(carrying)};
  }

  // As many tasks as were asked for, unless the budget does not last for them.
  void choose_job() {
    found_.batch.tasks = question_.tasks;
    found_.batch.callback = question_.callback;
    // The curve is cheap to predict for some hundred tasks; for the candidates' durations a coarse one would do as well.
    const auto affordable = [&] {
      nanoseconds needed{0};
      for (const Choice& choice : candidates(curve(), found_.profile, kCandidates)) {
        needed += kLeastRounds * (kRepetition + nanoseconds(predict_ns(found_.profile, found_.batch, choice)));
      }
      return needed <= trials_.left(kLeast);
    };
    while (found_.batch.tasks > 8 && !affordable()) found_.batch.tasks = std::max(8, found_.batch.tasks * 3 / 4);
    if (found_.batch.tasks < question_.tasks) {
      found_.notes.push_back("run with " + std::to_string(found_.batch.tasks) + " of the " + std::to_string(question_.tasks) +
                             " tasks, for which the budget suffices; more workers may pay off with more tasks");
    }
    std::int64_t sum = 0;
    for (int task = 0; task < found_.batch.tasks; ++task) {
      sum += found_.profile.demands[static_cast<std::size_t>(task) % found_.profile.demands.size()].service_ns();
    }
    found_.one_at_a_time_ns = sum + found_.batch.tasks * found_.batch.callback.service_ns();
  }

  void verify() {
    std::vector<Choice> choices = candidates(found_.curve, found_.profile, kCandidates);
    SplitMix64 random(question_.seed);
    int round = 0;
    for (; round < kMostRounds; ++round) {
      if (round >= kRounds) {
        drop(choices, kClose);
        if (settled(choices)) break;
      }
      nanoseconds needed{0};
      for (const Choice& choice : choices) needed += kRepetition + rounds_.expected(choice);
      if (round >= kLeastRounds && needed > trials_.left(kVerifying)) break;
      shuffle(choices, random);
      for (const Choice& choice : choices) {
        trials_.tell("round " + std::to_string(round + 1) + ", " + describe(choice));
        rounds_.run(choice);
        if (trials_.used() > 2) break;  // far beyond: take what there is
      }
      if (trials_.used() > 2) break;
      if (round == 0 || round == 1) refine(choices);
      if (round + 1 >= kLeastRounds) drop(choices, kHopeless);
    }
    found_.rounds = round;
    if (found_.rounds < 5) {
      found_.notes.push_back("only " + std::to_string(found_.rounds) +
                             " rounds fit the budget: small differences are not decided; give more with --budget");
    }
  }

  // Around the fastest so far there may be something better that the model has not seen.
  void refine(std::vector<Choice>& choices) const {
    const Measured& fastest = rounds_.fastest();
    const Choice at = fastest.choice;
    for (const double factor : {0.75, 1.3}) {
      Choice neighbour = at;
      neighbour.workers = static_cast<int>(std::lround(at.workers * factor));
      if (at.hosts > 1) neighbour.workers -= neighbour.workers % at.hosts;
      const bool sensible = neighbour.workers >= 1 && neighbour.workers <= std::min(question_.most_workers, found_.batch.tasks);
      if (!sensible || neighbour.workers == at.workers) continue;
      const bool known = std::any_of(rounds_.measured().begin(), rounds_.measured().end(), [&](const Measured& measured) {
        const Choice& c = measured.choice;
        return c.pool == neighbour.pool && c.hosts == neighbour.hosts && c.strategy == neighbour.strategy &&
               std::abs(c.workers - neighbour.workers) * 10 <= c.workers;
      });
      if (!known) choices.push_back(neighbour);
    }
    if (at.hosts > 0) return;
    Choice other = at;  // what starts a command sooner, say, is beyond the model
    other.pool = at.pool == Pool::thread ? Pool::process : Pool::thread;
    const auto promising = static_cast<std::int64_t>(kPromising * static_cast<double>(fastest.median_ns));
    if (std::find(choices.begin(), choices.end(), other) == choices.end() &&
        predict_ns(found_.profile, found_.batch, other) <= promising) {
      choices.push_back(other);
    }
  }

  // What takes so many times as long as the fastest.
  void drop(std::vector<Choice>& choices, double factor) const {
    nanoseconds fastest = nanoseconds::max();
    for (const Choice& choice : choices) fastest = std::min(fastest, rounds_.expected(choice));
    const double most = factor * static_cast<double>(fastest.count());
    std::erase_if(choices, [&](const Choice& choice) { return static_cast<double>(rounds_.expected(choice).count()) > most; });
  }

  // More rounds would not change what is chosen.
  bool settled(const std::vector<Choice>& choices) const {
    if (choices.size() < 2) return true;
    return std::all_of(choices.begin(), choices.end(), [&](const Choice& choice) {
      const Measured& known = rounds_.of(choice);
      return static_cast<double>(known.interval.upper - known.interval.lower) / 2 <=
             kSharp * static_cast<double>(known.median_ns);
    });
  }

  void finish() {
    found_.measured = rounds_.ranking();
    if (!question_.over_hosts.empty()) found_.leaving_pays_ns = leaving_pays();
    const Decision decision = decide(found_.measured);
    found_.choice = decision.choice;
    found_.ties = decision.ties;
    const Measured& chosen = found_.measured[found_.choice];
    const double off = static_cast<double>(chosen.median_ns) / static_cast<double>(chosen.predicted_ns) - 1;
    if (std::abs(off) > 0.15) {
      found_.notes.push_back("the model is " + std::to_string(std::lround(std::abs(off) * 100)) + " % off here (" +
                             human_duration(nanoseconds(chosen.predicted_ns)) +
                             " predicted): something contends that was not seen one task at a time");
    }
  }

  // With as many workers as did best here and there.
  std::optional<std::int64_t> leaving_pays() const {
    const auto best = [&](bool away) {
      return std::find_if(found_.measured.begin(), found_.measured.end(),
                          [&](const Measured& measured) { return (measured.choice.hosts > 0) == away; });
    };
    const auto here = best(false);
    const auto away = best(true);
    if (here == found_.measured.end() || away == found_.measured.end()) return std::nullopt;
    return model::break_even_ns(found_.batch.tasks, here->choice.workers, away->choice.workers, found_.profile.hop);
  }

  // So many runs of each, whatever they take.
  std::vector<Measured> measured_anew(std::vector<Choice> choices, int rounds, const std::string& what, SplitMix64& random) {
    Rounds anew(trials_, found_.profile, found_.batch);
    for (int round = 0; round < rounds; ++round) {
      shuffle(choices, random);
      for (std::size_t at = 0; at < choices.size(); ++at) {
        trials_.tell_beyond_budget(what + " " + std::to_string(round + 1) + ", " + std::to_string(at + 1) + " of " +
                                   std::to_string(choices.size()));
        anew.run(choices[at]);
      }
    }
    return anew.ranking();
  }

  // Every point of the curve, so that the choice can be judged. Of so many medians the best is the one that was lucky: so the
  // best few are run again beside the choice, and these fresh runs alone say what the choice costs.
  void sweep() {
    std::vector<Choice> all;
    for (const Point& point : found_.curve) all.push_back(point.choice);
    const Choice chosen = found_.measured[found_.choice].choice;
    if (std::find(all.begin(), all.end(), chosen) == all.end()) all.push_back(chosen);
    SplitMix64 random(question_.seed + 1);
    found_.exhaustive = measured_anew(std::move(all), kExhaustiveRounds, "exhaustive round", random);
    std::vector<Choice> judged{chosen};
    for (const Measured& measured : found_.exhaustive) {
      if (judged.size() <= kJudged && measured.choice != chosen) judged.push_back(measured.choice);
    }
    found_.judged = measured_anew(std::move(judged), kJudgingRounds, "judging round", random);
    found_.regret = regret_of(chosen, found_.judged);
  }

  const Question& question_;
  Trials trials_;
  Recommendation found_;
  Rounds rounds_{trials_, found_.profile, found_.batch};  // of the candidates
};

}  // namespace

Recommendation recommend(const Question& question, CellRunner& runner, const Progress& progress) {
  return Search(question, runner, progress).run();
}

}  // namespace harness::recommend
