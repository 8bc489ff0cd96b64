// `show` and `compare` on hand-made runs: which cells are compared, what is said of them, and the exit codes.

#include "harness/analysis/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <nlohmann/json.hpp>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/sweep/sinks/csv.h"
#include "harness/tests/colours.h"
#include "harness/tests/cli/invocation.h"
#include "harness/tests/front_cells.h"
#include "harness/tests/verdict_samples.h"

namespace harness {
namespace {

using testing_cli::Invocation;
using testing_cli::poolbench;

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using testing_verdict::sample_with;
using testing_verdict::sleep_cell;

// Eight repetitions around `ms`, half a per cent apart.
void add_eight(std::vector<Sample>& rows, const Cell& cell, std::int64_t ms) {
  for (std::int64_t rep = 0; rep < 8; ++rep) rows.push_back(sample_with(cell, rep, ms * kMs + (rep * ms * kMs) / 200));
}

// 1 and 4 threads, 4 processes.
std::vector<Sample> run_of(std::int64_t one_ms, std::int64_t four_ms, std::int64_t processes_ms, int cores = 2) {
  std::vector<Sample> rows;
  add_eight(rows, sleep_cell("thread", 1, cores), one_ms);
  add_eight(rows, sleep_cell("thread", 4, cores), four_ms);
  add_eight(rows, sleep_cell("process", 4, cores), processes_ms);
  return rows;
}

class RunOfTest {
 public:
  explicit RunOfTest(const std::vector<Sample>& rows, const std::string& tail = "") {
    std::string text = csv_header();
    for (const Sample& row : rows) text += csv_row(row);
    write_text(directory_ / "results.csv", text + tail);
  }
  std::string path() const { return directory_.path().string(); }

 private:
  TestDirectory directory_;
};

void expect_refused(const std::vector<std::string>& arguments, const std::string& words) {
  const Invocation ending = poolbench(arguments);
  EXPECT_EQ(ending.exit_code, kExitUsage) << testing::PrintToString(arguments);
  EXPECT_THAT(ending.out, IsEmpty());
  EXPECT_THAT(ending.err, AllOf(StartsWith("poolbench: "), HasSubstr(words)));
  EXPECT_EQ(std::count(ending.err.begin(), ending.err.end(), '\n'), 1) << ending.err;
}

// A cell whose tasks arrive: equal makespans, and eight p99 from `ms` on, 0.1 ms apart.
std::vector<Sample> arriving_run_of(std::int64_t ms) {
  Cell cell = sleep_cell("thread", 4, 2);
  cell.arrivals = cell.arrivals_spec = "poisson:300/s";
  std::vector<Sample> rows;
  for (std::int64_t rep = 0; rep < 8; ++rep) {
    rows.push_back(sample_with(cell, rep, 1000 * kMs));
    rows.back().sojourn_p99_ns = ms * kMs + rep * kMs / 10;
  }
  return rows;
}

TEST(Compare, looks_at_the_p99_of_the_sojourns_where_tasks_arrive) {
  const Analysis a = analyse_rows(arriving_run_of(80), {});
  const Analysis b = analyse_rows(arriving_run_of(120), {});
  const Comparison comparison = compare(a, b, {});
  ASSERT_EQ(comparison.cells.size(), 1u);
  const ComparedCell& cell = comparison.cells.front();
  EXPECT_TRUE(cell.by_latency);
  EXPECT_EQ(cell.change, model::Change::slower);
  EXPECT_NEAR(cell.ratio.estimate, 1.5, 0.01);
  EXPECT_EQ(cell.a_median_ns, 80'300'000);
  EXPECT_THAT(comparison_text(comparison, {"x", "y"}, {}, {.columns = 120}),
              AllOf(HasSubstr("80.3 ms"), HasSubstr("p99 of the sojourns")));
  const std::string coloured = comparison_text(comparison, {"x", "y"}, {}, {.colour = true});
  EXPECT_THAT(coloured, HasSubstr("\n" + painted("slower", Paint::bad, {.colour = true})));
  EXPECT_EQ(without_colours(coloured), comparison_text(comparison, {"x", "y"}, {}));
  EXPECT_THAT(comparison_json(comparison, {"x", "y"}, {}), HasSubstr("\"measure\": \"sojourn_p99\""));
}

TEST(Compare, tells_slower_faster_and_same_apart_and_sorts_by_effect) {
  const Analysis a = analyse_rows(run_of(80, 20, 40), {});
  const Analysis b = analyse_rows(run_of(88, 15, 40), {});
  const Comparison comparison = compare(a, b, {});
  ASSERT_EQ(comparison.cells.size(), 3u);
  EXPECT_EQ(comparison.cells[0].b->factors.workers, 4);  // -25 %
  EXPECT_EQ(comparison.cells[0].change, model::Change::faster);
  EXPECT_EQ(comparison.cells[1].change, model::Change::slower);  // +10 %
  EXPECT_NEAR(comparison.cells[1].ratio.estimate, 1.1, 1e-3);
  EXPECT_EQ(comparison.cells[2].change, model::Change::same);
  EXPECT_EQ(comparison.count(model::Change::slower), 1u);
  EXPECT_TRUE(comparison.only_in_a.empty() && comparison.only_in_b.empty() && comparison.unmeasured.empty());
}

TEST(Compare, adjusts_p_over_all_cells) {
  const Analysis a = analyse_rows(run_of(80, 20, 40), {});
  const Analysis b = analyse_rows(run_of(88, 22, 44), {});
  for (const ComparedCell& cell : compare(a, b, {}).cells) {
    EXPECT_NEAR(cell.p, 2.0 / 12870, 1e-9);  // C(16, 8)
    EXPECT_NEAR(cell.adjusted_p, 3 * cell.p, 1e-12);
  }
}

TEST(Compare, takes_a_minimum_effect) {
  const Analysis a = analyse_rows(run_of(80, 20, 40), {});
  const Analysis b = analyse_rows(run_of(88, 20, 40), {});
  EXPECT_EQ(compare(a, b, {.minimum_effect = 0.2}).count(model::Change::slower), 0u);
  EXPECT_EQ(compare(a, b, {.minimum_effect = 0.2}).count(model::Change::same), 3u);
}

TEST(Compare, lists_what_only_one_side_has_and_what_broke) {
  std::vector<Sample> before = run_of(80, 20, 40);
  std::vector<Sample> after = run_of(80, 20, 40);
  add_eight(before, sleep_cell("thread", 2), 40);
  add_eight(after, sleep_cell("process", 2), 40);
  for (Sample& row : after) {
    if (row.workers != 1) continue;
    row.status = "crash";
    row.error = "killed by signal 11";
  }
  const Analysis a = analyse_rows(before, {});
  const Analysis b = analyse_rows(after, {});
  const Comparison comparison = compare(a, b, {});
  ASSERT_EQ(comparison.only_in_a.size(), 1u);
  EXPECT_EQ(comparison.only_in_a.front()->factors.backend, "thread");
  ASSERT_EQ(comparison.only_in_b.size(), 1u);
  EXPECT_EQ(comparison.only_in_b.front()->factors.backend, "process");
  ASSERT_EQ(comparison.unmeasured.size(), 1u);
  EXPECT_TRUE(comparison.unmeasured.front().broke);
  EXPECT_THAT(comparison.unmeasured.front().why, AllOf(StartsWith("B: crash"), HasSubstr("signal 11")));
  EXPECT_EQ(comparison.cells.size(), 2u);
}

TEST(Compare, refuses_two_machines_unless_asked_and_then_sets_cores_aside) {
  const Analysis a = analyse_rows(run_of(80, 20, 40), {});
  std::vector<Sample> elsewhere = run_of(80, 20, 60, 16);
  for (Sample& row : elsewhere) row.machine_id = "other";
  const Analysis b = analyse_rows(elsewhere, {});
  EXPECT_THROW(compare(a, b, {}), ConfigError);
  const Comparison comparison = compare(a, b, {.minimum_effect = 0.05, .across_machines = true});
  ASSERT_EQ(comparison.cells.size(), 3u);
  EXPECT_EQ(comparison.cells.front().b->factors.backend, "process");
  EXPECT_EQ(comparison.cells.front().change, model::Change::slower);
}

TEST(Compare, refuses_runs_that_share_no_cell) {
  std::vector<Sample> other;
  add_eight(other, sleep_cell("thread", 7), 20);
  EXPECT_THROW(compare(analyse_rows(run_of(80, 20, 40), {}), analyse_rows(other, {}), {}), ConfigError);
}

TEST(CompareCommand, fails_on_what_it_was_asked_to) {
  const RunOfTest a(run_of(80, 20, 40));
  const RunOfTest b(run_of(88, 20, 40));
  EXPECT_EQ(poolbench({"compare", a.path(), b.path()}).exit_code, kExitOk);
  EXPECT_EQ(poolbench({"compare", a.path(), b.path(), "--fail-on", "slower"}).exit_code, kExitCheckFailed);
  EXPECT_EQ(poolbench({"compare", b.path(), a.path(), "--fail-on", "slower"}).exit_code, kExitOk);
  EXPECT_EQ(poolbench({"compare", b.path(), a.path(), "--fail-on", "changed"}).exit_code, kExitCheckFailed);
  EXPECT_EQ(poolbench({"compare", a.path(), b.path(), "--fail-on", "slower", "--min-effect", "20%"}).exit_code, kExitOk);
}

TEST(CompareCommand, fails_on_a_cell_that_broke) {
  const RunOfTest a(run_of(80, 20, 40));
  std::vector<Sample> rows = run_of(80, 20, 40);
  for (Sample& row : rows) {
    if (row.backend == "process") row.status = "timeout";
  }
  const RunOfTest b(rows);
  const Invocation ending = poolbench({"compare", a.path(), b.path(), "--fail-on", "slower"});
  EXPECT_EQ(ending.exit_code, kExitCheckFailed);
  EXPECT_THAT(ending.out, HasSubstr("Without a measurement\n  process, 4 workers: B: timeout"));
}

TEST(CompareCommand, says_when_so_few_repetitions_could_not_have_shown_anything) {
  std::vector<Sample> rows = run_of(80, 20, 40);
  std::erase_if(rows, [](const Sample& row) { return row.rep > 2; });
  const RunOfTest few(rows);
  const Invocation ending = poolbench({"compare", few.path(), few.path(), "--fail-on", "slower"});
  EXPECT_EQ(ending.exit_code, kExitOk);
  EXPECT_THAT(ending.out, HasSubstr("it takes 5 of each"));
  EXPECT_THAT(ending.err, HasSubstr("warning: --fail-on"));
}

TEST(CompareCommand, fits_a_terminal) {
  const RunOfTest a(run_of(80'000, 20, 40));
  const RunOfTest b(run_of(88'000, 2'000, 40));
  const Invocation ending = poolbench({"compare", a.path(), b.path()});
  std::istringstream lines(ending.out);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("A  ") || line.starts_with("B  ")) continue;  // a path is as long as it is
    EXPECT_LE(line.size(), 120u) << line;
  }
  EXPECT_THAT(ending.out, HasSubstr("3 cells compared: 2 slower, 0 faster, 1 same, 0 undecided"));
}

TEST(CompareCommand, has_JSON_and_Markdown) {
  const RunOfTest a(run_of(80, 20, 40));
  const RunOfTest b(run_of(88, 20, 40));
  const auto json = nlohmann::json::parse(poolbench({"compare", a.path(), b.path(), "--json"}).out);
  EXPECT_EQ(json.at("summary").at("slower"), 1);
  EXPECT_EQ(json.at("cells").size(), 3u);
  const auto& first = json.at("cells").at(0);
  EXPECT_EQ(first.at("verdict"), "slower");
  EXPECT_EQ(first.at("backend"), "thread");
  EXPECT_EQ(first.at("a_median_ns"), 80 * kMs + 3 * 80 * kMs / 200);
  EXPECT_EQ(first.at("b_n"), 8);
  EXPECT_THAT(poolbench({"compare", a.path(), b.path(), "--markdown"}).out,
              AllOf(HasSubstr("| slower | 1.100 |"), HasSubstr("| thread, 1 worker |")));
}

TEST(Compare, EscapesInMarkdownWhatWouldBeMarkup) {
  Cell cell = sleep_cell("thread", 10);
  cell.workers_spec = "cores*5";
  std::vector<Sample> rows;
  for (int rep = 0; rep < 8; ++rep) rows.push_back(sample_with(cell, rep, 80 * kMs + rep));
  const Analysis analysis = analyse_rows(rows, {});
  const Comparison comparison = compare(analysis, analysis, {});
  EXPECT_THAT(comparison_markdown(comparison, {"x", "y"}, {}), HasSubstr("| thread, 10 workers (cores\\*5) |"));
}

TEST(CompareCommand, RefusesBadUsage) {
  const RunOfTest a(run_of(80, 20, 40));
  std::vector<Sample> elsewhere = run_of(80, 20, 40);
  for (Sample& row : elsewhere) row.machine_id = "other";
  const RunOfTest b(elsewhere);
  expect_refused({"compare", a.path()}, "B is missing");
  expect_refused({"compare", a.path(), "no/such/place"}, "'no/such/place' is not a directory");
  expect_refused({"compare", a.path(), b.path()}, "--across-machines");
  EXPECT_EQ(poolbench({"compare", a.path(), b.path(), "--across-machines"}).exit_code, kExitOk);
  for (const char* const effect : {"5", "-1%", "x%", "5%%", "nan%", "inf%", ""}) {
    expect_refused({"compare", a.path(), a.path(), std::string("--min-effect=") + effect}, "min-effect");
  }
  expect_refused({"compare", a.path(), a.path(), "--fail-on", "sloer"}, "allowed: slower");
  expect_refused({"compare", a.path(), a.path(), "--json", "--markdown"}, "--json excludes --markdown");
}

TEST(ShowCommand, prints_the_tables_of_a_run_and_writes_nothing) {
  const RunOfTest run(run_of(80, 20, 40), "1,torn,li");
  const Invocation ending = poolbench({"show", run.path()});
  EXPECT_EQ(ending.exit_code, kExitOk);
  EXPECT_THAT(ending.err, IsEmpty());
  EXPECT_THAT(ending.out, AllOf(StartsWith("For work that waits (sleep): threads, 4 workers;"),
                                HasSubstr("sleep: 8 tasks of 10ms"), HasSubstr("thread, 4 workers")));
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(run.path())) files.push_back(entry.path().filename());
  EXPECT_THAT(files, testing::ElementsAre("results.csv"));
  EXPECT_THAT(content(run.path() + "/results.csv"), testing::EndsWith("1,torn,li"));
}

TEST(ShowCommand, says_that_rows_of_another_build_are_left_out) {
  std::vector<Sample> rows = run_of(80, 20, 40);
  for (Sample& row : rows) row.build_id = "old";
  for (Sample& row : run_of(80, 20, 40)) rows.push_back(row);
  const RunOfTest run(rows);
  const Invocation ending = poolbench({"show", run.path()});
  EXPECT_THAT(ending.err, HasSubstr("24 repetitions of other builds or machines"));
}

TEST(ShowCommand, has_JSON) {
  const RunOfTest run(run_of(80, 20, 40));
  const auto json = nlohmann::json::parse(poolbench({"show", run.path(), "--json"}).out);
  EXPECT_EQ(json.at("machine_id"), "machine");
  ASSERT_EQ(json.at("cells").size(), 3u);
  EXPECT_EQ(json.at("cells").at(1).at("best"), true);
  EXPECT_EQ(json.at("cells").at(1).at("predicted_ns"), 20 * kMs);
  EXPECT_EQ(json.at("cells").at(0).at("n"), 8);
}

TEST(ShowCommand, RefusesWhatIsNoResultDirectory) {
  const TestDirectory directory;
  expect_refused({"show"}, "DIR is missing");
  expect_refused({"show", (directory / "none").string()}, "is not a directory");
  expect_refused({"show", directory.path().string()}, "holds no results.csv");
  write_text(directory / "results.csv", "name,age\n");
  expect_refused({"show", directory.path().string()}, "foreign header");
  expect_refused({"show", (directory / "results.csv").string()}, "is not a directory");
  write_text(directory / "results.csv", csv_header());
  expect_refused({"show", directory.path().string()}, "no row of a measured repetition");
}

}  // namespace
}  // namespace harness
