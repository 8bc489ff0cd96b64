// derive() and print_verdict() on a small hand-made run: approved output, the tie rule, what is left out and why.

#include "harness/report/derived.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "harness/analysis/analysis.h"
#include "harness/analysis/predictions.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/plan/plan.h"
#include "harness/plan/suite.h"
#include "harness/report/report.h"
#include "harness/sweep/sinks/cells_json.h"
#include "harness/sweep/sinks/csv.h"
#include "harness/tests/verdict_samples.h"

namespace harness {
namespace {

using ::testing::HasSubstr;
using testing_verdict::claim_named;
using testing_verdict::sample_with;
using testing_verdict::sleep_cell;

class RunDirectoryOfTest {
 public:
  RunDirectoryOfTest() {
    std::string name = (std::filesystem::temp_directory_path() / "poolbench-derived-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~RunDirectoryOfTest() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

  void write(const std::vector<Sample>& rows) const {
    std::ofstream file(path_ / "results.csv", std::ios::binary);
    file << csv_header();
    for (const Sample& row : rows) file << csv_row(row);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::filesystem::path path_;
};

void add(std::vector<Sample>& rows, const Cell& cell, const std::vector<std::int64_t>& makespans_ns) {
  std::int64_t rep = 0;
  for (const std::int64_t ns : makespans_ns) rows.push_back(sample_with(cell, rep++, ns));
}

// thread 1 and 4, process 4 (a tie with thread 4), process 10 (crashed once), and a claim's cell.
std::vector<Sample> small_run() {
  std::vector<Sample> rows;
  Sample warm = sample_with(sleep_cell("thread", 1), 0, 999 * kMs);
  warm.is_warmup = 1;
  rows.push_back(warm);
  add(rows, sleep_cell("thread", 1), {80'100'000, 80'300'000, 80'200'000, 80'400'000, 80'500'000});
  add(rows, sleep_cell("thread", 4), {20'100'000, 20'300'000, 20'200'000, 20'400'000, 20'500'000});
  add(rows, sleep_cell("process", 4), {20'150'000, 20'350'000, 20'250'000, 20'450'000, 20'550'000});
  add(rows, sleep_cell("process", 10), {30'100'000, 30'300'000, 30'200'000, 30'400'000});
  Sample crashed = sample_with(sleep_cell("process", 10), 4, 0);
  crashed.status = "crash";
  crashed.error = "worker 7 died of signal 9";
  rows.push_back(crashed);
  add(rows, cell_of(claim_named("thread_equal_few_workers"), 2),
      {320'100'000, 321'000'000, 320'500'000, 322'000'000, 320'700'000});
  return rows;
}

TEST(Derive, writes_the_approved_files) {
  const RunDirectoryOfTest run;
  run.write(small_run());
  derive(run.path());
  EXPECT_EQ(run.read("derived/summary.csv"),
            R"(cell_id,n,median_ns,ci_low_ns,ci_high_ns,best,ties,failed,ci_coverage,ratio,ratio_low,ratio_high,scenario,disturbed
fc8cfbdc51d7a188,5,80300000,80100000,80500000,0,0,0,0.9375,3.9557,3.9171,3.9950,"sleep: 8 tasks of 10ms, no callbacks",0
e8bce2445acc5188,5,20300000,20100000,20500000,1,0,0,0.9375,1.0000,0.9854,1.0149,"sleep: 8 tasks of 10ms, no callbacks",0
864829e800e5b2f7,5,20350000,20150000,20550000,0,1,0,0.9375,1.0025,0.9878,1.0173,"sleep: 8 tasks of 10ms, no callbacks",0
749b379f710955a0,4,30200000,30100000,30400000,0,0,1,0.8750,1.4901,1.4732,1.5075,"sleep: 8 tasks of 10ms, no callbacks",0
cb79fbf5e7773f7c,5,320700000,320100000,322000000,1,0,0,0.9375,1.0000,0.9960,1.0041,"sleep: 8 tasks of 100ms, callbacks of 60ms",0
)");
  EXPECT_EQ(
      run.read("derived/model.csv"),
      R"(cell_id,strategy,predicted_ns,formula,in_domain,residual_pct,binding,violated,basis,expected_ns,expected_residual_pct
fc8cfbdc51d7a188,none,80000000,q(t),1,0.375,8 rounds,,requested,,
e8bce2445acc5188,none,20000000,q(t),1,1.500,2 rounds,,requested,,
864829e800e5b2f7,none,20000000,q(t),1,1.750,2 rounds,,requested,,
749b379f710955a0,none,10000000,max(t),1,202.000,task 1,,requested,,
cb79fbf5e7773f7c,worker,320000000,q(t + c),1,0.219,2 rounds,,requested,,
)");
  EXPECT_EQ(
      run.read("derived/claims.csv"),
      R"(id,verdict,expected,predicted_ns,measured_ns,tolerance_ns,violated,formula,model_ns,ci_low_ns,ci_high_ns,n,failed,rival,gap_ns,claim,tutorial,domain,case,scales,overhead_ns,slope_ns,slope_low_ns,slope_high_ns,intercept_ns,intercept_low_ns,intercept_high_ns,open,facts
thread_equal_few_workers,refuted,refuted,160000000,320700000,10000000,"n = 8 > k = 4, and the list schedule of t + c takes 320 ms, not 160 ms",longest + c,320000000,320100000,322000000,5,0,longest,60000000,"thread pool, equal durations, more tasks than workers: total = longest task + callback",4、当各个任务的执行时间一样时，总执行时间 = 最长的任务执行时间 + 回调函数执行时间,equal t and c; n <= k,"thread k=4: 8 x 100 ms, callbacks 60 ms",1x5,0,,,,,,,,
)");
  std::ostringstream verdict;
  print_verdict(run.path(), verdict);
  EXPECT_EQ(verdict.str(),
            R"(For work that waits (sleep): threads or processes, 4 workers; the worst choice takes 4.0x as long.
1 repetition failed: below, "failed" says how.

How to read the tables
  best        median [95 % interval] of the repetitions; below 6 of them the interval is their range
  tie         cannot be told from the best: Mann-Whitney p >= 0.05, or less than 2 % apart
  next        the fastest that does not tie; 1.50x: it takes half as long again, over all pairs of
              repetitions
  by pool     the best cell of each pool against the best of all
  by workers  of each number of workers
  callbacks   of each way to run them: worker = the worker that ran the task, before it takes the
              next one

sleep: 8 tasks of 10ms, no callbacks
  best        thread, 4 workers: 20.3 ms [20.1 ms, 20.5 ms], n = 5
  tie         process, 4 workers
  next        process, 10 workers (cores*5): takes 1.49x [1.47, 1.51] as long
  by pool     thread: 20.3 ms; process: 1.00x [0.99, 1.02] (tie)
  by workers  4: 20.3 ms; 10 (cores*5): 1.49x [1.47, 1.51]; 1: 3.96x [3.92, 4.00]
  failed      process, 10 workers (cores*5): 1 of 5 repetitions, crash: worker 7 died of signal 9

sleep: 8 tasks of 100ms, callbacks of 60ms
  best        thread, 4 workers, worker: 321 ms [320 ms, 322 ms], n = 5

The tutorial's formulas, where this run has their cells
  refuted     thread pool, equal durations, more tasks than workers: total = longest task +
              callback: longest + c = 160 ms, measured 321 ms (+-10.0 ms); n = 8 > k = 4, and the
              list schedule of t + c takes 320 ms, not 160 ms

)");
}

TEST(Derive, can_be_done_again_and_leaves_nothing_else) {
  const RunDirectoryOfTest run;
  run.write(small_run());
  derive(run.path());
  const std::string first = run.read("derived/summary.csv");
  derive(run.path());
  EXPECT_EQ(run.read("derived/summary.csv"), first);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(run.path() / "derived")) {
    EXPECT_EQ(entry.path().extension(), ".csv");
    ++files;
  }
  EXPECT_EQ(files, 3);
}

// Eight durations are too many for a title: two cases of equal length have the same one.
TEST(Derive, tells_scenarios_of_one_title_apart) {
  std::vector<Sample> rows;
  std::vector<Cell> cells;
  for (const std::int64_t shortest : {1, 2}) {
    Cell cell = sleep_cell("thread", 4);
    cell.distribution = "explicit";
    cell.task_durations_ns.front() = shortest * kMs;
    cell.cell_id = cell_id(cell);
    add(rows, cell, {20 * kMs});
    cells.push_back(cell);
  }
  const RunDirectoryOfTest run;
  derive(run.path(), analyse_rows(rows, cells));
  const std::string summary = run.read("derived/summary.csv");
  EXPECT_THAT(summary, HasSubstr("\"sleep: 8 tasks of up to 10ms, no callbacks, case 1\",0\n"));
  EXPECT_THAT(summary, HasSubstr("\"sleep: 8 tasks of up to 10ms, no callbacks, case 2\",0\n"));
}

// A run of explicit cases, made before runs wrote down what they planned.
TEST(Derive, says_the_same_of_a_directory_with_its_cells_written_down_and_of_one_without) {
  const RunDirectoryOfTest run;
  std::filesystem::copy(REFERENCE_RUN, run.path(), std::filesystem::copy_options::recursive);
  std::filesystem::remove_all(run.path() / "cells");
  const auto derived = [&run] {
    return run.read("derived/summary.csv") + run.read("derived/model.csv") + run.read("derived/claims.csv");
  };
  const Analysis planned_again = analyse(run.path(), cells_of_all_claims);
  derive(run.path(), planned_again);
  const std::string before = derived();
  EXPECT_THAT(before, HasSubstr(",requested,"));
  Plan plan;
  for (const CellSummary& cell : planned_again.cells) {
    ASSERT_TRUE(cell.cell.has_value()) << cell.factors.cell_id;
    EXPECT_EQ(cell.factors.distribution, "explicit");
    plan.cells.push_back({.cell = *cell.cell});
  }

  write_cells(run.path(), "run", plan);
  std::filesystem::remove(run.path() / "suite.toml");
  const CellsOnCores nobody = [](int /*cores*/) -> std::vector<Cell> {
    ADD_FAILURE() << "asked what the file says";
    return {};
  };
  derive(run.path(), analyse(run.path(), nobody));
  EXPECT_EQ(derived(), before);
}

TEST(Derive, refuses_a_directory_without_measured_repetitions) {
  const RunDirectoryOfTest run;
  EXPECT_THROW(derive(run.path()), ConfigError);
  Sample warm = small_run().front();
  run.write({warm});
  EXPECT_THROW(derive(run.path()), ConfigError);
}

TEST(Analysis, leaves_out_other_builds_warm_ups_and_repetitions_that_were_run_again) {
  std::vector<Sample> rows = small_run();
  Sample old = sample_with(sleep_cell("thread", 1), 0, 5);
  old.build_id = "older";
  rows.insert(rows.begin(), old);
  rows.push_back(sample_with(sleep_cell("process", 10), 4, 30'250'000));  // the crashed one, again
  const Analysis analysis = analyse_rows(rows, {});
  EXPECT_EQ(analysis.cells[0].median_ns, 80'300'000);
  EXPECT_EQ(analysis.cells[3].failed, 0);
  EXPECT_EQ(analysis.cells[3].makespans_ns.size(), 5U);
}

TEST(Analysis, names_the_best_and_ties_by_test_and_by_effect) {
  const Analysis analysis = analyse_rows(small_run(), {});
  ASSERT_EQ(analysis.scenarios.size(), 2U);
  EXPECT_EQ(analysis.scenarios[0].best, 1U);
  EXPECT_TRUE(analysis.cells[1].best);
  EXPECT_FALSE(analysis.cells[1].tie);
  EXPECT_TRUE(analysis.cells[2].tie);
  EXPECT_FALSE(analysis.cells[0].tie);
  EXPECT_FALSE(analysis.cells[3].tie);

  EXPECT_FALSE(ties({100, 101, 102, 103, 104}, {110, 111, 112, 113, 114}));
  EXPECT_TRUE(ties({1000, 1001, 1002, 1003, 1004}, {1010, 1011, 1012, 1013, 1014}));  // told apart, but 1 %
  EXPECT_TRUE(ties({100, 101, 130, 131, 132}, {99, 100, 133, 134, 135}));             // 2 % apart, but not told apart
  EXPECT_TRUE(ties({100, 100, 100}, {200, 200, 200}));                                // too few to tell anything
}

TEST(Analysis, compares_only_cells_that_do_the_same_work) {
  std::vector<Sample> rows;
  add(rows, sleep_cell("thread", 4), {20 * kMs});
  Cell with_callbacks = sleep_cell("thread", 4);
  with_callbacks.strategy = "main";
  with_callbacks.cell_id = cell_id(with_callbacks);
  add(rows, with_callbacks, {20 * kMs});
  Cell reseeded = sleep_cell("thread", 4);
  reseeded.seed = 6;
  reseeded.cell_id = cell_id(reseeded);
  add(rows, reseeded, {20 * kMs});
  EXPECT_EQ(analyse_rows(rows, {}).scenarios.size(), 3U);
}

TEST(Predictions, draw_durations_again_and_refuse_to_guess_explicit_ones) {
  std::vector<Sample> rows = small_run();
  Cell unknown = sleep_cell("thread", 4);
  unknown.distribution = "explicit";
  unknown.cell_id = cell_id(unknown);
  add(rows, unknown, {20 * kMs});
  const Analysis without_suite = analyse_rows(rows, {});
  const auto predictions = predict_cells(without_suite);
  EXPECT_EQ(predictions[0].predicted_ns, 80 * kMs);
  EXPECT_EQ(predictions[3].predicted_ns, 10 * kMs);
  EXPECT_FALSE(predictions.back().predicted_ns.has_value());
  EXPECT_THAT(predictions.back().why_not, HasSubstr("suite.toml"));
  const auto known = predict_cells(analyse_rows(rows, {unknown}));
  EXPECT_EQ(known.back().predicted_ns, 20 * kMs);
}

TEST(Predictions, need_the_calibration_for_workloads_that_compute) {
  Cell spin = sleep_cell("thread", 4);
  spin.workload = "spin";
  spin.cell_id = cell_id(spin);
  std::vector<Sample> rows;
  add(rows, spin, {40 * kMs});
  Analysis analysis = analyse_rows(rows, {});
  EXPECT_FALSE(predict_cells(analysis).at(0).predicted_ns.has_value());
  analysis.calibration = workloads::Calibration{1, 1, 1, 1, 1};
  const CellPrediction prediction = predict_cells(analysis).at(0);
  ASSERT_TRUE(prediction.predicted_ns.has_value()) << prediction.why_not;
  EXPECT_NEAR(static_cast<double>(*prediction.predicted_ns), 40.0 * kMs, 1.0 * kMs);  // 8 x 10 ms on 2 cores
}

TEST(Predictions, expect_of_a_machine_that_its_sleeps_end_late) {
  Cell sync = sleep_cell("thread", 4);  // one wait after another: each adds its own
  sync.strategy = "sync";
  sync.callback_ns = 5 * kMs;
  sync.callback_durations_ns.assign(8, 5 * kMs);
  sync.cell_id = cell_id(sync);
  std::vector<Sample> rows;
  add(rows, sync, {122 * kMs});
  add(rows, sleep_cell("thread", 4), {21 * kMs});
  Analysis analysis = analyse_rows(rows, {});
  EXPECT_FALSE(predict_cells(analysis).at(0).expected_ns.has_value());
  analysis.calibration = workloads::Calibration{1, 1, 1, 1, 1};
  EXPECT_FALSE(predict_cells(analysis).at(0).expected_ns.has_value()) << "not measured";
  analysis.calibration->sleep_lateness_ns = 100'000;
  EXPECT_EQ(predict_cells(analysis).at(0).predicted_ns, 120 * kMs);
  EXPECT_EQ(predict_cells(analysis).at(0).expected_ns, 120 * kMs + 16 * 100'000);
  EXPECT_EQ(predict_cells(analysis).at(1).expected_ns, 20 * kMs + 2 * 100'000);
}

TEST(Predictions, expect_of_a_loop_what_waking_it_and_taking_up_cost) {
  std::vector<Sample> rows;
  add(rows, sleep_cell("coroutine", 1), {21 * kMs});
  add(rows, sleep_cell("coroutine", 2), {21 * kMs});
  Analysis analysis = analyse_rows(rows, {});
  analysis.calibration = workloads::Calibration{1, 1, 1, 1, 1};
  analysis.calibration->sleep_lateness_ns = 100'000;
  analysis.calibration->loops[{"coroutine", 1}] = {.wake_ns = 50'000, .dispatch_ns = 3'000};
  EXPECT_EQ(predict_cells(analysis).at(0).predicted_ns, 10 * kMs);
  EXPECT_EQ(predict_cells(analysis).at(0).expected_ns, 10 * kMs + 50'000 + 8 * 3'000);
  EXPECT_EQ(predict_cells(analysis).at(1).expected_ns, 10 * kMs + 100'000) << "not measured with two threads";
  analysis.calibration->loops[{"coroutine", 1}].wake_ns = -1;
  EXPECT_FALSE(predict_cells(analysis).at(0).expected_ns.has_value());
}

TEST(Predictions, expect_of_workers_on_hosts_what_the_way_there_costs) {
  std::vector<Sample> rows;
  add(rows, sleep_cell("remote", 2), {21 * kMs});
  Analysis analysis = analyse_rows(rows, {});
  analysis.calibration = workloads::Calibration{1, 1, 1, 1, 1};
  analysis.calibration->sleep_lateness_ns = 100'000;
  const auto expected = [&] { return predict_cells(analysis).at(0).expected_ns; };
  const std::int64_t here = *expected();
  analysis.calibration->hops["remote"] = {.latency_ns = 50'000, .task_ns = 0, .bytes_per_ns = 1};
  // Tasks of 10 ms are permitted one at a time: each but the first waits for an answer and a permission.
  EXPECT_EQ(predict_cells(analysis).at(0).predicted_ns, here - 4 * 100'000) << "the pure model has no hop";
  EXPECT_EQ(expected(), here + 7 * 50'000);
  analysis.calibration->hops["remote"].latency_ns = -1;
  EXPECT_FALSE(expected().has_value());
}

TEST(Predictions, of_a_disk_come_from_one_worker_or_not_at_all) {
  const auto file_cell = [](int workers) {
    Cell cell = sleep_cell("thread", workers);
    cell.workload = "file_io";
    cell.cell_id = cell_id(cell);
    return cell;
  };
  std::vector<Sample> rows;
  add(rows, file_cell(4), {9 * kMs, 9 * kMs});
  Analysis analysis = analyse_rows(rows, {});
  analysis.calibration = workloads::Calibration{1, 1, 1, 1, 1};
  EXPECT_FALSE(predict_cells(analysis).at(0).predicted_ns.has_value());

  add(rows, file_cell(1), {25 * kMs});
  rows.back().sum_task_ns = 24 * kMs;  // 8 tasks of 3 ms
  analysis = analyse_rows(rows, {});
  analysis.calibration = workloads::Calibration{1, 1, 1, 1, 1};
  const CellPrediction prediction = predict_cells(analysis).at(0);
  EXPECT_EQ(prediction.predicted_ns, 6 * kMs);
  EXPECT_EQ(prediction.basis, "measured at 1 worker");
}

TEST(Predictions, are_none_of_callbacks_that_are_attached_late) {
  std::vector<Sample> rows;
  const Cell cell = cell_of(claim_named("who_thread_attached_late"), 2);
  ASSERT_EQ(cell.backend, "thread_attach_late");
  add(rows, cell, {261 * kMs, 261 * kMs});
  const CellPrediction prediction = predict_cells(analyse_rows(rows, {cell})).at(0);
  EXPECT_FALSE(prediction.predicted_ns.has_value());
  EXPECT_THAT(prediction.why_not, HasSubstr("when all tasks have ended"));
}

TEST(Report, names_a_scenario_in_which_everything_failed) {
  std::vector<Sample> rows;
  Sample hung = sample_with(sleep_cell("process", 4), 0, 0);
  hung.status = "timeout";
  rows.push_back(hung);
  std::ostringstream out;
  print_verdict(analyse_rows(rows, {}), out);
  EXPECT_THAT(out.str(), HasSubstr("failed      process, 4 workers: 1 of 1 repetitions, timeout"));
}

}  // namespace
}  // namespace harness
