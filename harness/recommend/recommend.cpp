#include "harness/recommend/recommend.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "harness/base/console.h"
#include "harness/base/quantity.h"
#include "harness/base/random.h"
#include "harness/base/text.h"
#include "harness/recommend/causes.h"
#include "harness/recommend/profile_report.h"
#include "harness/recommend/profiling.h"
#include "harness/recommend/program.h"
#include "harness/recommend/records.h"
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
constexpr double kSurelyHopeless = 3;
constexpr double kClose = 1.1;
constexpr double kPromising = 1.2;  // predicted, times the fastest: the same on the other pool is run, too
constexpr double kFarOff = 1.2;     // the fastest, times what is predicted of another strategy: that is run, too
constexpr double kOff = 0.15;       // of a prediction: further off is said
constexpr double kSharp = 0.02;     // half the interval, of the median
constexpr int kExhaustiveRounds = 5;
constexpr double kSweptOnce = 2;    // times the fastest of the sweep's first round: what is slower is not run again
constexpr std::size_t kJudged = 4;  // of the sweep: the best, which are then run again beside the choice
constexpr int kJudgingRounds = 15;
constexpr nanoseconds kRepetition = std::chrono::milliseconds(25);  // what one costs beside its makespan, at least

// Shares of the budget: up to here each may go on, the first runs being over.
constexpr double kLeast = 0.8;  // the least number of rounds that the batch's size is chosen for
constexpr double kVerifying = 0.95;
constexpr double kExhausted = 1.1;       // no run is begun any more
constexpr double kVerifyingFewer = 0.7;  // where fewer tasks are run than were asked for: what is left is for a run with all

class Search {
 public:
  Search(const Question& question, CellRunner& runner, const Progress& progress, Records* records)
      : question_(question), records_(records), trials_(question, runner, progress, records) {}

  Recommendation run() {
    look_first();
    found_.curve = predict_curve(found_.profile, found_.batch, question_.most_workers);
    verify();
    finish();
    run_program(question_, found_, trials_, records_);
    if (question_.exhaustive) sweep();
    found_.noise = trials_.noise();
    found_.gate = trials_.gate_counts();
    if (records_ != nullptr) records_->finish(question_, found_);
    return std::move(found_);
  }

 private:
  void look_first() {
    const FirstRuns first = first_runs(question_, trials_, records_, [this](FirstRuns& runs) {
      found_.profile = runs.profile;
      callback_ = runs.callback;
      choose_job(runs);
    });
    found_.profile = first.profile;
    callback_ = first.callback;
    found_.notes = first.notes;
    found_.batch = batch_of(first.tasks);
    contenders_only_ = first.contenders_only;
    detail("a task: " + demand_text(found_.profile) + "\ncontention: " + contention_text(question_, found_.profile) + '\n');
    if (first.tasks < question_.tasks)
      detail(fmt::format("{} of the {} tasks are run at a time: the budget does not suffice for all\n", first.tasks,
                         question_.tasks));
    found_.one_at_a_time_ns = one_at_a_time_ns(found_.profile, found_.batch);
  }

  Batch batch_of(int tasks) const {
    return {.tasks = tasks,
            .callback = callback_,
            .pools = question_.pools,
            .hosts = static_cast<int>(question_.over_hosts.size()),
            .python = question_.python.has_value(),
            .in_processes = !question_.python || question_.python->seen.unpicklable.empty()};
  }

  // Of the least number of rounds.
  struct Cost {
    nanoseconds tasks{0};   // makespans, as predicted
    nanoseconds beside{0};  // what repetitions cost beside them, however few tasks there are
  };
  Cost cost_of(const Batch& batch, bool contenders_only) const {
    Cost cost;
    for (const Choice& choice : candidates_of(batch, contenders_only)) {
      cost.tasks += kLeastRounds * nanoseconds(predict_ns(found_.profile, batch, choice));
      cost.beside += kLeastRounds * repetition();
    }
    return cost;
  }

  // As many tasks as were asked for, if the budget lasts for all candidates or at least for those that may be chosen; else as many as it
  // lasts for with all. Fewer tasks do not help where something else takes the time.
  void choose_job(FirstRuns& first) const {
    const auto affordable = [&](const Cost& cost) { return cost.tasks + cost.beside <= trials_.left(kLeast); };
    Batch batch = batch_of(question_.tasks);
    Cost cost = cost_of(batch, false);
    first.contenders_only = !affordable(cost) && affordable(cost_of(batch, true));
    while (!first.contenders_only && batch.tasks > 8 && !affordable(cost) && cost.tasks > cost.beside) {
      batch.tasks = std::max(8, batch.tasks * 3 / 4);
      cost = cost_of(batch, false);
    }
    first.tasks = batch.tasks;
  }

  // What one costs beside its makespan.
  nanoseconds repetition() const { return std::max(kRepetition, trials_.beside()); }

  std::vector<Choice> candidates_of(const Batch& batch, bool contenders_only) const {
    const std::vector<Point> curve = predict_curve(found_.profile, batch, question_.most_workers);
    std::vector<Choice> choices = candidates(curve, found_.profile, kCandidates);
    if (contenders_only) {
      const double most = kHopeless * static_cast<double>(curve.front().predicted_ns);
      const std::vector<Choice> witnesses = witnesses_of_causes(found_.profile, batch, choices);
      std::erase_if(choices, [&](const Choice& choice) {
        const bool hopeless = static_cast<double>(predict_ns(found_.profile, batch, choice)) > most;
        return hopeless && std::find(witnesses.begin(), witnesses.end(), choice) == witnesses.end();
      });
    }
    return choices;
  }

  void verify() {
    std::vector<Point> points;
    for (const Choice& choice : candidates_of(found_.batch, contenders_only_)) {
      points.push_back({choice, predict_ns(found_.profile, found_.batch, choice)});
    }
    std::ranges::stable_sort(points, {}, &Point::predicted_ns);
    std::vector<Choice> choices;
    for (const Point& point : points) {
      choices.push_back(point.choice);
      detail(fmt::format("candidate: {}, {} predicted\n", describe(point.choice), human_ns(point.predicted_ns)));
    }
    const double most = found_.batch.tasks < question_.tasks ? kVerifyingFewer : kVerifying;
    found_.rounds = records_ != nullptr && records_->complete() ? read_again(choices) : run(choices, most);
    if (found_.rounds < 5) {
      found_.notes.push_back(
          fmt::format("{} of all candidates fit the budget: {} decided; give more with --budget",
                      found_.rounds == 0 ? "not one round" : "only " + counted(found_.rounds, "round"),
                      found_.rounds < kLeastRounds ? "nothing but great differences is" : "small differences are not"));
    }
  }

  // Rounds, as far as the budget goes; how many were whole.
  int run(std::vector<Choice>& choices, double most) {
    SplitMix64 random(question_.seed);
    int round = 0;
    for (; round < kMostRounds; ++round) {
      if (round >= kRounds) {
        drop(choices, kClose);
        if (settled(choices)) break;
      }
      if (round > 0) {
        // What is that slow is told by one run, where there is no time for more.
        if (round < kLeastRounds && (kLeastRounds - round) * needed_for(choices) > left_for_rounds(most)) {
          drop(choices, kSurelyHopeless);
        }
        const nanoseconds needed = needed_for(choices);
        const bool few = round < kLeastRounds && found_.batch.tasks == question_.tasks;
        if (needed.count() > 0 && needed > left_for_rounds(few ? 1 : most)) break;
      }
      if (round > 0)
        shuffle(choices, random);  // the first time what is predicted best comes first, lest the budget ends before it
      for (std::size_t at = 0; at < choices.size(); ++at) {
        trials_.tell("round " + std::to_string(round + 1) + ", " + describe(choices[at]));
        rounds_.run(choices[at]);
        detail(fmt::format("       {}\n", human_ns(rounds_.of(choices[at]).makespans_ns.back())));
        if (trials_.used() > kExhausted) return at + 1 < choices.size() ? round : round + 1;
      }
      look_back(choices, round);
      if (round + 1 >= kLeastRounds) drop(choices, kHopeless);
    }
    return round;
  }

  // Of an answer that is there all that was run, in its rounds, and nothing more.
  int read_again(std::vector<Choice>& choices) {
    for (int round = 0;; ++round) {
      bool any = false;
      for (const Choice& choice : choices) {
        if (!rounds_.is_known(choice)) continue;
        rounds_.run(choice);
        any = true;
      }
      if (!any) return records_->rounds();
      look_back(choices, round);
    }
  }

  void look_back(std::vector<Choice>& choices, int round) {
    if (round == 0 || round == 1) refine(choices);
    if (round + 1 == kLeastRounds) judge_causes(&choices);
  }

  // Of one more round.
  nanoseconds needed_for(const std::vector<Choice>& choices) const {
    nanoseconds needed{0};
    for (const Choice& choice : choices) {
      if (!rounds_.is_known(choice)) needed += repetition() + rounds_.expected(choice);
    }
    return needed;
  }

  nanoseconds left_for_rounds(double most) const {
    return trials_.left(most) - reserved_for_program(question_, rounds_.expected(rounds_.fastest().choice));
  }

  // What was blamed and did not explain what was run is not said, and predicts nothing; a GIL that explains it is.
  void judge_causes(std::vector<Choice>* choices) {
    const std::vector<std::string> dropped = drop_refuted(found_.profile, found_.batch, rounds_.measured());
    const bool has_lock = question_.python && question_.python->one_lock;
    const bool lock_shows = has_lock && take_for_the_lock(found_.profile, found_.batch, rounds_.measured());
    if (dropped.empty() && !lock_shows) return;
    for (const std::string& cause : dropped) detail("refuted by what was run since: " + cause + '\n');
    if (lock_shows) {
      found_.notes.emplace_back(
          "the first runs did not show that the computing holds the GIL; it is concluded from the later ones, "
          "of which only that explains the times");
    }
    found_.curve = predict_curve(found_.profile, found_.batch, question_.most_workers);
    rounds_.predict_anew();
    if (choices == nullptr) return;
    for (const Choice& choice : candidates_of(found_.batch, contenders_only_)) {
      if (std::find(choices->begin(), choices->end(), choice) == choices->end()) choices->push_back(choice);
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
      const int most = std::min(question_.most_workers * std::max(1, at.hosts), found_.batch.tasks);
      const bool sensible = neighbour.workers >= 1 && neighbour.workers <= most;
      if (!sensible || neighbour.workers == at.workers) continue;
      const bool known = std::any_of(rounds_.measured().begin(), rounds_.measured().end(), [&](const Measured& measured) {
        const Choice& c = measured.choice;
        return c.pool == neighbour.pool && c.hosts == neighbour.hosts && c.strategy == neighbour.strategy &&
               std::abs(c.workers - neighbour.workers) * 10 <= c.workers;
      });
      if (!known) choices.push_back(neighbour);
    }
    // Where even the fastest is far slower than what is predicted of another strategy on that pool, that one is run as well.
    const auto promising = static_cast<std::int64_t>(static_cast<double>(fastest.median_ns) / kFarOff);
    for (const model::Strategy strategy : strategies_on(at.pool, found_.batch)) {
      const auto same = [&](const Choice& c) { return c.pool == at.pool && c.hosts == at.hosts && c.strategy == strategy; };
      const auto best = std::find_if(found_.curve.begin(), found_.curve.end(), [&](const Point& p) { return same(p.choice); });
      const bool was_run = std::any_of(rounds_.measured().begin(), rounds_.measured().end(),
                                       [&](const Measured& measured) { return same(measured.choice); });
      if (best != found_.curve.end() && !was_run && best->predicted_ns <= promising) choices.push_back(best->choice);
    }
    for (const Pool variant : question_.variants) {
      if (is_process(variant) != is_process(at.pool) || variant == at.pool) continue;
      if (variant == Pool::to_thread && at.workers == 1) continue;  // one after the other, with a loop around it
      if (variant == Pool::to_thread && at.strategy != model::Strategy::none && at.strategy != model::Strategy::fused) continue;
      Choice same = at;
      same.pool = variant;
      if (std::find(choices.begin(), choices.end(), same) == choices.end()) choices.push_back(same);
    }
    if (at.hosts > 0) return;
    Choice other = at;  // what starts a command sooner, say, is beyond the model
    other.pool = at.pool == Pool::thread ? Pool::process : Pool::thread;
    const bool possible = std::find(question_.pools.begin(), question_.pools.end(), other.pool) != question_.pools.end();
    const auto strategies = strategies_on(other.pool, found_.batch);
    if (!possible || std::find(strategies.begin(), strategies.end(), other.strategy) == strategies.end()) return;
    const auto close = static_cast<std::int64_t>(kPromising * static_cast<double>(fastest.median_ns));
    if (std::find(choices.begin(), choices.end(), other) == choices.end() &&
        predict_ns(found_.profile, found_.batch, other) <= close) {
      choices.push_back(other);
    }
  }

  // What was run and took so many times as long as the fastest.
  void drop(std::vector<Choice>& choices, double factor) const {
    const double most = factor * static_cast<double>(rounds_.fastest().median_ns);
    std::erase_if(choices, [&](const Choice& choice) {
      const Measured* const run = rounds_.find(choice);
      const bool hopeless = run != nullptr && static_cast<double>(run->median_ns) > most;
      if (hopeless) {
        detail(fmt::format("dropped: {}, {}: more than {:.2g} times the fastest\n", describe(choice), human_ns(run->median_ns),
                           factor));
      }
      return hopeless;
    });
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
    judge_causes(nullptr);
    found_.measured = rounds_.ranking();
    const Decision decision = decide(found_.measured);
    found_.choice = decision.choice;
    found_.ties = decision.ties;
    detail(fmt::format("decided after {} rounds: {}, the cheapest of {} that cannot be told from the fastest\n", found_.rounds,
                       describe(found_.measured[found_.choice].choice), found_.ties.size() + 1));
    found_.fewest_workers = decision.fewest_workers;
    found_.most_workers = decision.most_workers;
    if (found_.batch.tasks < question_.tasks) answer_for_all();
    if (contenders_only_) {
      for (const Choice& choice : candidates_of(found_.batch, false)) {
        const bool was_run = std::any_of(found_.measured.begin(), found_.measured.end(),
                                         [&](const Measured& measured) { return measured.choice == choice; });
        if (!was_run) found_.too_long.push_back({choice, predict_ns(found_.profile, found_.batch, choice)});
      }
    }
    const Measured& chosen = found_.measured[found_.choice];
    const double off = static_cast<double>(chosen.median_ns) / static_cast<double>(chosen.predicted_ns) - 1;
    if (std::abs(off) > kOff) {
      found_.notes.push_back(fmt::format("the model is {} % off here ({} predicted): {}", std::lround(std::abs(off) * 100),
                                         human_duration(nanoseconds(chosen.predicted_ns)),
                                         off > 0 ? "something contends that was not seen one task at a time"
                                                 : "a task or a pool's start took longer in the first runs than later"));
    }
  }

  // For all the tasks, of which the budget sufficed for some; and runs with all of them, as far as it goes.
  void answer_for_all() {
    const Batch all = batch_of(question_.tasks);
    Extrapolation& answer = found_.all.emplace(extrapolate(found_.profile, all, question_.most_workers, found_.measured));
    for (int run = 0; run < kLeastRounds; ++run) {
      const bool known = trials_.is_known(answer.choice, all.tasks);
      const bool is_over = records_ != nullptr && records_->complete();
      if (!known && (is_over || repetition() + nanoseconds(answer.predicted_ns) > trials_.left(1))) break;
      trials_.tell("all " + std::to_string(all.tasks) + " tasks, " + describe(answer.choice));
      answer.makespans_ns.push_back(trials_.time(answer.choice, all.tasks));
    }
    if (answer.makespans_ns.empty()) return;
    const double off = static_cast<double>(time_of_choice(found_)) / static_cast<double>(answer.predicted_ns) - 1;
    if (std::abs(off) > kOff) {
      found_.notes.push_back(fmt::format("all tasks took {:.0f} % {} than predicted from runs of some", 100 * std::abs(off),
                                         off > 0 ? "longer" : "shorter"));
    }
  }

  // So many runs of each, whatever they take; but one of what takes `hopeless` times as long as the first round's fastest.
  std::vector<Measured> measured_anew(std::vector<Choice> choices, int rounds, const std::string& what, SplitMix64& random,
                                      double hopeless = std::numeric_limits<double>::infinity()) {
    Rounds anew(trials_, found_.profile, found_.batch);
    for (int round = 0; round < rounds; ++round) {
      if (round == 1) {
        const double most_ns = hopeless * static_cast<double>(anew.fastest().median_ns);
        std::erase_if(choices, [&](const Choice& choice) { return static_cast<double>(anew.of(choice).median_ns) > most_ns; });
      }
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
    found_.exhaustive = measured_anew(std::move(all), kExhaustiveRounds, "exhaustive round", random, kSweptOnce);
    std::vector<Choice> judged{chosen};
    for (const Measured& measured : found_.exhaustive) {
      if (judged.size() <= kJudged && measured.choice != chosen) judged.push_back(measured.choice);
    }
    found_.judged = measured_anew(std::move(judged), kJudgingRounds, "judging round", random);
    found_.regret = regret_of(chosen, found_.judged);
  }

  const Question& question_;
  Records* const records_;
  Trials trials_;
  Recommendation found_;
  model::Demand callback_;  // of every task
  bool contenders_only_ = false;
  Rounds rounds_{trials_, found_.profile, found_.batch};  // of the candidates
};

}  // namespace

Recommendation recommend(const Question& question, CellRunner& runner, const Progress& progress, Records* records) {
  return Search(question, runner, progress, records).run();
}

std::string backend_of(const Question& question, const Choice& choice) {
  if (choice.hosts > 0) return question.over_hosts[static_cast<std::size_t>(choice.hosts) - 1];
  return question.python ? "cpython_" + backend_name(choice.pool) + question.python->suffix : backend_name(choice.pool);
}

std::int64_t time_of_choice(const Recommendation& recommendation) {
  if (!recommendation.all) return recommendation.measured[recommendation.choice].median_ns;
  const Extrapolation& all = *recommendation.all;
  return all.makespans_ns.empty() ? all.predicted_ns : model::median(all.makespans_ns);
}

const Choice& choice_of(const Recommendation& recommendation) {
  return recommendation.all ? recommendation.all->choice : recommendation.measured[recommendation.choice].choice;
}

}  // namespace harness::recommend
