// Latencies of tasks that arrived: pooled percentiles, who is in them, Little's law, and what is printed and written of it.

#include "harness/analysis/latency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "harness/core/trace.h"
#include "harness/plan/cell_builder.h"
#include "harness/report/derived.h"
#include "harness/report/latency_report.h"
#include "harness/report/report.h"
#include "harness/report/summary_json.h"
#include "harness/sweep/sinks/csv.h"
#include "harness/tests/front_cells.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr std::int64_t kMillisecond = 1'000'000;

// 20 tasks of 10 ms on one worker, one every 10 ms: nobody waits.
Cell arriving_cell(const std::string& when_full = "none") {
  Factors factors;
  factors.backend = "thread";
  factors.workers_spec = "1";
  factors.workload = "sleep";
  factors.strategy = "none";
  factors.tasks = 20;
  factors.distribution = "equal";
  factors.task_ns = 10 * kMillisecond;
  factors.arrivals = "constant:100/s";
  factors.queue = when_full == "none" ? 0 : 3;
  factors.when_full = when_full;
  return CellBuilder(factors).build();
}

Sample repetition(const Cell& cell, int rep) {
  Sample sample = sample_of(cell);
  sample.run_id = "run";
  sample.rep = rep;
  sample.makespan_ns = 200 * kMillisecond;
  sample.sojourn_mean_ns = 20 * kMillisecond;
  sample.completed_per_s = 100;
  sample.clients_mean = 2;
  sample.rejected = 1;
  sample.late_by_deadline = 3;
  sample.release_lag_p99_ns = 1000 * (rep + 1);
  sample.queue_max = 5 - rep;
  return sample;
}

// The first two of 20 count in nothing; of the other 18 one was rejected.
std::vector<std::int64_t> sojourns(std::int64_t from) {
  std::vector<std::int64_t> all{900 * kMillisecond, 900 * kMillisecond};
  for (int i = 0; i < 17; ++i) all.push_back((from + i) * kMillisecond);
  all.push_back(kNoStamp);
  return all;
}

Analysis analysis_of(const Cell& cell, const std::vector<Sample>& samples) {
  Analysis analysis = analyse_rows(samples, {cell});
  std::int64_t from = 1;
  for (const Sample& sample : samples) {
    analysis.sojourns[{sample.run_id, sample.cell_id, sample.rep}] = sojourns(from);
    from += 17;
  }
  return analysis;
}

TEST(Latencies, AreOfAllRepetitionsTogether) {
  const Cell cell = arriving_cell();
  const Analysis analysis = analysis_of(cell, {repetition(cell, 0), repetition(cell, 1)});
  const std::vector<Latency> found = latencies(analysis);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].clients, 34);
  EXPECT_EQ(found[0].arrived, 40);
  EXPECT_EQ(found[0].rejected, 2);
  EXPECT_EQ(found[0].late_by_deadline, 6);
  EXPECT_EQ(found[0].p50.value, 17 * kMillisecond);
  EXPECT_EQ(found[0].p50.lower, 11 * kMillisecond);
  EXPECT_EQ(found[0].p50.upper, 24 * kMillisecond);
  EXPECT_EQ(found[0].p99.value, 34 * kMillisecond);
  EXPECT_EQ(found[0].max_ns, 34 * kMillisecond);
  EXPECT_EQ(found[0].queue_max, 5);
  EXPECT_EQ(found[0].release_lag_p99_ns, 2000);
  EXPECT_NEAR(found[0].offered_per_s, 20 / 0.19, 1e-6);
  EXPECT_EQ(found[0].finding, "");
  EXPECT_NEAR(*found[0].little_pct, 0, 1e-9);
  EXPECT_FALSE(analysis.scenarios[0].best.has_value());
}

TEST(Latencies, HaveAFindingWhereLittlesLawIsBroken) {
  const Cell cell = arriving_cell();
  Sample odd = repetition(cell, 1);
  odd.clients_mean = 2.05;
  const std::vector<Latency> found = latencies(analysis_of(cell, {repetition(cell, 0), odd}));
  EXPECT_NEAR(*found[0].little_pct, 2.5, 1e-9);
  EXPECT_THAT(found[0].finding, HasSubstr("off by 2.5 %"));
  Sample near = odd;
  near.clients_mean = 2.03;
  EXPECT_EQ(latencies(analysis_of(cell, {near}))[0].finding, "");
}

TEST(Latencies, SayThatTheGeneratorWasLateWhereThatIsWhatLittlesLawLacks) {
  const Cell cell = arriving_cell();
  Sample late = repetition(cell, 0);
  late.clients_mean = 0.5 * late.completed_per_s * static_cast<double>(late.sojourn_mean_ns) / 1e9;
  late.release_lag_p99_ns = late.sojourn_mean_ns / 2;
  const std::vector<Latency> found = latencies(analysis_of(cell, {late}));
  EXPECT_NEAR(*found[0].little_pct, -50, 1e-9);
  EXPECT_THAT(found[0].finding, AllOf(HasSubstr("late in the mean, 50.0 % of a sojourn"), Not(HasSubstr("Little"))));
  --late.release_lag_p99_ns;
  EXPECT_THAT(latencies(analysis_of(cell, {late}))[0].finding, HasSubstr("Little's law is off by -50.0 %"));
  late.clients_mean *= 3;
  EXPECT_THAT(latencies(analysis_of(cell, {late}))[0].finding, HasSubstr("Little's law is off by 50.0 %"));
}

TEST(Latencies, OfBatchesAreNone) {
  const Cell batch = CellBuilder(without_arrivals(arriving_cell())).build();
  Sample sample = sample_of(batch);
  sample.makespan_ns = 5;
  const Analysis analysis = analyse_rows(std::vector<Sample>{sample}, {batch});
  EXPECT_THAT(latencies(analysis), SizeIs(0));
  EXPECT_TRUE(analysis.scenarios[0].best.has_value());
}

TEST(Latencies, AreTheModelsOfTheSameClients) {
  const Cell cell = arriving_cell();
  const std::vector<CellPrediction> predicted = predict_cells(analysis_of(cell, {repetition(cell, 0)}));
  ASSERT_TRUE(predicted[0].predicted_sojourn.has_value());
  EXPECT_EQ(predicted[0].predicted_sojourn->p50_ns, 10 * kMillisecond);
  EXPECT_EQ(predicted[0].predicted_sojourn->max_ns, 10 * kMillisecond);
  EXPECT_EQ(predicted[0].predicted_counts->rejected, 0);
  const Cell blocking = arriving_cell("block");
  EXPECT_TRUE(predict_cells(analysis_of(blocking, {repetition(blocking, 0)}))[0].predicted_sojourn.has_value());
}

// 20 tasks of 10 ms at once on one worker with three places: four are served, after 10, 20, 30 and 40 ms, of whom two count in percentiles.
TEST(Latencies, ArePredictedWhereAFullQueueRejects) {
  Factors factors = arriving_cell("reject");
  factors.arrivals = factors.arrivals_spec = "burst:20@1s";
  factors.deadline_ns = 20 * kMillisecond;
  const Cell cell = CellBuilder(factors).build();
  Analysis analysis = analysis_of(cell, {repetition(cell, 0), repetition(cell, 1)});
  const CellPrediction predicted = predict_cells(analysis)[0];
  EXPECT_EQ(predicted.why_not, "");
  EXPECT_EQ(predicted.predicted_counts->rejected, 16);
  EXPECT_EQ(predicted.predicted_counts->late_by_deadline, 2);
  EXPECT_EQ(predicted.predicted_sojourn->p50_ns, 30 * kMillisecond);
  EXPECT_EQ(predicted.predicted_sojourn->max_ns, 40 * kMillisecond);
  EXPECT_EQ(predicted.predicted_ns, 40 * kMillisecond);
  std::ostringstream text;
  print_verdict(analysis, text);
  EXPECT_THAT(text.str(), HasSubstr("deadline 20ms"));
  EXPECT_THAT(std::regex_replace(text.str(), std::regex("\\s+"), " "),
              HasSubstr("of all clients 2 rejected (the model: 32), 6 served after the deadline of 20ms (the model: 4)"));
  const auto json = nlohmann::json::parse(analysis_json(analysis))["cells"][0]["latency"];
  EXPECT_EQ(json["late_by_deadline"], 6);
  EXPECT_EQ(json["predicted_counts"]["rejected"], 32);
  EXPECT_TRUE(json["expected_counts"].is_null());

  factors.when_full = "caller_runs";  // who submits takes every other one once the queue is full
  const Cell helped = CellBuilder(factors).build();
  const CellPrediction all = predict_cells(analysis_of(helped, {repetition(helped, 0)}))[0];
  EXPECT_EQ(all.predicted_counts->rejected, 0);
  EXPECT_EQ(all.predicted_ns, 120 * kMillisecond);

  factors.queue = 1;  // two are served, and neither counts
  factors.when_full = "reject";
  const Cell crowded = CellBuilder(factors).build();
  const CellPrediction nobody = predict_cells(analysis_of(crowded, {repetition(crowded, 0)}))[0];
  EXPECT_EQ(nobody.predicted_counts->rejected, 18);
  EXPECT_FALSE(nobody.predicted_sojourn.has_value());
}

TEST(Latencies, AreSaidWithWhomTheyAreOver) {
  const Cell cell = arriving_cell();
  Analysis analysis = analysis_of(cell, {repetition(cell, 0), repetition(cell, 1)});
  std::ostringstream text;
  print_verdict(analysis, text);
  EXPECT_THAT(text.str(), HasSubstr("arrivals constant:100/s"));
  EXPECT_THAT(text.str(), HasSubstr("p50 17.0 ms [11.0 ms, 24.0 ms]"));
  EXPECT_THAT(text.str(), HasSubstr("34 counted of 40 that came in 2 repetitions; 2 rejected"));
  EXPECT_THAT(text.str(), HasSubstr("predicted   p50 10.0 ms"));
  EXPECT_THAT(text.str(), Not(HasSubstr("\n  best")));
  analysis.sojourns.clear();
  std::ostringstream less;
  print_verdict(analysis, less);
  EXPECT_THAT(less.str(), HasSubstr("the directory has no sojourns of it"));
}

TEST(Latencies, AreWrittenWithTheirColumns) {
  const Cell cell = arriving_cell();
  const Analysis analysis = analysis_of(cell, {repetition(cell, 0)});
  const CsvRecords table = parse_csv(latency_csv(analysis));
  ASSERT_THAT(table.records, SizeIs(2));
  EXPECT_THAT(table.records[0], SizeIs(table.records[1].size()));
  const auto field = [&](const std::string& name) {
    for (std::size_t i = 0; i < table.records[0].size(); ++i) {
      if (table.records[0][i] == name) return table.records[1][i];
    }
    return "no column " + name;
  };
  EXPECT_EQ(field("clients"), "17");
  EXPECT_EQ(field("p50_ns"), "9000000");
  EXPECT_EQ(field("predicted_p99_ns"), "10000000");
  EXPECT_EQ(field("expected_p99_ns"), "");
  EXPECT_EQ(field("little_pct"), "0.000");
  EXPECT_EQ(field("late_by_deadline"), "3");
  EXPECT_EQ(field("predicted_rejected"), "0");
  EXPECT_EQ(field("predicted_late_by_deadline"), "0");
  EXPECT_EQ(field("expected_rejected"), "");
  const auto json = nlohmann::json::parse(analysis_json(analysis));
  EXPECT_EQ(json["cells"][0]["latency"]["sojourn_ns"]["p50"]["value"], 9'000'000);
  EXPECT_EQ(json["cells"][0]["latency"]["rejected"], 1);
}

TEST(SojournsCsv, AreReadBackAndATornRowLeftOut) {
  const TestDirectory directory;
  const Cell cell = arriving_cell();
  Trace trace;
  for (int i = 0; i < 3; ++i) {
    TaskTrace task;
    task.arrived_ns = task.due_ns = task.submitted_ns = 100 + i;
    task.rejected = i == 1;
    if (!task.rejected) task.started_ns = 110 + i;
    if (!task.rejected) task.finished_ns = 120 + 2 * i;
    trace.tasks.push_back(task);
  }
  Sample sample = sample_of(cell);
  {
    SojournsCsvSink sink(directory.path(), "run");
    sink.row(cell, sample, &trace);
    sample.is_warmup = 1;
    sink.row(cell, sample, &trace);
    sample.is_warmup = 0;
    sample.status = "crash";
    sink.row(cell, sample, nullptr);
  }
  const std::filesystem::path path = directory / "sojourns/run.csv";
  const std::string text = content(path);
  EXPECT_EQ(text, "cell_id,rep,sojourns_ns\n" + cell.cell_id + ",0,20 - 22\n");
  write_text(path, text + cell.cell_id + ",1,20 -");
  const SojournsOf read = read_sojourns(directory.path());
  ASSERT_THAT(read, SizeIs(1));
  EXPECT_EQ(read.at({"run", cell.cell_id, 0}), (std::vector<std::int64_t>{20, kNoStamp, 22}));
  for (const char* const wrong : {"x,0,20 x\n", "x,-1,20\n", "x,0\n", "x,0,-5\n"}) {
    write_text(path, "cell_id,rep,sojourns_ns\n" + std::string(wrong));
    EXPECT_THROW(read_sojourns(directory.path()), std::exception) << wrong;
  }
  write_text(path, "a,b\n");
  EXPECT_THROW(read_sojourns(directory.path()), std::exception);
}

}  // namespace
}  // namespace harness
