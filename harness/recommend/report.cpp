// A recommendation, for people.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>
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

// Of `rows`, fastest first, those on that pool of that many workers: the one whose callbacks are run as `like` has it, or else the fastest.
template <class Row>
const Row* find(const std::vector<Row>& rows, Pool pool, int workers, model::Strategy like) {
  const Row* found = nullptr;
  for (const Row& row : rows) {
    if (row.choice.pool != pool || row.choice.workers != workers || row.choice.hosts != 0) continue;
    if (row.choice.strategy == like) return &row;
    if (found == nullptr) found = &row;
  }
  return found;
}

// Of `rows`, fastest first, what is one after the other; nullptr: nothing is.
template <class Row>
const Row* find_sequential(const std::vector<Row>& rows) {
  const auto found = std::ranges::find_if(rows, [](const Row& row) { return is_sequential(row.choice); });
  return found == rows.end() ? nullptr : &*found;
}

// What one after the other takes, of as many tasks as the choice's time is of. Nothing: it is the choice, or was not run.
std::optional<std::int64_t> one_at_a_time(const Question& question, const Recommendation& r) {
  if (!question.python) return r.all ? r.all->one_at_a_time_ns : r.one_at_a_time_ns;
  // Where the start of a pool counts, what was run is compared with what was run.
  if (is_sequential(choice_of(r))) return std::nullopt;
  if (r.all) {
    const Point* const alone = find_sequential(r.all->curve);
    return alone != nullptr ? std::optional(alone->predicted_ns) : std::nullopt;
  }
  const Measured* const alone = find_sequential(r.measured);
  return alone != nullptr ? std::optional(alone->median_ns) : std::nullopt;
}

// Of the choice, as that of a rule of thumb is known: measured, or predicted for all tasks.
std::int64_t compared_time(const Recommendation& r) { return r.all ? r.all->predicted_ns : r.measured[r.choice].median_ns; }

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
    const std::string sure = comparison.is_predicted ? " (predicted)"
                             : comparison.is_one_run
                                 ? " (one run)"
                                 : fmt::format(" [{}, {}]", times(comparison.ratio.lower), times(comparison.ratio.upper));
    text += (text.empty() ? "" : "; ") + words + sure;
  }
  const std::optional<std::int64_t> alone_ns = one_at_a_time(question, r);
  if (!alone_ns) return text;
  const double ratio = static_cast<double>(*alone_ns) / static_cast<double>(std::max<std::int64_t>(1, compared_time(r)));
  return text + (text.empty() ? "" : "; ") + times(ratio) + " as fast as one at a time" + (r.all ? " (predicted)" : "");
}

std::string words_of(const Question& question, const Choice& choice) {
  return (question.python || question.own) && is_sequential(choice) ? "no pool: one after the other" : describe(choice);
}

}  // namespace

std::string headline(const Question& question, const Recommendation& r) {
  if (r.all) {
    std::string text = fmt::format("{}: {} for all {} tasks, predicted from runs of {}", words_of(question, r.all->choice),
                                   human_ns(r.all->predicted_ns), question.tasks, r.batch.tasks);
    text += r.all->makespans_ns.empty() ? ", for which the budget sufficed"
                                        : fmt::format("; run with all of them: {}", human_ns(model::median(r.all->makespans_ns)));
    if (r.all->fewest_workers < r.all->most_workers)
      text += fmt::format("; {} to {} workers are predicted to be as good", r.all->fewest_workers, r.all->most_workers);
    return text;
  }
  const Measured& chosen = r.measured[r.choice];
  std::string text = words_of(question, chosen.choice) + ": " + human_ns(chosen.median_ns);
  if (r.fewest_workers < r.most_workers)
    text += fmt::format("; {} to {} workers cannot be told apart", r.fewest_workers, r.most_workers);
  return text;
}

std::vector<Comparison> comparisons(const Recommendation& r) {
  std::vector<Comparison> found;
  const Measured& chosen = r.measured[r.choice];
  const Choice& choice = choice_of(r);
  const auto compare = [&](std::string rule, Pool pool, int workers) {
    const auto with_strategy = [&](const Choice& other) {
      if (other.strategy == choice.strategy) return rule;
      return rule + (other.strategy == model::Strategy::none ? "" : fmt::format(" ({})", model::name(other.strategy)));
    };
    const auto predicted = [&](const Point* point) {
      if (point == nullptr || point->choice == choice) return;
      const double ratio =
          static_cast<double>(point->predicted_ns) / static_cast<double>(std::max<std::int64_t>(1, compared_time(r)));
      found.push_back({with_strategy(point->choice), {ratio, ratio, ratio, 0}, true, false});
    };
    if (r.all) return predicted(find(r.all->curve, pool, workers, choice.strategy));
    const Measured* const other = find(r.measured, pool, workers, choice.strategy);
    if (other == nullptr) return predicted(find(r.too_long, pool, workers, choice.strategy));
    if (other == &chosen) return;
    found.push_back({with_strategy(other->choice), model::ratio_interval(chosen.makespans_ns, other->makespans_ns), false,
                     std::min(other->makespans_ns.size(), chosen.makespans_ns.size()) < 2});
  };
  const int cores = r.profile.cores;
  compare(fmt::format("cores*5 = {} threads", cores * 5), Pool::thread, cores * 5);
  compare(fmt::format("cores = {} threads", cores), Pool::thread, cores);
  compare(fmt::format("cores = {} processes", cores), Pool::process, cores);
  return found;
}

std::string interval_text(const Measured& measured) {
  if (measured.makespans_ns.size() < 2) return "one run";
  return fmt::format("[{}, {}]", human_ns(measured.interval.lower), human_ns(measured.interval.upper));
}

std::string how_sure_text(const Question& question, const Recommendation& r) {
  std::string text = r.rounds == 0
                         ? "no round was whole"
                         : fmt::format("{}, interleaved at random (seed {})", counted(r.rounds, "round"), question.seed);
  text += r.all ? "; of what is predicted within 5 % of the best the cheapest was chosen"
                : "; of what cannot be told from the fastest the cheapest was chosen";
  if (r.rounds < 6) text += "; below 6 runs an interval is their range";
  return text + gate_words(r.gate);
}

std::string ties_text(const Recommendation& r) {
  std::string text;
  for (const std::size_t tie : r.ties) text += (text.empty() ? "" : "; ") + describe(r.measured[tie].choice);
  return text.empty() ? "nothing that was run" : text;
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

std::string measured_table(const Recommendation& r, const std::vector<Measured>& rows, const Look& look) {
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
    const bool is_choice = row.choice == choice_of(r);
    const auto shown = [&](const std::string& cell) { return is_choice ? painted(cell, Paint::good, look) : cell; };
    table.row({shown((is_choice ? "* " : "  ") + name), shown(human_ns(row.predicted_ns)), shown(human_ns(row.median_ns)),
               shown(interval_text(row))});
  }
  return table.text(look.columns);
}

}  // namespace

std::string text(const Question& question, const Recommendation& r, const Look& look) {
  std::string work = fmt::format("{}: {}", question.title, counted(question.tasks, "task"));
  if (r.batch.tasks < question.tasks) {
    work += fmt::format("; each run had {} of them{}", r.batch.tasks, question.inputs > 0 ? ", evenly from first to last" : "");
  }
  if (r.batch.has_callbacks()) work += ", callbacks of " + human_ns(r.batch.callback.service_ns());
  std::string out = line("work", work, look);
  out += line("a task", demand_text(r.profile), look);
  out += line("contention", contention_text(question, r.profile), look);
  out += line("knee", knee_text(r, choice_of(r)), look);
  out += '\n' + measured_table(r, r.measured, look) + '\n';
  if (!r.noise.empty()) {
    out +=
        line("use", "too noisy to tell: " + r.noise + ". What follows is what was measured all the same, and may be wrong", look);
  }
  out += line(r.noise.empty() && r.rounds > 0 ? "use" : "perhaps", headline(question, r), look);
  if (const std::string compared = against(question, r); !compared.empty()) out += line("", compared, look);
  if (!r.all) out += line("ties with", ties_text(r), look);
  if (const auto found = leaving(question, r)) out += line("hosts", leaving_text(*found), look);
  out += line("why", reason(question, r), look);
  out += line("how sure", how_sure_text(question, r), look);
  for (const Point& point : r.too_long) {
    out +=
        line("not run",
             fmt::format("{}: the budget does not suffice; {} predicted", describe(point.choice), human_ns(point.predicted_ns)),
             look);
  }
  for (const std::string& note : r.notes) out += line("but", note, look);
  if (question.python) {
    for (const auto& [label, words] : python_facts(question, r.profile, kTimesWithStart)) out += line(label, words, look);
    if (const std::string promised = program_text(question, r); !promised.empty()) out += line("promised", promised, look);
    out += "\n" + python_code(question, r);
  }
  if (question.own) {
    if (const std::string snippet = own_snippet(*question.own, choice_of(r)); !snippet.empty()) out += "\n" + snippet;
  }
  if (!r.exhaustive.empty()) {
    out += "\nexhaustive sweep, fastest first\n" + measured_table(r, r.exhaustive, look) + '\n';
    out += "\nits best and the choice, run again\n" + measured_table(r, r.judged, look) + '\n';
    out +=
        line("regret",
             fmt::format("{:.1f} % [{:.1f} %, {:.1f} %] over {}, round by round: the best of all {} points", 100 * r.regret.ratio,
                         100 * r.regret.low, 100 * r.regret.high, describe(r.judged[r.regret.rival].choice), r.exhaustive.size()),
             look);
  }
  return out;
}

}  // namespace harness::recommend
