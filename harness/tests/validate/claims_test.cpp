#include "harness/validate/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/plan/suite.h"
#include "harness/report/claims_report.h"
#include "harness/sweep/sweep.h"
#include "harness/tests/colours.h"
#include "harness/tests/verdict_samples.h"
#include "harness/validate/translations.h"
#include "harness/validate/validate.h"

namespace harness {
namespace {

using model::Verdict;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using testing_verdict::claim_named;
using testing_verdict::sample_with;
using testing_verdict::samples_with;

TEST(Claims, are_each_decidable_on_two_cores) {
  std::set<std::string_view> ids;
  for (const Claim& claim : claims()) {
    EXPECT_TRUE(ids.insert(claim.id).second) << claim.id;
    EXPECT_FALSE(claim.english.empty() || claim.domain.empty()) << claim.id;
    for (const ClaimCell& cell : claim.cells) ASSERT_EQ(cell.tasks_ms.size(), cell.callbacks_ms.size()) << claim.id;
    const ClaimPrediction prediction = predict(claim, 2);
    EXPECT_GE(prediction.gap_ns, kLeastGap) << claim.id << ": " << prediction.rival;
    EXPECT_LE(3 * prediction.tolerance_ns, prediction.gap_ns) << claim.id;
    EXPECT_GE(prediction.tolerance_ns, 10 * kMs) << claim.id;
  }
}

TEST(Claims, leave_time_for_a_second_look_in_five_minutes) {
  std::int64_t total = 0;
  for (const PlannedCell& planned : validation_plan(5, 2, 1).cells) {
    constexpr std::int64_t kOwnStart = 40 * kMs;  // a process, and its workers
    total += planned.runs * (predicted_makespan(planned.cell).count() + kOwnStart);
  }
  EXPECT_LE(total, 278'000 * kMs);
}

TEST(Claims, cover_every_line_of_the_tutorials_summary) {
  const std::vector<std::string_view> lines = {
      "1、线程池使用回调函数的话，最终执行回调函数的是各个空闲的线程",
      "2、当任务是IO密集型，应当使用线程池",
      "3、当各个任务的执行时间不一样时，总执行时间 = 最长的任务执行时间 + 回调函数执行时间",
      "4、当各个任务的执行时间一样时，总执行时间 = 最长的任务执行时间 + 回调函数执行时间",
      "1、进程池使用回调函数的话，最终执行回调函数的是主进程",
      "2、当任务是计算密集型，应当使用进程池",
      "4、当各个任务执行时间一样时，总执行时间 = 最长的任务执行时间 + （任务个数 * 回调函数执行时间)",
      "解决方法：不绑定回调函数，直接再开几个进程，用开的进程来处理返回的值",
      "pool = ThreadPoolExecutor(4) # 这里参数是线程的个数，一般为计算机核数 * 5",
      "pool = ProcessPoolExecutor(4) # 这里参数是进程的个数，一般为计算机核数",
      "同步：提交完任务后，原地阻塞等待任务结束，拿到返回值后，继续往下运行",
      "map(func, *iterables, timeout=None, chunksize=1) # 取代for循环submit的操作",
      "wait=False，立即返回，并不会等待池内的任务执行完毕",
      "但不管wait参数为何值，整个程序都会等到所有任务执行完毕",
      "submit和map必须在shutdown之前",
  };
  for (const std::string_view line : lines) {
    EXPECT_TRUE(std::any_of(claims().begin(), claims().end(), [&](const Claim& claim) { return claim.chinese == line; })) << line;
  }
}

TEST(Claims, expect_what_the_formulas_predicates_say_and_name_the_condition_in_numbers) {
  std::set<std::string_view> refuted;
  for (const Claim& claim : claims()) {
    const ClaimPrediction prediction = predict(claim, 2);
    EXPECT_EQ(prediction.expected == Verdict::holds, prediction.violated.empty()) << claim.id << ": " << prediction.violated;
    EXPECT_EQ(prediction.expected == Verdict::holds, prediction.claimed_ns == prediction.model_ns) << claim.id;
    if (prediction.expected != Verdict::refuted) continue;
    refuted.insert(claim.id);
    EXPECT_NE(prediction.violated.find_first_of("0123456789"), std::string::npos) << prediction.violated;
  }
  EXPECT_EQ(refuted,
            (std::set<std::string_view>{"who_thread_idle", "who_thread_attached_late", "thread_callbacks_on_idle_threads",
                                        "thread_different_few_workers", "thread_equal_few_workers", "thread_unequal_callbacks",
                                        "process_different_dense", "process_equal_short_callbacks", "remedy_spread_completions",
                                        "io_cores_times_five_suffices", "cpu_threads", "map_processes_chunks", "loop_computing",
                                        "libuv_four"}));
  EXPECT_EQ(predict(claim_named("thread_equal_few_workers"), 2).claimed_ns, 160 * kMs);
  EXPECT_EQ(predict(claim_named("thread_equal_few_workers"), 2).model_ns, 320 * kMs);
  EXPECT_EQ(predict(claim_named("process_different_dense"), 2).tolerance_ns, 10 * kMs);
  EXPECT_EQ(predict(claim_named("process_equal"), 2, 10).claimed_ns, 9000 * kMs);
}

TEST(Claims, of_cores_say_nothing_on_one_core) {
  const Claim& claim = claim_named("cpu_threads");
  EXPECT_EQ(predict(claim, 1).gap_ns, 0);
  const ClaimResult result = decide(claim, 1, {{.scale = 1, .values_ns = std::vector<std::int64_t>(5, 0)}});
  EXPECT_EQ(result.verdict, Verdict::inconclusive);
  EXPECT_TRUE(result.too_blunt);
  EXPECT_TRUE(next_round(std::vector{result}, 5, 1, 1).cells.empty());  // longer durations would not help
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
  const auto results = evaluate_claims(samples_with(cell_of(claim, 2), {381, 380, 382, 381, 385}));
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].verdict, Verdict::refuted);
  EXPECT_FALSE(results[0].contradicts());
  EXPECT_THAT(results[0].explanation, HasSubstr("kc = 60 ms < t = 160 ms"));
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
  EXPECT_FALSE(any_contradiction(std::vector{decide(refuted, std::vector<std::int64_t>(5, 320 * kMs), 0)}));
  EXPECT_TRUE(any_contradiction(std::vector{decide(holds, std::vector<std::int64_t>(5, 320 * kMs), 0)}));
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

TEST(Validation, plan_has_every_claims_cells_once_at_their_scales_and_the_calibration) {
  const Plan plan = validation_plan(5, 2, 1);
  std::map<std::string, int> runs;
  for (const PlannedCell& planned : plan.cells) EXPECT_TRUE(runs.emplace(planned.cell.cell_id, planned.runs).second);
  for (const Claim& claim : claims()) {
    if (!lacking(claim).empty()) continue;
    for (const Cell& cell : cells_of(claim, 2)) EXPECT_EQ(runs.at(cell.cell_id), 5) << claim.id;
    EXPECT_EQ(runs.contains(cell_of(claim, 2, 2).cell_id), claim.is_formula) << claim.id;
    if (claim.is_formula) {
      EXPECT_EQ(runs.at(cell_of(claim, 2, 2).cell_id) + runs.at(cell_of(claim, 2, 4).cell_id), 6) << claim.id;
    }
  }
  for (const Cell& cell : calibration_cells(2)) {
    EXPECT_EQ(runs.at(cell.cell_id), 5);
    EXPECT_EQ(cell.task_ns + cell.callback_ns, 0);
  }
  EXPECT_EQ(plan.order, Order::random);
  const auto order = [](std::uint64_t seed) {
    std::vector<int> cells;
    for (const Step& step : ordered_steps(validation_plan(5, 2, seed))) cells.push_back(step.cell);
    return cells;
  };
  EXPECT_EQ(order(1), order(1));
  EXPECT_NE(order(1), order(2));
}

TEST(Validation, of_chosen_claims_has_their_cells_and_answers_for_them_alone) {
  const ChosenClaims chosen = claims_matching("clients_*");
  ASSERT_EQ(chosen.size(), 2U);
  std::set<std::string> planned;
  for (const PlannedCell& each : validation_plan(5, 2, 1, chosen).cells) planned.insert(each.cell.cell_id);
  std::set<std::string> own;
  for (const Claim* claim : chosen) {
    for (const Cell& cell : cells_of(*claim, 2)) own.insert(cell.cell_id);
  }
  EXPECT_EQ(planned, own);  // neither is a formula: nothing to calibrate
  EXPECT_EQ(validate({}, {}, 2, chosen).size(), 2U);
  EXPECT_EQ(claims_matching().size(), claims().size());
  EXPECT_THAT([] { claims_matching("clients"); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("'clients'"), HasSubstr("clients_bounded"))));
}

TEST(Validation, suite_has_the_cells_of_all_formulas) {
  PlanOptions options;
  options.cores = 2;
  const Plan again = make_plan(parse_suite(validation_suite(5, 1), "validate"), options);
  std::set<std::string> from_suite;
  for (const PlannedCell& planned : again.cells) from_suite.insert(planned.cell.cell_id);
  for (const Claim& claim : claims()) {
    if (!claim.is_formula || !lacking(claim).empty() || claim.id == "map_threads_chunks")
      continue;  // suites know no chunks on threads
    for (const std::int64_t scale : kScales) EXPECT_TRUE(from_suite.contains(cell_of(claim, 2, scale).cell_id)) << claim.id;
  }
}

TEST(Validation, answers_for_every_claim_in_json) {
  const auto samples = samples_with(cell_of(claim_named("thread_equal_few_workers"), 2), {320, 321, 322, 321, 320});
  const auto document = nlohmann::json::parse(claims_json(validate(samples)));
  ASSERT_EQ(document["claims"].size(), claims().size());
  int measured = 0;
  for (const auto& claim : document["claims"]) {
    EXPECT_TRUE(claim["predicted_ns"].is_number_integer() && claim["tolerance_ns"].is_number_integer());
    EXPECT_TRUE(claim["domain"].is_string() && claim["case"].is_string() && claim["tutorial"].is_string());
    if (claim["id"] == "thread_equal_few_workers") {
      ++measured;
      EXPECT_EQ(claim["verdict"], "refuted");
      EXPECT_EQ(claim["expected"], "refuted");
      EXPECT_EQ(claim["predicted_ns"], 160 * kMs);
      EXPECT_EQ(claim["measured_ns"], 321 * kMs);
      EXPECT_EQ(claim["interval_ns"], nlohmann::json({320 * kMs, 322 * kMs}));
      EXPECT_EQ(claim["case"], "thread k=4: 8 x 100 ms, callbacks 60 ms");
      EXPECT_THAT(claim["violated"].get<std::string>(), HasSubstr("n = 8 > k = 4"));
    } else {
      EXPECT_EQ(claim["verdict"], "inconclusive");
      const std::string lacks = lacking(claim_named(claim["id"].get<std::string>()));
      EXPECT_EQ(claim["open"], lacks.empty() ? "not measured" : lacks);
      EXPECT_TRUE(claim["measured_ns"].is_null() && claim["violated"].is_null());
    }
  }
  EXPECT_EQ(measured, 1);
}

TEST(Validation, table_fits_the_terminal_and_says_what_it_leaves_out) {
  for (const std::size_t width : {80U, 100U}) {
    const std::string text = claims_text(validate({}), {.columns = width});
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(columns_of(line), width) << line;
    EXPECT_THAT(text, HasSubstr("0 hold, 0 refuted"));
    EXPECT_EQ(text.find("they are left out") != std::string::npos, width < 100);
  }
}

TEST(Validation, names_claims_by_id_and_sentence_and_the_tutorials_words_in_english) {
  const std::string text = claims_text(validate({}));
  EXPECT_EQ(without_colours(claims_text(validate({}), {.colour = true})), text);
  for (const Claim& claim : claims()) {
    EXPECT_THAT(text, HasSubstr(std::string(claim.id)));
    EXPECT_EQ(in_english(claim.chinese).empty(), claim.chinese.empty()) << claim.chinese;
  }
  EXPECT_THAT(text, HasSubstr("\n    process pool: one callback at a time\n"));
  EXPECT_THAT(text, HasSubstr("\n    tutorial: 2. When the tasks are IO-bound, use a thread pool\n"));
  EXPECT_EQ(in_english("no claim cites this"), "");
}

TEST(Validation, says_that_the_same_command_decides_what_a_busy_machine_left_open) {
  ClaimResult open;
  open.verdict = Verdict::inconclusive;
  open.scales = {{.scale = 1, .values_ns = {}, .failed = 3, .gated = 3}};
  ClaimResult decided = open;
  decided.verdict = Verdict::holds;
  ClaimResult blunt = open;
  blunt.scales[0].gated = 0;
  EXPECT_EQ(undecided_text(std::vector{decided, blunt}, "poolbench validate -o x"), "");
  EXPECT_THAT(undecided_text(std::vector{open, decided, blunt}, "poolbench validate -o x"),
              AllOf(HasSubstr("1 claim is open because the machine was not quiet"),
                    HasSubstr("measures what is missing and decides them: poolbench validate -o x\n")));
  EXPECT_THAT(undecided_text(std::vector{open, open}, ""), HasSubstr("2 claims are open"));
}

}  // namespace
}  // namespace harness
