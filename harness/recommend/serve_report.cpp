// Which size serves clients at a rate, for people: text and Markdown.

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/base/text_table.h"
#include "harness/recommend/profile_report.h"
#include "harness/recommend/python_report.h"
#include "harness/recommend/serve.h"

namespace harness::recommend {
namespace {

std::string sojourns_words(const Objective& objective, const PercentileTimes& times) {
  std::string text;
  for (const Bound& bound : objective.bounds) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", bound.of().name, human_ns(times[bound.percentile]));
  }
  return text;
}

// "p99 181 ms [176 ms, 190 ms]" of each bound.
std::string measured_words(const Objective& objective, const ServedSize& size) {
  if (size.too_long && size.counted.empty()) return "it did not end within the budget";
  std::string text;
  for (const Bound& bound : objective.bounds) {
    const model::Quantile q = size.quantile(bound.percentile);
    text += fmt::format("{}{} {} [{}, {}]", text.empty() ? "" : ", ", bound.of().name, human_ns(q.value), human_ns(q.lower),
                        human_ns(q.upper));
  }
  return text;
}

const ServedSize* measured_at(const Serving& s, int workers) {
  const auto at =
      std::find_if(s.measured.begin(), s.measured.end(), [&](const ServedSize& size) { return size.choice.workers == workers; });
  return at == s.measured.end() ? nullptr : &*at;
}

const ServicePoint* predicted_at(const Serving& s, const Choice& choice) {
  const auto at = std::find_if(s.curve.begin(), s.curve.end(), [&](const ServicePoint& p) { return p.choice == choice; });
  return at == s.curve.end() ? nullptr : &*at;
}

std::string capacity_words(double per_s) { return fmt::format("{} at most", human_rate(per_s)); }

std::string verdict_words(const Objective& objective, const Serving& s, const ServedSize& size) {
  const ServicePoint* const point = predicted_at(s, size.choice);
  if (point == nullptr) return "";
  if (point->load >= 1) return "fails: " + capacity_words(point->capacity_per_s);
  return name(size.verdict(objective, point->capacity_per_s));
}

std::string served_table(const Objective& objective, const Serving& s, const Look& look) {
  TextTable table({{"", TextTable::Column::left},
                   {"", TextTable::Column::left},
                   {"predicted"},
                   {"measured"},
                   {"95 % interval"},
                   {"", TextTable::Column::words}});
  for (const ServedSize& size : s.measured) {
    Choice plain = size.choice;
    plain.strategy = model::Strategy::none;
    const bool is_choice = s.kept && size.choice == s.chosen.choice;
    const auto shown = [&](const std::string& cell) { return is_choice ? painted(cell, Paint::good, look) : cell; };
    std::string first = fmt::format("{} {}", is_choice ? '*' : ' ', describe(plain));
    for (const Bound& bound : objective.bounds) {
      const model::Quantile q = size.quantile(bound.percentile);
      table.row({shown(first), std::string(bound.of().name), shown(human_ns(size.predicted_ns(bound.percentile))),
                 shown(human_ns(q.value)), shown(fmt::format("[{}, {}]", human_ns(q.lower), human_ns(q.upper))),
                 shown(first.empty() ? "" : verdict_words(objective, s, size))});
      first.clear();
    }
  }
  return table.text(look.columns);
}

std::string use_words(const Objective& objective, const Serving& s) {
  std::string text = describe(s.chosen.choice) + ": ";
  const ServedSize* const run = measured_at(s, s.chosen.choice.workers);
  text += run != nullptr ? measured_words(objective, *run) + " measured; " : "";
  text += sojourns_words(objective, s.chosen.sojourns_ns) + " predicted in the long run";
  text += fmt::format("; {} of what it can serve", percent(s.chosen.load));
  return text;
}

std::string nothing_words(const Question& question, const Objective& objective, const Serving& s) {
  std::string text = fmt::format("nothing with up to {} workers keeps {} at {}", question.most_workers, bounds_text(objective),
                                 human_rate(objective.rate_per_s));
  text += "; nearest comes " + describe(s.chosen.choice);
  if (s.chosen.load >= 1) {
    text += fmt::format(", which can serve {}", capacity_words(s.chosen.capacity_per_s));
  } else {
    text += ": " + sojourns_words(objective, s.chosen.sojourns_ns) + " predicted";
  }
  const ServedSize* const run = measured_at(s, s.chosen.choice.workers);
  return run == nullptr ? text : text + "; " + measured_words(objective, *run) + " measured";
}

std::string minimum_words(const Objective& objective, const Serving& s) {
  const int least = s.minimum_workers;
  std::string text = counted(least, "worker");
  if (!s.minimum_known) return text + " by the model: fewer were not run until one failed";
  if (least == 1) return text;
  Choice fewer = s.chosen.choice;
  fewer.workers = least - 1;
  if (const ServedSize* const run = measured_at(s, fewer.workers)) {
    return text + fmt::format("; with {}: {} measured", fewer.workers, measured_words(objective, *run));
  }
  return text + fmt::format("; {} cannot serve that rate", fewer.workers);
}

std::string holds_words(const Objective& objective, const Serving& s) {
  if (!s.holds_up_to_per_s) {
    if (s.binds == "the task itself") return "no rate: the task itself takes longer than that";
    return "no rate that was run, though the model has it keep the bounds at that and more";
  }
  const Bound& bound = tightest_bound(objective, s.passes_ns);
  const std::int64_t beyond = s.passes_ns[bound.percentile];
  std::string text = human_rate(*s.holds_up_to_per_s);
  if (!s.kept) text += " by " + describe(s.holder);
  text += fmt::format("; at {} {} {} {} (predicted)", human_rate(s.passes_at_per_s), bound.of().name,
                      beyond > bound.most_ns ? "passes" : "comes close to", human_ns(bound.most_ns));
  for (const ServedSize& check : s.checks) {
    text += fmt::format("; run at {}: {}", human_rate(check.rate_per_s), measured_words(objective, check));
  }
  return text;
}

std::string beyond_words(const Objective& objective, const Serving::BeyondRun& beyond) {
  const Beyond& b = beyond.beyond;
  std::string text = fmt::format("{}, a queue of {}: at {} ", b.when_full, b.queue, human_rate(b.rate_per_s));
  if (b.when_full == "reject") {
    text +=
        fmt::format("{} of the clients are turned away, and the queue is as long as the bounds allow", percent(b.rejected_share));
  } else if (b.late_per_s > 0) {
    text += fmt::format("clients wait outside instead, {} longer with every second that it lasts", human_ns(1e9 * b.late_per_s));
    if (b.when_full == "caller_runs") text += "; who releases them is one worker more";
  } else {
    text += "who releases them is one worker more, which is enough";
  }
  if (!beyond.run) return text;
  const ServedSize& run = *beyond.run;
  text += "; run: " + measured_words(objective, run);
  const auto turned_away = [&run](std::int64_t rejected) {
    return percent(static_cast<double>(rejected) / static_cast<double>(run.arrived)) + " turned away";
  };
  if (b.when_full == "reject") text += ", " + turned_away(run.rejected);
  if (run.modelled.empty()) return text;
  text += fmt::format(" (the model of these clients: {} {}", objective.bounds.back().of().name,
                      human_ns(run.predicted_ns(objective.bounds.back().percentile)));
  return text + (b.when_full == "reject" ? ", " + turned_away(run.modelled_rejected) + ")" : ")");
}

std::string sure_words(const Question& question, const Serving& s) {
  std::string text = "nothing was run at this rate";
  if (s.rounds > 0) {
    text = fmt::format(
        "{} round{} of {} clients at a time, the same for all sizes (seed {}); the generator was at most {} late (p99)", s.rounds,
        s.rounds == 1 ? "" : "s", s.clients, question.seed, human_ns(s.release_lag_p99_ns));
  }
  text += fmt::format("; the margin is {} of each bound, and {} of what it can serve", percent(kMargin / (1 + kMargin)),
                      percent(1 - kMostLoad));
  return text + gate_words(s.gate);
}

// All lines of the answer, label and words.
std::vector<std::pair<std::string, std::string>> answer_lines(const Question& question, const Objective& objective,
                                                              const Serving& s) {
  std::vector<std::pair<std::string, std::string>> lines;
  if (!s.noise.empty()) {
    lines.emplace_back("use",
                       "too noisy to tell: " + s.noise + ". What follows is what was measured all the same, and may be wrong");
  }
  const std::string use = s.noise.empty() ? "use" : "perhaps";
  if (s.kept) {
    lines.emplace_back(use, use_words(objective, s));
    lines.emplace_back("minimum", minimum_words(objective, s));
  } else {
    lines.emplace_back(use, nothing_words(question, objective, s));
  }
  lines.emplace_back("holds up to", holds_words(objective, s));
  lines.emplace_back("binds", serving_reason(s));
  for (const Serving::BeyondRun& beyond : s.beyond) lines.emplace_back("beyond it", beyond_words(objective, beyond));
  lines.emplace_back("how sure", sure_words(question, s));
  if (question.python) {
    lines.emplace_back("executor", python_executor(s.chosen.choice));
    for (auto& fact : python_facts(question, s.profile, "the pool stands when the clients come"))
      lines.push_back(std::move(fact));
  }
  for (const std::string& note : s.notes) lines.emplace_back("but", note);
  return lines;
}

std::string asked_words(const Question& question, const Objective& objective) {
  return fmt::format("{}, {} ({} arrivals): {}", question.title, human_rate(objective.rate_per_s), objective.kind,
                     bounds_text(objective));
}

}  // namespace

std::string serving_reason(const Serving& s) {
  if (s.binds == "the task itself") {
    return fmt::format("the task itself: it takes {} in the middle and {} at p99 when nobody else is there",
                       human_ns(s.profile.quantile_ns(0.5)), human_ns(s.profile.quantile_ns(0.99)));
  }
  std::string text = fmt::format("{}: {}", s.binds, capacity_words(binding_limit(s.profile, s.batch, s.holder).per_s));
  if (s.binds_next) {
    text += fmt::format("; more of them would do more, until {} bind{}: {}", s.binds_next->server,
                        s.binds_next->server.ends_with('s') ? "" : "s", capacity_words(s.binds_next->per_s));
  } else if (s.binds == "workers" || s.binds == "in flight") {
    text += "; more of them would do more";
  } else {
    text += "; more workers would do no more";
  }
  return text;
}

std::string text(const Question& question, const Objective& objective, const Serving& s, const Look& look) {
  std::string out = line("work", asked_words(question, objective), look);
  if (s.batch.has_callbacks()) out += line("", "callbacks of " + human_ns(s.batch.callback.service_ns()), look);
  out += line("a task", demand_text(s.profile), look);
  out += line("contention", contention_text(question, s.profile), look);
  out += '\n';
  if (!s.measured.empty()) out += served_table(objective, s, look) + '\n';
  for (const auto& [label, words] : answer_lines(question, objective, s)) out += line(label, words, look);
  return out;
}

std::string markdown(const Question& question, const Objective& objective, const Serving& s) {
  std::string out =
      fmt::format("**{}**: {}{}\n\n", asked_words(question, objective), s.noise.empty() ? "" : "too noisy to tell; perhaps ",
                  s.kept ? describe(s.chosen.choice) : "nothing keeps it");
  if (!s.measured.empty()) {
    out += "| | | predicted | measured | 95 % interval | |\n|---|---|---|---|---|---|\n";
    for (const ServedSize& size : s.measured) {
      const char* const mark = s.kept && size.choice == s.chosen.choice ? "**" : "";
      for (const Bound& bound : objective.bounds) {
        const model::Quantile q = size.quantile(bound.percentile);
        out += fmt::format("| {0}{1}{0} | {2} | {3} | {4} | {5} to {6} | {7} |\n", mark, describe(size.choice), bound.of().name,
                           human_ns(size.predicted_ns(bound.percentile)), human_ns(q.value), human_ns(q.lower), human_ns(q.upper),
                           verdict_words(objective, s, size));
      }
    }
    out += '\n';
  }
  for (const auto& [label, words] : answer_lines(question, objective, s)) out += fmt::format("* {}: {}\n", label, words);
  return out;
}

}  // namespace harness::recommend
