#include "harness/report/rules_report.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "harness/base/text.h"
#include "harness/report/flat_table.h"
#include "harness/sweep/sinks/csv.h"

namespace harness {
namespace {

using RulesJson = nlohmann::ordered_json;

std::string_view batch_or_clients(bool is_batch) { return is_batch ? "batch" : "rate"; }

std::string_view outcome_word(RegretKind kind) {
  switch (kind) {
    case RegretKind::regret:
      return "regret";
    case RegretKind::missed:
      return "missed";
    case RegretKind::open:
      return "open";
    case RegretKind::none:
      return "none";
  }
  return "";
}

double regret_percent(double ratio) { return 100 * (ratio - 1); }

// "37", "19x": percent, from 1000 on how many times the best.
std::string regret_text(double ratio) {
  return ratio < 11 ? fmt::format("{:.0f}", std::max(0.0, regret_percent(ratio))) : fmt::format("{:.0f}x", ratio);
}

std::string group_text(const RuleGroup& group) {
  if (group.over.missed > 0) return "miss";
  if (group.over.cases == 0) return group.over.open > 0 ? "?" : "-";
  return regret_text(group.over.ratio.estimate) + (group.verdict == RuleVerdict::open ? "?" : "");
}

std::string waits_text(double wait_per_compute) { return fmt::format("{:.3g}", wait_per_compute); }

// "fails", "costs (holds at 0.01, 1)": the worst, and where it does better.
std::string verdict_text(const RuleResult& result) {
  std::string holds;
  if (result.verdict != RuleVerdict::holds) {
    for (const RuleGroup& group : result.groups) {
      if (group.verdict == RuleVerdict::holds)
        holds += fmt::format("{}{} {}", holds.empty() ? "" : ", ", batch_or_clients(group.is_batch),
                             waits_text(group.wait_per_compute));
    }
  }
  return std::string(to_string(result.verdict)) + (holds.empty() ? "" : "; holds at " + holds);
}

std::string painted_verdict(RuleVerdict verdict, const Look& look) {
  switch (verdict) {
    case RuleVerdict::holds:
      return painted(to_string(verdict), Paint::good, look);
    case RuleVerdict::fails:
      return painted(to_string(verdict), Paint::bad, look);
    case RuleVerdict::costs:
    case RuleVerdict::open:
      return painted(to_string(verdict), Paint::doubtful, look);
    case RuleVerdict::silent:
      break;
  }
  return std::string(to_string(verdict));
}

constexpr std::size_t kRuleColumns = 30;
constexpr std::size_t kGroupColumns = 7;
constexpr std::size_t kVerdictColumns = 9;  // two blanks, "verdict"

std::string header_text(std::span<const RuleGroup> groups) {
  std::string kinds;
  std::string ratios;
  for (const RuleGroup& group : groups) {
    const bool first = &group == &groups.front() || (&group)[-1].is_batch != group.is_batch;
    kinds += fmt::format("{:>{}}", first ? batch_or_clients(group.is_batch) : "", kGroupColumns);
    ratios += fmt::format("{:>{}}", waits_text(group.wait_per_compute), kGroupColumns);
  }
  return fmt::format("{:<{}}{}\n{:<{}}{}  verdict\n", "", kRuleColumns, kinds, "rule          W/C", kRuleColumns, ratios);
}

// The columns of the groups from one number to the one before another.
std::string groups_table(std::span<const RuleResult> results, std::size_t from, std::size_t to, const Look& look) {
  std::string out = header_text(std::span(results.front().groups).subspan(from, to - from));
  for (const RuleResult& result : results) {
    out += fmt::format("{:<{}}", title_of(*result.rule), kRuleColumns);
    for (std::size_t i = from; i < to; ++i) out += fmt::format("{:>{}}", group_text(result.groups[i]), kGroupColumns);
    out += fmt::format("  {}\n", painted_verdict(result.verdict, look));
  }
  return out;
}

// In one table; where the page is too narrow for that, one of batches and one of clients.
std::string groups_text(std::span<const RuleResult> results, const Look& look) {
  const std::vector<RuleGroup>& groups = results.front().groups;
  const std::size_t all = groups.size();
  const auto batches =
      static_cast<std::size_t>(std::ranges::count_if(groups, [](const RuleGroup& group) { return group.is_batch; }));
  const bool fits = kRuleColumns + all * kGroupColumns + kVerdictColumns <= look.columns;
  if (fits || batches == 0 || batches == all) return groups_table(results, 0, all, look);
  return groups_table(results, 0, batches, look) + '\n' + groups_table(results, batches, all, look);
}

int cases_with(std::span<const RuleResult> results, bool quota) {
  int count = 0;
  for (const RuleOutcome& outcome : results.front().cases) count += outcome.rule_case->quota() == quota;
  return count;
}

// What else a reader has to know: of which cases, by which measure.
std::string frame_text(std::span<const RuleResult> results, const std::vector<std::string>& notes, std::size_t page) {
  std::string text = hang(
      fmt::format("Regret in % against the best number of workers that was tried: of a batch in its makespan, at a rate in the "
                  "clients' p99, where it stays within {} mean services. miss: it does not, and with another number it does. "
                  "?: cannot be told from a limit (up to {:.0f} % holds, beyond {:.0f} % fails). -: the rule does not say, or "
                  "nobody meets the bound.",
                  kBoundInServices, 100 * kRuleHoldsWithin, 100 * kRuleFailsBeyond),
      0, page);
  text += hang(fmt::format("{} cases without a CPU quota, {} with one.", cases_with(results, false), cases_with(results, true)),
               0, page);
  for (const std::string& note : notes) text += hang(note, 0, page);
  return text;
}

RulesJson interval_json(const model::Ratio& ratio, bool there) {
  return there ? RulesJson({regret_percent(ratio.lower), regret_percent(ratio.upper)}) : RulesJson();
}

RulesJson outcome_json(const RuleOutcome& outcome) {
  const RuleCase& one = *outcome.rule_case;
  const bool there = outcome.regret.kind == RegretKind::regret;
  return {{"kind", batch_or_clients(one.is_batch())},
          {"wait_per_compute", one.setting.wait_per_compute},
          {"distribution", one.distribution},
          {"cpu_quota", one.quota()},
          {"cores", one.setting.cores},
          {"workers", outcome.workers > 0 ? RulesJson(outcome.workers) : RulesJson()},
          {"best_workers", outcome.best_workers > 0 ? RulesJson(outcome.best_workers) : RulesJson()},
          {"outcome", outcome_word(outcome.regret.kind)},
          {"regret_pct", there ? RulesJson(regret_percent(outcome.regret.ratio.estimate)) : RulesJson()},
          {"interval_pct", interval_json(outcome.regret.ratio, there)}};
}

std::string percents_csv(const model::Ratio& ratio, bool there) {
  if (!there) return ",,";
  return fmt::format("{:.3f},{:.3f},{:.3f}", regret_percent(ratio.estimate), regret_percent(ratio.lower),
                     regret_percent(ratio.upper));
}

}  // namespace

std::string rules_text(std::span<const RuleResult> results, const std::vector<std::string>& notes, const Look& look) {
  std::string out = groups_text(results, look);
  out += "\n" + frame_text(results, notes, look.columns) + "\nWhere each comes from:\n";
  for (const RuleResult& result : results)
    out += hang(fmt::format("  {:<12} {}", result.rule->name, result.rule->source), 15, look.columns);
  return out;
}

std::string rules_markdown(std::span<const RuleResult> results, const std::vector<std::string>& notes) {
  std::string out = "| rule | workers |";
  std::string line = "|---|---|";
  for (const RuleGroup& group : results.front().groups) {
    out += fmt::format(" {} {} |", batch_or_clients(group.is_batch), waits_text(group.wait_per_compute));
    line += "---|";
  }
  out += " verdict | source |\n" + line + "---|---|\n";
  for (const RuleResult& result : results) {
    out += fmt::format("| {} | {} |", result.rule->name, markdown_cell(result.rule->formula));
    for (const RuleGroup& group : result.groups) out += fmt::format(" {} |", group_text(group));
    out += fmt::format(" {} | {} |\n", verdict_text(result), result.rule->source);
  }
  return out + "\n" + frame_text(results, notes, kPageColumns);
}

std::string rules_json(std::span<const RuleResult> results, const std::vector<std::string>& notes) {
  RulesJson document;
  document["rules"] = RulesJson::array();
  for (const RuleResult& result : results) {
    const bool there = result.over.cases > 0;
    RulesJson cases = RulesJson::array();
    for (const RuleOutcome& outcome : result.cases) cases.push_back(outcome_json(outcome));
    document["rules"].push_back({{"name", result.rule->name},
                                 {"formula", result.rule->formula},
                                 {"source", result.rule->source},
                                 {"verdict", to_string(result.verdict)},
                                 {"regret_pct", there ? RulesJson(result.over.percent()) : RulesJson()},
                                 {"interval_pct", interval_json(result.over.ratio, there)},
                                 {"missed", result.over.missed},
                                 {"open", result.over.open},
                                 {"cases", std::move(cases)}});
  }
  document["bound_in_services"] = kBoundInServices;
  document["notes"] = notes;
  return document.dump(2) + "\n";
}

std::string rules_csv(std::span<const RuleResult> results) {
  std::string out =
      "rule,formula,source,kind,wait_per_compute,cases,missed,open,regret_pct,regret_low_pct,regret_high_pct,verdict\n";
  for (const RuleResult& result : results) {
    for (const RuleGroup& group : result.groups) {
      out += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", csv_field(result.rule->name), csv_field(result.rule->formula),
                         csv_field(result.rule->source), batch_or_clients(group.is_batch), waits_text(group.wait_per_compute),
                         group.over.cases, group.over.missed, group.over.open,
                         percents_csv(group.over.ratio, group.over.cases > 0), to_string(group.verdict));
    }
  }
  return out;
}

std::string rule_cases_csv(std::span<const RuleResult> results) {
  std::string out =
      "rule,kind,wait_per_compute,distribution,cpu_quota,cores,workers,best_workers,outcome,regret_pct,regret_low_pct,regret_high_pct\n";
  for (const RuleResult& result : results) {
    for (const RuleOutcome& outcome : result.cases) {
      const RuleCase& one = *outcome.rule_case;
      out += fmt::format("{},{},{},{},{:d},{},{},{},{},{}\n", csv_field(result.rule->name), batch_or_clients(one.is_batch()),
                         waits_text(one.setting.wait_per_compute), csv_field(one.distribution), one.quota(), one.setting.cores,
                         outcome.workers, outcome.best_workers, outcome_word(outcome.regret.kind),
                         percents_csv(outcome.regret.ratio, outcome.regret.kind == RegretKind::regret));
    }
  }
  return out;
}

}  // namespace harness
