// A recommendation, for people and as JSON.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/recommend/recommend.h"

namespace harness::recommend {
namespace {

constexpr std::size_t kIndent = 13;

std::string percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

std::string line(const std::string& label, const std::string& words) {
  return hang(fmt::format("{:<{}}{}", label, kIndent, words), kIndent);
}

std::string times(double ratio) { return fmt::format("{:.{}f}x", ratio, ratio < 9.95 ? 2 : ratio < 99.5 ? 1 : 0); }

const Measured* find(const Recommendation& r, Pool pool, int workers) {
  for (const Measured& measured : r.measured) {
    if (measured.choice.pool == pool && measured.choice.workers == workers) return &measured;
  }
  return nullptr;
}

std::string demand_text(const Recommendation& r) {
  const Profile& p = r.profile;
  std::string text = fmt::format("{} tasks one at a time: median {}, p95 {}, longest {}", p.services_ns.size(),
                                 human_ns(p.quantile_ns(0.5)), human_ns(p.quantile_ns(0.95)), human_ns(p.quantile_ns(1)));
  text += fmt::format("; waits {} of the time", percent(p.waiting_share()));
  if (const auto ratio = p.wait_to_compute()) text += fmt::format(" (W/C = {:.{}f})", *ratio, *ratio < 9.95 ? 2 : 1);
  if (p.cores_per_task > 1.2) text += fmt::format("; one task keeps {:.1f} cores busy by itself", p.cores_per_task);
  return text;
}

std::string contention_text(const Profile& p) {
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  if (p.thread.locked_share > 0) {
    add(percent(p.thread.locked_share) + " of the computing goes on under a lock that the threads of a process share" +
        (p.process.locked_share == 0 ? ", which worker processes do not" : ""));
  } else if (p.process.locked_share > 0) {
    add(percent(p.process.locked_share) + " of the computing does not scale with worker processes");
  }
  for (const Pool pool : {Pool::thread, Pool::process}) {
    const Usl& usl = p.of(pool).usl;
    if (usl.contends())
      add(fmt::format("more at a time slows each down on the {} pool (USL: alpha {:.3g}, beta {:.2g})", backend_name(pool),
                      usl.alpha, usl.beta));
  }
  const std::int64_t extra = p.process.dispatch_ns - p.thread.dispatch_ns;
  if (extra > 0) add("a task costs " + human_ns(extra) + " more on a process pool");
  return text.empty() ? "nothing: tasks do not get into each other's way" : text;
}

// "knee at 28 workers = 2 cores x (1 + W/C); cores*5 = 10 reaches 36 % of it"
std::string knee_text(const Recommendation& r, Pool pool) {
  const Profile& p = r.profile;
  const auto at = knee(p, pool);
  if (!at) return "none: the tasks never compute, so that every worker more is a task more at a time, up to the number of tasks";
  const double ratio = p.wait_to_compute().value_or(0);
  const double free = p.effective_cores() * (1 + ratio);
  std::string text = fmt::format("at {:.1f} workers", *at);
  text += *at < free * 0.999 ? fmt::format(" = (1 + W/C) / {:.2f}, the share under the lock", p.of(pool).locked_share)
                             : fmt::format(" = {:.3g} cores x (1 + W/C)", p.effective_cores());
  const int rule = p.cores * 5;
  if (*at > rule) text += fmt::format("; cores*5 = {} reaches {} of the throughput there", rule, percent(rule / *at));
  return text;
}

std::string against(const Recommendation& r) {
  const Measured& chosen = r.measured[r.choice];
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  const auto compare = [&](const char* name, const Measured* other) {
    if (other == nullptr || other == &chosen) return;
    const model::Ratio ratio = model::ratio_interval(chosen.makespans_ns, other->makespans_ns);
    add(fmt::format("{} {} [{}, {}]", times(ratio.estimate), name, times(ratio.lower), times(ratio.upper)));
  };
  compare(fmt::format("as fast as cores*5 = {} threads", r.profile.cores * 5).c_str(),
          find(r, Pool::thread, r.profile.cores * 5));
  compare(fmt::format("as fast as cores = {} threads", r.profile.cores).c_str(), find(r, Pool::thread, r.profile.cores));
  compare(fmt::format("as fast as cores = {} processes", r.profile.cores).c_str(), find(r, Pool::process, r.profile.cores));
  add(fmt::format("{} as fast as one at a time",
                  times(static_cast<double>(r.one_at_a_time_ns) / static_cast<double>(chosen.median_ns))));
  return text;
}

// The fastest over other hosts against the fastest here.
std::string hosts_text(const Recommendation& r) {
  const auto fastest = [&](bool away) -> const Measured* {
    for (const Measured& measured : r.measured) {
      if ((measured.choice.hosts > 0) == away) return &measured;
    }
    return nullptr;
  };
  const Measured* const here = fastest(false);
  const Measured* const away = fastest(true);
  if (here == nullptr || away == nullptr) return "not compared: all that ran was on one side";
  const model::Ratio ratio = model::ratio_interval(here->makespans_ns, away->makespans_ns);
  const bool pays = ratio.upper < 1;
  const bool costs = ratio.lower > 1;
  std::string text =
      fmt::format("leaving the machine {}: {} takes {} [{}, {}] as long as {}",
                  pays    ? "pays"
                  : costs ? "does not pay"
                          : "makes no difference that could be told",
                  describe(away->choice), times(ratio.estimate), times(ratio.lower), times(ratio.upper), describe(here->choice));
  text += r.leaving_pays_ns ? fmt::format("; with these numbers of workers it pays from tasks of {} on, by what the way costs",
                                          human_ns(*r.leaving_pays_ns))
                            : "; with these numbers of workers it never can, by what the way costs";
  return text;
}

std::string reason(const Recommendation& r) {
  const Profile& p = r.profile;
  const Choice& choice = r.measured[r.choice].choice;
  const double waits = p.waiting_share();
  std::string text;
  if (waits > 0.5) {
    text = fmt::format("the tasks wait {} of the time", percent(waits));
    text +=
        choice.workers >= r.batch.tasks ? ", and there is a worker for every task" : ", so that many at a time share the cores";
  } else {
    text = fmt::format("the tasks compute {} of the time", percent(1 - waits));
    text += choice.workers <= p.cores * 2 ? ", and more workers than the cores can feed only wait for them" : "";
  }
  if (p.thread.locked_share > 0.3 && choice.pool == Pool::process)
    text += "; threads would take turns under their common lock, processes have one each";
  if (choice.pool == Pool::thread && p.thread.locked_share <= 0.3)
    text += "; processes have nothing to offer that threads have not, and cost more";
  return text;
}

std::string table(const Recommendation& r, const std::vector<Measured>& rows, const Measured* chosen) {
  std::string out = fmt::format("{:<56} {:>11} {:>11}  {:>25}\n", "", "predicted", "measured", "95 % interval");
  for (const Measured& row : rows) {
    std::string name = describe(row.choice);
    if (row.choice.pool == Pool::thread && row.choice.workers == r.profile.cores * 5)
      name += " (cores*5)";
    else if (row.choice.workers == r.profile.cores)
      name += " (cores)";
    const bool is_choice = chosen != nullptr && row.choice == chosen->choice;
    out += fmt::format("{} {:<54} {:>11} {:>11}  {:>25}\n", is_choice ? '*' : ' ', name, human_ns(row.predicted_ns),
                       human_ns(row.median_ns), "[" + human_ns(row.interval.lower) + ", " + human_ns(row.interval.upper) + "]");
  }
  return out;
}

nlohmann::ordered_json json_of(const Measured& m) {
  return {{"backend", backend_name(m.choice.pool)},
          {"workers", m.choice.workers},
          {"strategy", std::string(model::name(m.choice.strategy))},
          {"parsers", m.choice.parsers},
          {"hosts", m.choice.hosts},
          {"predicted_ns", m.predicted_ns},
          {"median_ns", m.median_ns},
          {"interval_ns", {m.interval.lower, m.interval.upper}},
          {"makespans_ns", m.makespans_ns}};
}

}  // namespace

std::string text(const Question& question, const Recommendation& r) {
  const Measured& chosen = r.measured[r.choice];
  std::string out =
      line("work", fmt::format("{}: {} task{}{}", question.title, r.batch.tasks, r.batch.tasks == 1 ? "" : "s",
                               r.batch.has_callbacks() ? ", callbacks of " + human_ns(r.batch.callback.service_ns()) : ""));
  out += line("a task", demand_text(r));
  out += line("contention", contention_text(r.profile));
  out += line("knee", knee_text(r, chosen.choice.pool));
  out += '\n' + table(r, r.measured, &chosen) + '\n';
  out += line("use", describe(chosen.choice) + ": " + human_ns(chosen.median_ns));
  out += line("", against(r));
  std::string ties;
  for (const std::size_t tie : r.ties) ties += (ties.empty() ? "" : "; ") + describe(r.measured[tie].choice);
  out += line("ties with", ties.empty() ? "nothing that was run" : ties);
  if (!question.over_hosts.empty()) out += line("hosts", hosts_text(r));
  out += line("why", reason(r));
  out +=
      line("how sure",
           fmt::format("{} rounds, interleaved at random (seed {}); the cheapest of what is within 2 % of the fastest was chosen",
                       r.rounds, question.seed));
  for (const std::string& note : r.notes) out += line("but", note);
  if (!r.exhaustive.empty()) {
    out += "\nexhaustive sweep, fastest first\n" + table(r, r.exhaustive, &chosen) + '\n';
    out += "\nits best and the choice, run again\n" + table(r, r.judged, &chosen) + '\n';
    out += line("regret", fmt::format("{:.1f} % [{:.1f} %, {:.1f} %] over {}, round by round: the best of all {} points",
                                      100 * r.regret.ratio, 100 * r.regret.low, 100 * r.regret.high,
                                      describe(r.judged[r.regret.rival].choice), r.exhaustive.size()));
  }
  return out;
}

std::string json(const Question& question, const Recommendation& r) {
  nlohmann::ordered_json out;
  out["work"] = question.title;
  out["tasks"] = r.batch.tasks;
  out["cores"] = r.profile.cores;
  out["mean_wait_ns"] = r.profile.mean_wait_ns();
  out["mean_compute_ns"] = r.profile.mean_compute_ns();
  out["wait_to_compute"] = r.profile.wait_to_compute() ? nlohmann::ordered_json(*r.profile.wait_to_compute()) : nullptr;
  out["service_ns"] = {{"p50", r.profile.quantile_ns(0.5)},
                       {"p95", r.profile.quantile_ns(0.95)},
                       {"max", r.profile.quantile_ns(1)}};
  for (const Pool pool : {Pool::thread, Pool::process}) {
    const PoolProfile& p = r.profile.of(pool);
    const auto at = knee(r.profile, pool);
    out[backend_name(pool)] = {{"locked_share", p.locked_share},
                               {"dispatch_ns", p.dispatch_ns},
                               {"usl_alpha", p.usl.alpha},
                               {"usl_beta", p.usl.beta},
                               {"knee", at ? nlohmann::ordered_json(*at) : nullptr}};
  }
  out["one_at_a_time_ns"] = r.one_at_a_time_ns;
  if (!question.over_hosts.empty()) {
    const model::Hop& hop = r.profile.hop;
    out["hop"] = {{"latency_ns", hop.latency_ns}, {"task_ns", hop.request_ns}, {"payload_ns", hop.answer_ns}};
    out["leaving_pays_ns"] = r.leaving_pays_ns ? nlohmann::ordered_json(*r.leaving_pays_ns) : nullptr;
  }
  out["rounds"] = r.rounds;
  out["choice"] = json_of(r.measured[r.choice]);
  out["ties"] = nlohmann::ordered_json::array();
  for (const std::size_t tie : r.ties) out["ties"].push_back(json_of(r.measured[tie]));
  out["measured"] = nlohmann::ordered_json::array();
  for (const Measured& m : r.measured) out["measured"].push_back(json_of(m));
  out["notes"] = r.notes;
  if (!r.exhaustive.empty()) {
    out["exhaustive"] = nlohmann::ordered_json::array();
    for (const Measured& m : r.exhaustive) out["exhaustive"].push_back(json_of(m));
    out["judged"] = nlohmann::ordered_json::array();
    for (const Measured& m : r.judged) out["judged"].push_back(json_of(m));
    out["regret"] = {{"ratio", r.regret.ratio},
                     {"low", r.regret.low},
                     {"high", r.regret.high},
                     {"rival", json_of(r.judged[r.regret.rival])}};
  }
  return out.dump(1) + '\n';
}

}  // namespace harness::recommend
