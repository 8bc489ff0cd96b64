#pragma once

// The rules of thumb on trial: a suite of works -> cases with the sizes that rules, suite and model give, each a cell, measured once however many
// rules give it; and rows of those cells -> what each rule comes to.
//
// Thread safety: pure functions.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/core/sample.h"
#include "harness/plan/plan.h"
#include "harness/plan/suite.h"
#include "harness/validate/rules/regret.h"
#include "harness/validate/rules/rules.h"

namespace harness {

// Of the p99 of clients, in mean services of the work: fixed beforehand, for all of them.
inline constexpr int kBoundInServices = 10;

// A number of workers that is tried.
struct TriedSize {
  int workers = 1;
  std::string cell_id;
};

// One work, as a batch or for clients that come at a rate, on so many cores.
struct RuleCase {
  RuleSetting setting;
  std::string workload;
  std::string distribution;
  std::int64_t bound_ns = 0;     // of the p99; 0 in a batch
  std::vector<TriedSize> sizes;  // by workers; of clients only those that keep up with them
  bool quota() const { return setting.cores < setting.cpus; }
  bool is_batch() const { return setting.rate_per_s == 0; }
  // Fewer workers than clients keep busy in the mean never catch up (Little), whatever they are measured at: their p99 grows for ever.
  bool keeps_up(int workers) const;
};

struct RuleTrial {
  std::vector<RuleCase> cases;  // in the order of the suite
  Plan plan;                    // their cells
};

// Of a suite on `cores` of `cpus` CPUs. Sizes: those that the suite has, those of the rules, and two of the model: the fewest workers within 2 % of
// what it predicts best, and half as many again. Throws ConfigError as make_plan, and for a work of which nobody knows how long it computes (`sleep`
// and disks), with what is allowed. REQUIRES: 1 <= cores <= cpus.
RuleTrial rule_trial(const Suite& suite, int cores, int cpus, int runs);

// One rule in one case.
struct RuleOutcome {
  const RuleCase* rule_case = nullptr;
  int workers = 0;       // 0: the rule does not say
  int best_workers = 0;  // 0: nobody meets the bound, or nothing is measured
  SizeRegret regret;
};

// One rule at one W/C, as a batch or at a rate: over distributions, with and without a quota.
struct RuleGroup {
  bool is_batch = true;
  double wait_per_compute = 0;
  RegretOver over;
  RuleVerdict verdict = RuleVerdict::silent;
};

struct RuleResult {
  const Rule* rule = nullptr;
  std::vector<RuleOutcome> cases;             // one per case
  std::vector<RuleGroup> groups;              // batches first, then by W/C
  RegretOver over;                            // all cases
  RuleVerdict verdict = RuleVerdict::silent;  // the worst of the groups
};

// Of every rule, in their order. Only measured repetitions that ended well count; a row that is there twice counts as it ended last.
// `cases` outlives the results.
std::vector<RuleResult> judge_rules(std::span<const RuleCase> cases, std::span<const Sample> samples,
                                    std::span<const Rule> rules = rules_of_thumb());

}  // namespace harness
