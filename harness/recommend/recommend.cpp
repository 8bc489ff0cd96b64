#include "harness/recommend/recommend.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/random.h"
#include "harness/core/trace.h"
#include "harness/model/bounds.h"
#include "harness/model/simulate.h"
#include "harness/plan/cell_builder.h"

namespace harness::recommend {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr int kMostSampled = 40;  // tasks run one at a time
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

// Shares of the budget: up to here each may go on.
constexpr double kSampling = 0.15;
constexpr double kProbing = 0.25;
constexpr double kLeast = 0.8;  // the least number of rounds that the batch's size is chosen for
constexpr double kVerifying = 0.95;

class Search {
 public:
  Search(const Question& question, CellRunner& runner, const Progress& progress)
      : question_(question), runner_(runner), progress_(progress), start_(Clock::now()) {}

  Recommendation run() {
    sample();
    probe();
    choose_job();
    found_.curve = predict_curve(found_.profile, found_.batch, question_.most_workers);
    verify();
    finish();
    if (question_.exhaustive) sweep();
    return std::move(found_);
  }

 private:
  double used() const {
    return std::chrono::duration<double>(Clock::now() - start_) / std::chrono::duration<double>(question_.budget);
  }
  nanoseconds left(double share) const {
    return nanoseconds(static_cast<std::int64_t>((share - used()) * static_cast<double>(question_.budget.count())));
  }

  Cell cell_of(const Choice& choice, int tasks) const {
    Factors factors;
    factors.backend = backend_name(choice.pool);
    factors.workers = choice.workers;
    factors.workers_spec = std::to_string(choice.workers);
    factors.cores = question_.cores;
    factors.workload = question_.workload;
    factors.strategy = std::string(model::name(choice.strategy));
    factors.parsers = choice.parsers;
    factors.tasks = tasks;
    factors.distribution = "equal";
    factors.task_ns = question_.task_ns;
    factors.callback_ns = question_.callback_ns;
    factors.payload_bytes = question_.payload_bytes;
    factors.seed = question_.seed;
    return CellBuilder(canonical(std::move(factors))).build();
  }

  Trace measure(const Choice& choice, int tasks) {
    // Nobody waits longer than the whole budget for one repetition: then it is the wrong tool.
    RepetitionResult result = runner_.run(cell_of(choice, tasks), question_.budget);
    if (result.interrupted) throw Interrupted{};
    if (result.sample.status == "timeout") {
      throw ConfigError(std::to_string(tasks) + (tasks == 1 ? " task" : " tasks") + " of '" + question_.title +
                        "' took longer than the budget of " + format_duration(question_.budget) +
                        " allows; give more with --budget, or shorter work");
    }
    if (!result.trace) {
      throw ConfigError(question_.title + ": " + (tasks == 1 ? "1 task" : std::to_string(tasks) + " tasks") + " on a " +
                        backend_name(choice.pool) + " pool of " + std::to_string(choice.workers) + ": " + result.sample.error);
    }
    return std::move(*result.trace);
  }

  // One task at a time.
  void sample() {
    progress_("running tasks one at a time", used());
    const Choice alone{Pool::thread, 1, model::Strategy::none, 0};
    const Trace first = measure(alone, 1);  // cold: files to be read, code to be loaded; only for an idea of the duration
    const std::int64_t about = std::max<std::int64_t>(1, makespan_ns(first));
    const std::int64_t affordable = left(kSampling).count() / 2 / about;
    const int tasks =
        static_cast<int>(std::clamp<std::int64_t>(affordable, 3, std::min(kMostSampled, std::max(3, question_.tasks))));
    const Trace many = measure(alone, tasks);
    found_.profile = profile_of({&many}, question_.cores);
    found_.profile.thread.dispatch_ns = overhead_of(many);
    const Trace remote = measure({Pool::process, 1, model::Strategy::none, 0}, std::min(tasks, 8));
    found_.profile.process.dispatch_ns = overhead_of(remote);
    if (tasks < std::min(8, question_.tasks)) {
      found_.notes.push_back("only " + std::to_string(tasks) +
                             " tasks fit the share of the budget for a first look: the distribution is not known well");
    }
  }

  // Per task, beyond the tasks themselves.
  static std::int64_t overhead_of(const Trace& trace) {
    std::int64_t busy = 0;
    for (const TaskTrace& task : trace.tasks) busy += task.finished_ns - task.started_ns;
    return std::max<std::int64_t>(0, makespan_ns(trace) - busy) / static_cast<std::int64_t>(trace.tasks.size());
  }

  // Several at a time, on both pools. Worker processes have nothing in common but the machine, so that what threads are slower than
  // processes is a lock of theirs, and what both are slower than predicted is contention.
  void probe() {
    std::vector<int> counts{question_.cores};
    const double waits = found_.profile.waiting_share();
    if (waits > 0.05) counts.push_back(std::min(question_.cores * 5, question_.most_workers));
    if (waits > 0.85) counts.push_back(std::min(question_.cores * 20, question_.most_workers));
    std::erase_if(counts, [](int count) { return count < 2; });
    counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
    const std::vector<Probe> processes = run_probes(Pool::process, counts);
    found_.profile.process.usl = usl_of(processes, Pool::process);
    const std::vector<Probe> threads = run_probes(Pool::thread, counts);
    found_.profile.thread.locked_share = lock_of(threads, processes);
    found_.profile.thread.usl = usl_of(threads, Pool::thread);
  }

  struct Probe {
    Batch batch;
    int workers = 1;
    std::int64_t measured_ns = 0;
  };

  std::vector<Probe> run_probes(Pool pool, const std::vector<int>& counts) {
    std::vector<Probe> probes;
    for (const int workers : counts) {
      const Batch batch{.tasks = std::min(std::max(question_.tasks, workers), workers * 3), .callback = {}};
      probes.push_back({batch, workers, fastest({pool, workers, model::Strategy::none, 0}, batch)});
    }
    return probes;
  }

  // How many times as long as the profile, as far as it is known, has it.
  double factor_of(const Probe& probe, Pool pool) const {
    return static_cast<double>(probe.measured_ns) /
           static_cast<double>(predict_ns(found_.profile, probe.batch, {pool, probe.workers, model::Strategy::none, 0}));
  }

  Usl usl_of(const std::vector<Probe>& probes, Pool pool) const {
    std::vector<Slowdown> slowdowns;
    for (const Probe& probe : probes) slowdowns.push_back({probe.workers, factor_of(probe, pool)});
    return slowdowns.empty() ? Usl{} : fit_usl(slowdowns);
  }

  // From the number of threads at which a lock would show most: two that nearly always wait hardly ever meet at it.
  // REQUIRES: probes of the same numbers of workers.
  double lock_of(const std::vector<Probe>& threads, const std::vector<Probe>& processes) const {
    Profile free = found_.profile;
    free.process.usl = {};  // against the plain model, for threads are
    Profile locked = found_.profile;
    locked.thread.locked_share = 1;
    double contrast = 0;
    double share = 0;
    for (std::size_t at = 0; at < threads.size(); ++at) {
      const Probe& probe = threads[at];
      const Choice choice{Pool::thread, probe.workers, model::Strategy::none, 0};
      const double plain =
          static_cast<double>(predict_ns(free, probe.batch, {Pool::process, probe.workers, model::Strategy::none, 0}));
      const double contention = std::max(1.0, static_cast<double>(processes[at].measured_ns) / plain);
      const double unlocked = static_cast<double>(predict_ns(free, probe.batch, choice)) * contention;
      const std::int64_t with_lock = predict_ns(locked, probe.batch, choice);
      if (static_cast<double>(with_lock) <= contrast * unlocked) continue;
      contrast = static_cast<double>(with_lock) / unlocked;
      share = locked_share(probe.measured_ns, std::llround(unlocked), with_lock);
    }
    return share;
  }

  // Of up to three runs: a disturbance only ever makes one slower.
  std::int64_t fastest(const Choice& choice, const Batch& batch) {
    std::int64_t best = std::numeric_limits<std::int64_t>::max();
    for (int run = 0; run < 3; ++run) {
      progress_("running " + std::to_string(choice.workers) + " at a time", used());
      const std::int64_t makespan = makespan_ns(measure(choice, batch.tasks));
      best = std::min(best, makespan);
      if (used() > kProbing || nanoseconds(2 * makespan) > left(kProbing)) break;
    }
    return best;
  }

  // As many tasks as were asked for, unless the budget does not last for them.
  void choose_job() {
    found_.batch.tasks = question_.tasks;
    found_.batch.callback = question_.callback;
    // The curve is cheap to predict for some hundred tasks; for the candidates' durations a coarse one would do as well.
    const auto affordable = [&] {
      nanoseconds needed{0};
      for (const Choice& choice :
           candidates(predict_curve(found_.profile, found_.batch, question_.most_workers), found_.profile, kCandidates)) {
        needed += kLeastRounds * (kRepetition + nanoseconds(predict_ns(found_.profile, found_.batch, choice)));
      }
      return needed <= left(kLeast);
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
      for (const Choice& choice : choices) needed += kRepetition + expected(choice);
      if (round >= kLeastRounds && needed > left(kVerifying)) break;
      shuffle(choices, random);
      for (std::size_t at = 0; at < choices.size(); ++at) {
        progress_("round " + std::to_string(round + 1) + ", " + describe(choices[at]), used());
        add(choices[at], makespan_ns(measure(choices[at], found_.batch.tasks)));
        if (used() > 2) break;  // far beyond: take what there is
      }
      if (used() > 2) break;
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
  void refine(std::vector<Choice>& choices) {
    const auto fastest = std::min_element(times_.begin(), times_.end(), [](const auto& a, const auto& b) {
      return model::median(a.second) < model::median(b.second);
    });
    const Choice at = choices_[fastest->first];
    for (const double factor : {0.75, 1.3}) {
      Choice neighbour = at;
      neighbour.workers = static_cast<int>(std::lround(at.workers * factor));
      const bool sensible = neighbour.workers >= 1 && neighbour.workers <= std::min(question_.most_workers, found_.batch.tasks);
      if (!sensible || neighbour.workers == at.workers) continue;
      const bool known = std::any_of(choices_.begin(), choices_.end(), [&](const Choice& c) {
        return c.pool == neighbour.pool && c.strategy == neighbour.strategy &&
               std::abs(c.workers - neighbour.workers) * 10 <= c.workers;
      });
      if (!known) choices.push_back(neighbour);
    }
    Choice other = at;  // what starts a command sooner, say, is beyond the model
    other.pool = at.pool == Pool::thread ? Pool::process : Pool::thread;
    const auto promising = static_cast<std::int64_t>(kPromising * static_cast<double>(model::median(fastest->second)));
    if (std::find(choices.begin(), choices.end(), other) == choices.end() &&
        predict_ns(found_.profile, found_.batch, other) <= promising) {
      choices.push_back(other);
    }
  }

  // What takes so many times as long as the fastest.
  void drop(std::vector<Choice>& choices, double factor) const {
    nanoseconds fastest = nanoseconds::max();
    for (const Choice& choice : choices) fastest = std::min(fastest, expected(choice));
    const double most = factor * static_cast<double>(fastest.count());
    std::erase_if(choices, [&](const Choice& choice) { return static_cast<double>(expected(choice).count()) > most; });
  }

  // More rounds would not change what is chosen.
  bool settled(const std::vector<Choice>& choices) const {
    if (choices.size() < 2) return true;
    return std::all_of(choices.begin(), choices.end(), [&](const Choice& choice) {
      const auto known = static_cast<std::size_t>(std::find(choices_.begin(), choices_.end(), choice) - choices_.begin());
      const model::Interval interval = model::median_interval(times_.at(known));
      return static_cast<double>(interval.upper - interval.lower) / 2 <= kSharp * static_cast<double>(expected(choice).count());
    });
  }

  static void shuffle(std::vector<Choice>& choices, SplitMix64& random) {
    for (std::size_t left = choices.size(); left > 1; --left) std::swap(choices[left - 1], choices[random.below(left)]);
  }

  nanoseconds expected(const Choice& choice) const {
    const auto known = std::find(choices_.begin(), choices_.end(), choice);
    if (known != choices_.end()) return nanoseconds(model::median(times_.at(static_cast<std::size_t>(known - choices_.begin()))));
    return nanoseconds(predict_ns(found_.profile, found_.batch, choice));
  }

  void add(const Choice& choice, std::int64_t makespan) {
    auto known = std::find(choices_.begin(), choices_.end(), choice);
    if (known == choices_.end()) known = choices_.insert(choices_.end(), choice);
    times_[static_cast<std::size_t>(known - choices_.begin())].push_back(makespan);
  }

  std::vector<Measured> ranking() const {
    std::vector<Measured> measured;
    for (const auto& [index, makespans] : times_) {
      const Choice& choice = choices_[index];
      measured.push_back({choice, predict_ns(found_.profile, found_.batch, choice), makespans, model::median(makespans),
                          model::median_interval(makespans)});
    }
    std::stable_sort(measured.begin(), measured.end(),
                     [](const Measured& a, const Measured& b) { return a.median_ns < b.median_ns; });
    return measured;
  }

  void finish() {
    found_.measured = ranking();
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

  void run_rounds(std::vector<Choice> choices, int rounds, const std::string& what, SplitMix64& random) {
    for (int round = 0; round < rounds; ++round) {
      shuffle(choices, random);
      for (std::size_t at = 0; at < choices.size(); ++at) {
        progress_(what + " " + std::to_string(round + 1) + ", " + std::to_string(at + 1) + " of " +
                      std::to_string(choices.size()),
                  1);
        add(choices[at], makespan_ns(measure(choices[at], found_.batch.tasks)));
      }
    }
  }

  // Every point of the curve, so that the choice can be judged. Of so many medians the best is the one that was lucky: so the
  // best few are run again beside the choice, and these fresh runs alone say what the choice costs.
  void sweep() {
    std::vector<Choice> all;
    for (const Point& point : found_.curve) all.push_back(point.choice);
    const Choice chosen = found_.measured[found_.choice].choice;
    if (std::find(all.begin(), all.end(), chosen) == all.end()) all.push_back(chosen);
    SplitMix64 random(question_.seed + 1);
    forget();
    run_rounds(std::move(all), kExhaustiveRounds, "exhaustive round", random);
    found_.exhaustive = ranking();
    std::vector<Choice> judged{chosen};
    for (const Measured& measured : found_.exhaustive) {
      if (judged.size() <= kJudged && measured.choice != chosen) judged.push_back(measured.choice);
    }
    forget();
    run_rounds(std::move(judged), kJudgingRounds, "judging round", random);
    found_.judged = ranking();
    found_.regret = regret_of(chosen, found_.judged);
  }

  void forget() {
    times_.clear();
    choices_.clear();
  }

  const Question& question_;
  CellRunner& runner_;
  const Progress& progress_;
  const Clock::time_point start_;
  Recommendation found_;
  std::vector<Choice> choices_;                             // that were run
  std::map<std::size_t, std::vector<std::int64_t>> times_;  // of each
};

}  // namespace

Recommendation recommend(const Question& question, CellRunner& runner, const Progress& progress) {
  return Search(question, runner, progress).run();
}

}  // namespace harness::recommend
