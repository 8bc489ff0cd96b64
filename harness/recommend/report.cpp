// A recommendation, for people.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/base/text_table.h"
#include "harness/recommend/other_hosts.h"
#include "harness/recommend/profile_report.h"
#include "harness/recommend/python_report.h"
#include "harness/recommend/python_snippet.h"
#include "harness/recommend/recommend.h"

namespace harness::recommend {
namespace {

std::string times(double ratio) { return fmt::format("{:.{}f}x", ratio, ratio < 9.95 ? 2 : ratio < 99.5 ? 1 : 0); }

const Measured* find(const Recommendation& r, Pool pool, int workers) {
  for (const Measured& measured : r.measured) {
    if (measured.choice.pool == pool && measured.choice.workers == workers) return &measured;
  }
  return nullptr;
}

// "knee at 28 workers = 2 cores x (1 + W/C); cores*5 = 10 reaches 36 % of it"
std::string knee_text(const Recommendation& r, const Choice& choice) {
  const Profile& p = r.profile;
  const auto at = knee(p, choice.pool);
  if (!at) return "none: the tasks never compute, so that every worker more is a task more at a time, up to the number of tasks";
  const double ratio = p.wait_to_compute().value_or(0);
  const double free = p.effective_cores() * (1 + ratio);
  std::string text = fmt::format("at {:.1f} workers{}", *at, choice.hosts > 0 ? " on each host" : "");
  text += *at < free * 0.999 ? fmt::format(" = (1 + W/C) / {:.2f}, the share under the lock", p.of(choice.pool).locked_share)
                             : fmt::format(" = {:.3g} cores x (1 + W/C)", p.effective_cores());
  const int rule = p.cores * 5;
  if (*at > rule) text += fmt::format("; cores*5 = {} reaches {} of the throughput there", rule, percent(rule / *at));
  return text;
}

std::string against(const Question& question, const Recommendation& r) {
  std::string text;
  for (const Comparison& comparison : comparisons(r)) {
    const std::string words = times(comparison.ratio.estimate) + " as fast as " + comparison.rule;
    const std::string sure = comparison.is_predicted
                                 ? " (predicted)"
                                 : fmt::format(" [{}, {}]", times(comparison.ratio.lower), times(comparison.ratio.upper));
    text += (text.empty() ? "" : "; ") + words + sure;
  }
  const Measured& chosen = r.measured[r.choice];
  const Measured* const alone =
      find(r, Pool::thread, 1);  // where the start of a pool counts, what was run is compared with what was run
  if (question.python && (alone == nullptr || alone == &chosen)) return text;
  const std::int64_t alone_ns = question.python ? alone->median_ns : r.one_at_a_time_ns;
  return text + (text.empty() ? "" : "; ") + times(static_cast<double>(alone_ns) / static_cast<double>(chosen.median_ns)) +
         " as fast as one at a time";
}

std::string words_of(const Question& question, const Choice& choice) {
  return (question.python || question.own) && is_sequential(choice) ? "no pool: one after the other" : describe(choice);
}

// What the choice takes, and how that is known.
std::string headline(const Question& question, const Recommendation& r) {
  if (r.all) {
    std::string text = fmt::format("{}: {} for all {} tasks, predicted from runs of {}", words_of(question, r.all->choice),
                                   human_ns(r.all->predicted_ns), question.tasks, r.batch.tasks);
    if (r.all->makespans_ns.empty()) return text + ", for which the budget sufficed";
    return text + fmt::format("; run with all of them: {}", human_ns(model::median(r.all->makespans_ns)));
  }
  const Measured& chosen = r.measured[r.choice];
  std::string text = words_of(question, chosen.choice) + ": " + human_ns(chosen.median_ns);
  if (r.fewest_workers < r.most_workers)
    text += fmt::format("; {} to {} workers cannot be told apart", r.fewest_workers, r.most_workers);
  return text;
}

}  // namespace

std::vector<Comparison> comparisons(const Recommendation& r) {
  std::vector<Comparison> found;
  const Measured& chosen = r.measured[r.choice];
  const auto compare = [&](const std::string& rule, Pool pool, int workers) {
    if (const Measured* const other = find(r, pool, workers)) {
      if (other != &chosen) found.push_back({rule, model::ratio_interval(chosen.makespans_ns, other->makespans_ns), false});
      return;
    }
    for (const Point& point : r.too_long) {
      if (point.choice.pool != pool || point.choice.workers != workers) continue;
      const double ratio = static_cast<double>(point.predicted_ns) / static_cast<double>(chosen.median_ns);
      found.push_back({rule, {ratio, ratio, ratio, 0}, true});
      return;
    }
  };
  const int cores = r.profile.cores;
  compare(fmt::format("cores*5 = {} threads", cores * 5), Pool::thread, cores * 5);
  compare(fmt::format("cores = {} threads", cores), Pool::thread, cores);
  compare(fmt::format("cores = {} processes", cores), Pool::process, cores);
  return found;
}

std::string reason(const Question& question, const Recommendation& r) {
  const Profile& p = r.profile;
  const Choice& choice = choice_of(r);
  const double waits = p.waiting_share();
  std::string text;
  if (question.python && is_sequential(choice)) {
    return fmt::format("the tasks wait {} of the time, but a pool would save less than it costs to start one", percent(waits));
  }
  if (question.own && is_sequential(choice) && question.tasks > 1) {
    return fmt::format("the tasks {} of the time, and several at once take as long as one after the other",
                       waits > 0.5 ? "wait " + percent(waits) : "compute " + percent(1 - waits));
  }
  if (waits > 0.5) {
    text = fmt::format("the tasks wait {} of the time", percent(waits));
    text +=
        choice.workers >= question.tasks ? ", and there is a worker for every task" : ", so that many at a time share the cores";
  } else {
    text = fmt::format("the tasks compute {} of the time", percent(1 - waits));
    text += choice.workers <= p.cores * 2 * std::max(1, choice.hosts)
                ? ", and more workers than the cores can feed only wait for them"
                : "";
  }
  if (choice.hosts > 0) text += fmt::format("; {} host{} cores for it", choice.hosts, choice.hosts == 1 ? " has" : "s have");
  if (p.thread.locked_share > 0.3 && (choice.pool == Pool::process || choice.pool == Pool::remote))
    text += question.python ? "; threads would take turns under the GIL, of which processes have one each"
                            : "; threads would take turns under their common lock, processes have one each";
  if (question.python && waits <= 0.5 && choice.pool == Pool::thread && choice.workers > 1 && p.thread.locked_share <= 0.3)
    text += "; the computing lets go of the GIL, as hashlib, zlib and numpy do, so that threads share all cores";
  const bool has_processes = std::find(question.pools.begin(), question.pools.end(), Pool::process) != question.pools.end();
  if (choice.pool == Pool::thread && p.thread.locked_share <= 0.3 && has_processes)
    text += "; processes have nothing to offer that threads have not, and cost more";
  return text;
}

namespace {

std::string measured_table(const Recommendation& r, const std::vector<Measured>& rows, const Measured* chosen, const Look& look) {
  TextTable table({{"", TextTable::Column::words}, {"predicted"}, {"measured"}, {"95 % interval"}});
  for (const Measured& row : rows) {
    Choice plain = row.choice;
    plain.strategy = model::Strategy::none;
    std::string name = describe(plain);
    if (row.choice.strategy != model::Strategy::none) name += fmt::format(", {}", model::name(row.choice.strategy));
    if (row.choice.parsers > 0) name += fmt::format(" by {}", row.choice.parsers);
    if (row.choice.pool == Pool::thread && row.choice.workers == r.profile.cores * 5)
      name += " (cores*5)";
    else if (row.choice.workers == r.profile.cores && row.choice.hosts == 0)
      name += " (cores)";
    const bool is_choice = chosen != nullptr && row.choice == chosen->choice;
    const auto shown = [&](const std::string& cell) { return is_choice ? painted(cell, Paint::good, look) : cell; };
    table.row({shown((is_choice ? "* " : "  ") + name), shown(human_ns(row.predicted_ns)), shown(human_ns(row.median_ns)),
               shown(fmt::format("[{}, {}]", human_ns(row.interval.lower), human_ns(row.interval.upper)))});
  }
  return table.text(look.columns);
}

}  // namespace

std::string text(const Question& question, const Recommendation& r, const Look& look) {
  const Measured& chosen = r.measured[r.choice];
  std::string work = fmt::format("{}: {} task{}", question.title, question.tasks, question.tasks == 1 ? "" : "s");
  if (r.batch.tasks < question.tasks) work += fmt::format(", of which {} were run at a time", r.batch.tasks);
  if (r.batch.has_callbacks()) work += ", callbacks of " + human_ns(r.batch.callback.service_ns());
  std::string out = line("work", work, look);
  out += line("a task", demand_text(r.profile), look);
  out += line("contention", contention_text(question, r.profile), look);
  out += line("knee", knee_text(r, choice_of(r)), look);
  out += '\n' + measured_table(r, r.measured, &chosen, look) + '\n';
  if (!r.noise.empty()) {
    out +=
        line("use", "too noisy to tell: " + r.noise + ". What follows is what was measured all the same, and may be wrong", look);
  }
  out += line(r.noise.empty() ? "use" : "perhaps", headline(question, r), look);
  if (const std::string compared = against(question, r); !compared.empty()) out += line("", compared, look);
  std::string ties;
  for (const std::size_t tie : r.ties) ties += (ties.empty() ? "" : "; ") + describe(r.measured[tie].choice);
  out += line("ties with", ties.empty() ? "nothing that was run" : ties, look);
  if (const auto found = leaving(question, r)) out += line("hosts", leaving_text(*found), look);
  out += line("why", reason(question, r), look);
  out += line("how sure",
              fmt::format("{} rounds, interleaved at random (seed {}); of what cannot be told from the fastest the "
                          "cheapest was chosen{}",
                          r.rounds, question.seed, gate_words(r.gate)),
              look);
  for (const Point& point : r.too_long) {
    out +=
        line("not run",
             fmt::format("{}: the budget does not suffice; {} predicted", describe(point.choice), human_ns(point.predicted_ns)),
             look);
  }
  for (const std::string& note : r.notes) out += line("but", note, look);
  if (question.python) {
    for (const auto& [label, words] : python_facts(question, r.profile, kTimesWithStart)) out += line(label, words, look);
    if (!r.program.main_ns.empty()) out += line("promised", program_text(r), look);
    out += "\n" + python_code(question, r);
  }
  if (question.own) {
    if (const std::string snippet = own_snippet(*question.own, choice_of(r)); !snippet.empty()) out += "\n" + snippet;
  }
  if (!r.exhaustive.empty()) {
    out += "\nexhaustive sweep, fastest first\n" + measured_table(r, r.exhaustive, &chosen, look) + '\n';
    out += "\nits best and the choice, run again\n" + measured_table(r, r.judged, &chosen, look) + '\n';
    out +=
        line("regret",
             fmt::format("{:.1f} % [{:.1f} %, {:.1f} %] over {}, round by round: the best of all {} points", 100 * r.regret.ratio,
                         100 * r.regret.low, 100 * r.regret.high, describe(r.judged[r.regret.rival].choice), r.exhaustive.size()),
             look);
  }
  return out;
}

}  // namespace harness::recommend
