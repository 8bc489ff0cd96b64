#include "harness/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "harness/suite.h"
#include "harness/tests/verdict_samples.h"
#include "harness/validate.h"

namespace harness {
namespace {

using model::Verdict;
using ::testing::HasSubstr;
using testing_verdict::claim_named;
using testing_verdict::sample_with;
using testing_verdict::samples_with;

constexpr std::int64_t kMs = 1'000'000;

TEST(Claims, are_each_decidable_and_cheap) {
  std::set<std::string_view> ids;
  std::int64_t total = 0;
  for (const Claim& claim : claims()) {
    EXPECT_TRUE(ids.insert(claim.id).second) << claim.id;
    ASSERT_EQ(claim.cell.tasks_ms.size(), claim.cell.callbacks_ms.size()) << claim.id;
    const ClaimPrediction prediction = predict(claim);
    EXPECT_GE(prediction.gap_ns, 60 * kMs) << claim.id << ": " << prediction.rival;
    EXPECT_LE(3 * prediction.tolerance_ns, prediction.gap_ns) << claim.id;
    EXPECT_GE(prediction.tolerance_ns, 10 * kMs) << claim.id;
  }
  for (const PlannedCell& planned : validation_plan(5, 2, 1).cells) {
    for (const Claim& claim : claims()) {
      if (cell_of(claim, 2).cell_id != planned.cell.cell_id) continue;
      total += predict(claim).model_ns;
      break;
    }
  }
  EXPECT_LE(5 * total, 52'000 * kMs);  // five repetitions in a minute, processes and all
}

TEST(Claims, expect_what_the_formulas_predicates_say_and_name_the_condition_in_numbers) {
  int refuted = 0;
  for (const Claim& claim : claims()) {
    const ClaimPrediction prediction = predict(claim);
    EXPECT_EQ(prediction.expected == Verdict::holds, prediction.violated.empty())
        << claim.id << ": " << prediction.violated;
    EXPECT_EQ(prediction.expected == Verdict::holds, prediction.claimed_ns == prediction.model_ns) << claim.id;
    if (prediction.expected != Verdict::refuted) continue;
    ++refuted;
    EXPECT_NE(prediction.violated.find_first_of("0123456789"), std::string::npos) << prediction.violated;
  }
  EXPECT_EQ(refuted, 7);
  EXPECT_EQ(predict(claim_named("thread_equal_few_workers")).claimed_ns, 160 * kMs);
  EXPECT_EQ(predict(claim_named("thread_equal_few_workers")).model_ns, 320 * kMs);
  EXPECT_EQ(predict(claim_named("process_different_dense")).tolerance_ns, 10 * kMs);
  EXPECT_EQ(predict(claim_named("process_equal"), 10).claimed_ns, 9000 * kMs);
}

TEST(Claims, hold_when_all_samples_agree_with_the_formula) {
  const Claim& claim = claim_named("process_equal");
  const auto results = evaluate_claims(samples_with(cell_of(claim, 2), {901, 900, 902, 901, 915}));
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].verdict, Verdict::holds);
  EXPECT_FALSE(results[0].contradicts());
  EXPECT_EQ(results[0].measured_ns, 901 * kMs);
  EXPECT_EQ(results[0].explanation, "");
}

TEST(Claims, are_refuted_with_the_violated_condition_when_all_samples_disagree) {
  const Claim& claim = claim_named("process_equal_short_callbacks");
  const auto results = evaluate_claims(samples_with(cell_of(claim, 2), {481, 480, 482, 481, 485}));
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].verdict, Verdict::refuted);
  EXPECT_FALSE(results[0].contradicts());
  EXPECT_THAT(results[0].explanation, HasSubstr("kc = 80 ms < t = 200 ms"));
}

TEST(Claims, are_inconclusive_when_samples_scatter_are_too_few_or_failed) {
  const Cell cell = cell_of(claim_named("process_equal"), 2);
  const auto scattered = evaluate_claims(samples_with(cell, {900, 901, 902, 903, 950}));
  ASSERT_EQ(scattered.size(), 1U);
  EXPECT_EQ(scattered[0].verdict, Verdict::inconclusive);
  EXPECT_THAT(scattered[0].explanation, HasSubstr("1 of 5 repetitions lie outside"));
  const auto few = evaluate_claims(samples_with(cell, {900, 900, 900, 900}));
  EXPECT_EQ(few.at(0).verdict, Verdict::inconclusive);
  EXPECT_THAT(few[0].explanation, HasSubstr("at least 5"));
  auto failed = samples_with(cell, {900, 900});
  for (Sample& sample : failed) sample.status = "crash";
  EXPECT_EQ(evaluate_claims(failed).at(0).verdict, Verdict::inconclusive);
  EXPECT_EQ(evaluate_claims(failed)[0].failed, 2);
  EXPECT_FALSE(evaluate_claims(failed)[0].measured_ns.has_value());
}

TEST(Claims, contradict_the_model_only_with_the_opposite_verdict) {
  const Claim& holds = claim_named("process_equal");
  const Claim& refuted = claim_named("thread_equal_few_workers");
  EXPECT_TRUE(decide(holds, std::vector<std::int64_t>(5, 700 * kMs), 0).contradicts());
  EXPECT_TRUE(decide(refuted, std::vector<std::int64_t>(5, 160 * kMs), 0).contradicts());
  EXPECT_FALSE(decide(holds, {}, 0).contradicts());
  EXPECT_FALSE(any_contradiction({decide(refuted, std::vector<std::int64_t>(5, 320 * kMs), 0)}));
  EXPECT_TRUE(any_contradiction({decide(holds, std::vector<std::int64_t>(5, 320 * kMs), 0)}));
}

TEST(Claims, are_found_in_the_rows_of_any_run_by_their_durations_at_any_scale) {
  const Claim& claim = claim_named("thread_different");
  Cell linear = cell_of(claim, 4, 10);
  linear.distribution = "linear";
  linear.task_ns = 1000 * kMs;
  linear.seed = 77;
  linear.cell_id = cell_id(linear);
  const auto results = evaluate_claims(samples_with(linear, {5000, 5001, 5000, 5002, 5003}));
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].id(), "thread_different@10x");
  EXPECT_EQ(results[0].verdict, Verdict::holds);
  EXPECT_EQ(results[0].prediction.claimed_ns, 5000 * kMs);
}

TEST(Claims, are_not_found_in_cells_that_differ_in_one_duration_or_were_warm_ups) {
  const Claim& claim = claim_named("thread_different");
  Cell other = cell_of(claim, 4);
  other.task_durations_ns[1] += 1;
  other.cell_id = cell_id(other);
  EXPECT_TRUE(evaluate_claims(samples_with(other, {500, 500, 500, 500, 500})).empty());
  auto warm = samples_with(cell_of(claim, 4), {500, 500, 500, 500, 500});
  for (Sample& sample : warm) sample.is_warmup = 1;
  EXPECT_TRUE(evaluate_claims(warm).empty());
}

TEST(Claims, count_a_repetition_that_ran_twice_as_it_ended_last) {
  const Claim& claim = claim_named("process_equal");
  auto samples = samples_with(cell_of(claim, 2), {100, 900, 900, 900, 900});
  samples.push_back(sample_with(cell_of(claim, 2), 0, 901 * kMs));
  EXPECT_EQ(evaluate_claims(samples).at(0).verdict, Verdict::holds);
}

TEST(Validation, plan_has_every_claims_cell_once_and_so_has_its_suite) {
  const Plan plan = validation_plan(5, 2, 1);
  std::set<std::string> ids;
  for (const PlannedCell& planned : plan.cells) EXPECT_TRUE(ids.insert(planned.cell.cell_id).second);
  for (const Claim& claim : claims()) EXPECT_EQ(ids.count(cell_of(claim, 2).cell_id), 1U) << claim.id;
  PlanOptions options;
  options.cores = 2;
  const Plan again = make_plan(parse_suite(validation_suite(5, 1), "validate"), options);
  std::set<std::string> from_suite;
  for (const PlannedCell& planned : again.cells) from_suite.insert(planned.cell.cell_id);
  EXPECT_EQ(from_suite, ids);
}

TEST(Validation, answers_for_every_claim_in_json) {
  const auto samples = samples_with(cell_of(claim_named("thread_equal_few_workers"), 2), {320, 321, 322, 321, 320});
  const auto document = nlohmann::json::parse(claims_json(validate(samples)));
  ASSERT_EQ(document["claims"].size(), claims().size());
  int measured = 0;
  for (const auto& claim : document["claims"]) {
    EXPECT_EQ(claim.size(), 7U);
    EXPECT_TRUE(claim["predicted_ns"].is_number_integer() && claim["tolerance_ns"].is_number_integer());
    if (claim["id"] == "thread_equal_few_workers") {
      ++measured;
      EXPECT_EQ(claim["verdict"], "refuted");
      EXPECT_EQ(claim["expected"], "refuted");
      EXPECT_EQ(claim["predicted_ns"], 160 * kMs);
      EXPECT_EQ(claim["measured_ns"], 321 * kMs);
      EXPECT_THAT(claim["violated"].get<std::string>(), HasSubstr("n = 8 > k = 4"));
    } else {
      EXPECT_EQ(claim["verdict"], "inconclusive");
      EXPECT_TRUE(claim["measured_ns"].is_null() && claim["violated"].is_null());
    }
  }
  EXPECT_EQ(measured, 1);
}

TEST(Validation, table_fits_a_hundred_columns_but_for_explanations) {
  const std::string text = claims_text(validate({}));
  std::size_t at = 0;
  for (std::size_t i = 0; i <= claims().size(); ++i) {
    const std::size_t end = text.find('\n', at);
    EXPECT_LE(end - at, 100U) << text.substr(at, end - at);
    at = end + 1;
  }
  EXPECT_THAT(text, HasSubstr("0 hold, 0 refuted"));
}

}  // namespace
}  // namespace harness
