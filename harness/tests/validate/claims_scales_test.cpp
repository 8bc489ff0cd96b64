// The verdict rule over three scales, on synthetic samples: holds, refuted, open, too blunt, gated; overheads; what a next
// round asks for; what the reports say of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/base/quantity.h"
#include "harness/report/claims_report.h"
#include "harness/sweep/gate.h"
#include "harness/sweep/sinks/csv.h"
#include "harness/tests/verdict_samples.h"
#include "harness/validate/validate.h"

namespace harness {
namespace {

using model::Verdict;
using ::testing::HasSubstr;
using testing_verdict::claim_named;
using testing_verdict::sample_with;

// Five, three and three values at scales 1, 2 and 4: `slope` * scale + `intercept`, the i-th of a scale `noise[i]` later, ms.
std::vector<ScaleValues> scales_of(std::int64_t slope, std::int64_t intercept,
                                   std::vector<std::int64_t> noise = {0, 1, 0, 2, 1}) {
  std::vector<ScaleValues> scales;
  for (const std::int64_t scale : kScales) {
    ScaleValues values;
    values.scale = scale;
    for (std::size_t i = 0; i < (scale == 1 ? 5U : 3U); ++i) {
      values.values_ns.push_back((slope * scale + intercept + noise[i]) * kMs);
    }
    scales.push_back(std::move(values));
  }
  return scales;
}

TEST(ThreeScales, hold_with_the_formula_as_slope_and_the_overhead_as_intercept) {
  const ClaimResult result = decide(claim_named("process_equal"), 2, scales_of(900, 5));
  EXPECT_EQ(result.verdict, Verdict::holds);
  EXPECT_EQ(result.repetitions, 11);
  ASSERT_TRUE(result.regression.has_value());
  EXPECT_NEAR(result.regression->line.slope, 900e6, 1e6);
  EXPECT_NEAR(result.regression->line.intercept, 5.5e6, 1.5e6);
  EXPECT_LE(result.regression->slope_low, 900e6);
  EXPECT_GE(result.regression->slope_high, 900e6);
  EXPECT_LE(result.regression->intercept_low, result.regression->line.intercept);
  EXPECT_GE(result.regression->intercept_high, result.regression->line.intercept);
  EXPECT_EQ(result.measured_ns, 906 * kMs);  // at scale 1
  EXPECT_EQ(result.explanation, "");
}

TEST(ThreeScales, hold_with_two_outside_on_one_side_and_not_with_three) {
  std::vector<ScaleValues> two = scales_of(900, 0);
  two[0].values_ns[0] += 200 * kMs;
  two[1].values_ns[2] += 200 * kMs;
  EXPECT_EQ(decide(claim_named("process_equal"), 2, two).verdict, Verdict::holds);
  two[0].values_ns[1] += 200 * kMs;
  const ClaimResult three = decide(claim_named("process_equal"), 2, two);
  EXPECT_EQ(three.verdict, Verdict::inconclusive);
  EXPECT_THAT(three.explanation, HasSubstr("3 of 11 repetitions lie outside +-27.0 ms, 2 may on each side"));
}

TEST(ThreeScales, refute_with_the_violated_condition_in_numbers) {
  const ClaimResult result = decide(claim_named("thread_equal_few_workers"), 2, scales_of(320, 1));
  EXPECT_EQ(result.verdict, Verdict::refuted);
  EXPECT_FALSE(result.contradicts());
  EXPECT_THAT(result.explanation, HasSubstr("n = 8 > k = 4"));
  EXPECT_THAT(result.explanation, HasSubstr("320 ms, not 160 ms"));
}

TEST(ThreeScales, leave_open_what_a_constant_offset_makes_differ_at_one_scale_only) {
  // 30 ms too much: outside +-27 ms at scale 1 for all five, inside +-54 ms and +-108 ms at the others.
  const ClaimResult result = decide(claim_named("process_equal"), 2, scales_of(900, 30));
  EXPECT_EQ(result.verdict, Verdict::inconclusive);
  EXPECT_THAT(result.explanation, HasSubstr("5 of 11"));
  // An overhead that was calibrated to be that large explains it; the tolerance stays what it was.
  const ClaimResult explained = decide(claim_named("process_equal"), 2, scales_of(900, 30), 30 * kMs);
  EXPECT_EQ(explained.verdict, Verdict::holds);
  EXPECT_EQ(explained.prediction.tolerance_ns, result.prediction.tolerance_ns);
}

TEST(ThreeScales, leave_open_what_the_slope_contradicts) {
  // Within every scale's tolerance (27, 54, 108 ms), but rising by 931 instead of 900 ms per unit.
  const ClaimResult result = decide(claim_named("process_equal"), 2, scales_of(931, -20, {0, 0, 0, 0, 0}));
  EXPECT_EQ(result.verdict, Verdict::inconclusive);
  EXPECT_THAT(result.explanation, HasSubstr("the values say holds, but their slope is 931 ms [931 ms, 931 ms]"));
}

TEST(ThreeScales, call_a_spread_wider_than_the_tolerance_too_blunt_and_double_the_durations) {
  const Claim& claim = claim_named("process_different_dense");  // +-10 ms
  std::vector<ScaleValues> wide = scales_of(180, 0, {-90, 90, -80, 80, 0});
  ClaimResult result = decide(claim, 2, wide);
  EXPECT_EQ(result.verdict, Verdict::inconclusive);
  EXPECT_TRUE(result.too_blunt);
  EXPECT_THAT(result.explanation, HasSubstr("too blunt"));
  // First more repetitions at the same durations, then all of them twice as long.
  const Plan more = next_round(std::vector{result}, 5, 2, 1);
  ASSERT_EQ(more.cells.size(), 3U);
  EXPECT_EQ(more.cells[0].cell.cell_id, cell_of(claim, 2, 1).cell_id);
  EXPECT_EQ(more.cells[0].runs + more.cells[1].runs + more.cells[2].runs, 20);
  for (ScaleValues& at : wide) at.values_ns.insert(at.values_ns.end(), at.values_ns.begin(), at.values_ns.begin() + 3);
  result = decide(claim, 2, wide);
  ASSERT_TRUE(result.too_blunt);
  const Plan longer = next_round(std::vector{result}, 5, 2, 1);
  ASSERT_EQ(longer.cells.size(), 3U);
  EXPECT_EQ(longer.cells[0].cell.cell_id, cell_of(claim, 2, 2).cell_id);
  EXPECT_EQ(longer.cells[2].cell.cell_id, cell_of(claim, 2, 8).cell_id);
}

TEST(ThreeScales, ask_for_nothing_more_once_decided) {
  EXPECT_TRUE(next_round(std::vector{decide(claim_named("process_equal"), 2, scales_of(900, 1))}, 5, 2, 1).cells.empty());
  EXPECT_TRUE(next_round(std::vector{decide(claim_named("process_equal"), 2, scales_of(700, 1))}, 5, 2, 1).cells.empty());
}

TEST(Gated, repetitions_make_a_claim_open_and_say_so) {
  const Claim& claim = claim_named("process_equal");
  std::vector<Sample> samples;
  for (int rep = 0; rep < 5; ++rep) {
    Sample sample = sample_with(cell_of(claim, 2), rep, 900 * kMs);
    if (rep > 0) {
      sample.status = "invalid";
      sample.error = std::string(kGated) + ": tasks waited for a CPU 40 % of the time";
      sample.makespan_ns = 0;
    }
    samples.push_back(std::move(sample));
  }
  const std::vector<ClaimResult> results = evaluate_claims(samples);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].verdict, Verdict::inconclusive);
  EXPECT_EQ(results[0].failed, 4);
  EXPECT_THAT(results[0].explanation, HasSubstr("1 repetitions decide nothing"));
  EXPECT_THAT(results[0].explanation, HasSubstr("the machine was not quiet at 4 repetitions"));
}

TEST(Overheads, come_from_durations_of_zero_alone_as_a_line_over_n) {
  std::vector<Sample> samples;
  for (const Cell& cell : calibration_cells(2)) {
    for (int rep = 0; rep < 5; ++rep) samples.push_back(sample_with(cell, rep, 2 * kMs + cell.tasks * kMs / 2));
  }
  samples.push_back(sample_with(cell_of(claim_named("process_equal"), 2), 0, 999 * kMs));
  const Overheads overheads = calibrated_overheads(samples);
  EXPECT_EQ(overheads.size(), calibration_cells(2).size() / 3);
  ASSERT_TRUE(overheads.contains({"process", "main"}));
  EXPECT_NEAR(overheads.at({"process", "main"}).intercept, 2e6, 1);
  EXPECT_NEAR(overheads.at({"process", "main"}).slope, 0.5e6, 1);
  EXPECT_EQ(evaluate_claims(samples).at(0).overhead_ns, 4 * kMs);  // of four tasks
  EXPECT_THAT(overheads_text(overheads), HasSubstr("process main: 2.00 ms + n * 500 us"));
}

TEST(Overheads, of_one_size_alone_are_unknown) {
  std::vector<Sample> samples;
  for (const Cell& cell : calibration_cells(2)) {
    for (int rep = 0; rep < 5 && cell.tasks == 16; ++rep) samples.push_back(sample_with(cell, rep, 2 * kMs));
  }
  ASSERT_FALSE(samples.empty());
  EXPECT_TRUE(calibrated_overheads(samples).empty());
}

std::vector<Sample> rows_at(const Claim& claim, std::int64_t unit, std::int64_t slope_ms) {
  std::vector<Sample> samples;
  for (const std::int64_t multiple : kScales) {
    const Cell cell = cell_of(claim, 2, unit * multiple);
    for (int rep = 0; rep < (multiple == 1 ? 5 : 3); ++rep) {
      samples.push_back(sample_with(cell, rep, slope_ms * unit * multiple * kMs + rep * kMs));
    }
  }
  return samples;
}

TEST(Evaluation, joins_the_scales_of_a_formula_and_prefers_the_longer_durations) {
  const Claim& claim = claim_named("process_equal");
  std::vector<Sample> samples = rows_at(claim, 1, 900);
  std::vector<ClaimResult> results = evaluate_claims(samples);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].id(), "process_equal");
  EXPECT_EQ(results[0].repetitions, 11);
  EXPECT_EQ(results[0].verdict, Verdict::holds);
  for (Sample& sample : rows_at(claim, 2, 900)) {
    sample.rep += 10;
    samples.push_back(std::move(sample));
  }
  results = validate(samples);
  const auto found = std::find_if(results.begin(), results.end(), [&](const ClaimResult& r) { return r.claim == &claim; });
  EXPECT_EQ(found->id(), "process_equal@2x");
  EXPECT_EQ(found->scales.size(), 3U);
}

TEST(Evaluation, of_a_claim_that_compares_takes_the_repetitions_of_a_round_together) {
  const Claim& claim = claim_named("clients_few");
  const std::vector<Cell> cells = cells_of(claim, 2);
  ASSERT_EQ(cells.size(), 3U);
  std::vector<Sample> samples;
  for (int rep = 0; rep < 5; ++rep) {  // drifting together: what is compared is within a round
    samples.push_back(sample_with(cells[0], rep, (62 + 30 * rep) * kMs));
    samples.push_back(sample_with(cells[1], rep, (61 + 30 * rep) * kMs));
    samples.push_back(sample_with(cells[2], rep, (300 + 30 * rep) * kMs));
  }
  ClaimResult result = evaluate_claims(samples).at(0);
  EXPECT_EQ(result.verdict, Verdict::holds);
  EXPECT_EQ(result.measured_ns, 1 * kMs);
  EXPECT_THAT(result.facts, HasSubstr("thread_per_task x20: 181 ms"));
  samples[1].status = "crash";  // a round with a hole does not count
  result = evaluate_claims(samples).at(0);
  EXPECT_EQ(result.repetitions, 4);
  EXPECT_EQ(result.failed, 1);
}

TEST(Evaluation, decides_who_ran_a_callback_from_evidence_and_not_without) {
  const Claim& claim = claim_named("who_process_main");
  const Cell cell = cell_of(claim, 2);
  std::vector<Sample> samples;
  EvidenceOf evidence;
  for (int rep = 0; rep < 5; ++rep) {
    samples.push_back(sample_with(cell, rep, 280 * kMs));
    Evidence seen;
    seen.callbacks = 4;
    seen.callback_threads = 1;
    seen.main_ns = 241 * kMs;
    evidence[{"run", cell.cell_id, rep}] = seen;
  }
  const auto verdict_of = [&](const EvidenceOf& with) {
    for (const ClaimResult& result : validate(samples, with)) {
      if (result.claim == &claim) return result;
    }
    throw std::logic_error("no result");
  };
  EXPECT_EQ(verdict_of(evidence).verdict, Verdict::holds);
  EXPECT_EQ(verdict_of(evidence).facts, "4 callbacks by 1 thread: 241 ms on another thread of the main process");
  EXPECT_EQ(verdict_of({}).verdict, Verdict::inconclusive);
  for (auto& [key, seen] : evidence) std::swap(seen.main_ns, seen.own_worker_ns);
  EXPECT_EQ(verdict_of(evidence).verdict, Verdict::refuted);
  EXPECT_TRUE(verdict_of(evidence).contradicts());
}

TEST(Report, gives_everything_about_a_refutation_in_csv_and_markdown) {
  const std::vector<ClaimResult> results = {decide(claim_named("thread_equal_few_workers"), 2, scales_of(320, 1))};
  const CsvRecords csv = parse_csv(claims_csv(results));
  ASSERT_EQ(csv.records.size(), 2U);
  ASSERT_EQ(csv.records[0].size(), csv.records[1].size());
  const auto field = [&](std::string_view name) {
    for (std::size_t i = 0; i < csv.records[0].size(); ++i) {
      if (csv.records[0][i] == name) return csv.records[1][i];
    }
    return std::string("no such column");
  };
  EXPECT_EQ(field("verdict"), "refuted");
  EXPECT_EQ(field("predicted_ns"), "160000000");
  EXPECT_EQ(field("measured_ns"), "322000000");
  EXPECT_EQ(field("ci_low_ns"), "321000000");
  EXPECT_EQ(field("scales"), "1x5 2x3 4x3");
  EXPECT_EQ(field("case"), "thread k=4: 8 x 100 ms, callbacks 60 ms");
  EXPECT_EQ(field("slope_ns"), "320000000");
  EXPECT_EQ(field("domain"), "equal t and c; n <= k");
  EXPECT_THAT(field("tutorial"), HasSubstr("总执行时间 = 最长的任务执行时间 + 回调函数执行时间"));
  const std::string page = claims_markdown(results);
  for (const char* const part : {"`thread_equal_few_workers`", "总执行时间", "longest + c", "thread k=4: 8 x 100 ms",
                                 "160 ms +- 10.0 ms", "322 ms [321 ms, 323 ms]", "**refuted**: n = 8 > k = 4"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
}

}  // namespace
}  // namespace harness
