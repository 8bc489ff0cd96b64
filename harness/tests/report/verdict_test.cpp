// The verdict's sentences: what wins by kind of work, what too few repetitions cannot tell, what disturbed the run.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "harness/analysis/analysis.h"
#include "harness/analysis/noise.h"
#include "harness/base/quantity.h"
#include "harness/report/sentences.h"
#include "harness/report/report.h"
#include "harness/tests/colours.h"
#include "harness/tests/verdict_samples.h"

namespace harness {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_verdict::sample_with;
using testing_verdict::sleep_cell;

void add_five(std::vector<Sample>& rows, const Cell& cell, std::int64_t first_ns) {
  for (int rep = 0; rep < 5; ++rep) rows.push_back(sample_with(cell, rep, first_ns + rep * 10'000));
}

std::string verdict_of(const Analysis& analysis) {
  std::ostringstream out;
  print_verdict(analysis, out);
  return out.str();
}

std::string on_one_line(const std::string& text) { return std::regex_replace(text, std::regex("\\s+"), " "); }

Cell spinning(const std::string& backend, int workers) {
  Cell cell = sleep_cell(backend, workers);
  cell.workload = "spin";
  cell.cell_id = cell_id(cell);
  return cell;
}

std::vector<Sample> waiting_rows() {
  std::vector<Sample> rows;
  add_five(rows, sleep_cell("thread", 1), 80 * kMs);
  add_five(rows, sleep_cell("thread", 4), 20 * kMs);
  add_five(rows, sleep_cell("process", 4), 20 * kMs);
  return rows;
}

TEST(Answers, are_one_for_each_kind_of_work) {
  std::vector<Sample> rows = waiting_rows();
  add_five(rows, spinning("thread", 2), 40 * kMs);
  add_five(rows, spinning("process", 2), 40 * kMs);
  add_five(rows, spinning("thread", 10), 40 * kMs);
  add_five(rows, spinning("thread", 1), 80 * kMs);
  EXPECT_THAT(answers(analyse_rows(rows, {})),
              ElementsAre("For work that waits (sleep): threads or processes, 4 workers; the worst choice takes 4.0x as long.",
                          "For work that computes (spin): threads or processes, 2 workers (more gain nothing); the worst choice "
                          "takes 2.0x as long."));
}

TEST(Answers, leave_it_to_the_tables_where_it_depends) {
  std::vector<Sample> rows = waiting_rows();
  for (const auto& [workers, ns] : {std::pair{1, 10 * kMs}, std::pair{4, 30 * kMs}}) {  // other tasks, and one worker is best
    Cell cell = sleep_cell("thread", workers);
    cell.task_ns = kMs;
    cell.task_durations_ns.assign(8, kMs);
    cell.cell_id = cell_id(cell);
    add_five(rows, cell, ns);
  }
  EXPECT_THAT(answers(analyse_rows(rows, {})),
              ElementsAre("For work that waits (sleep): it depends on the tasks, the tables say how."));
}

TEST(Report, claims_neither_best_nor_tie_with_fewer_than_four_repetitions) {
  std::vector<Sample> rows;
  for (int rep = 0; rep < 3; ++rep) {
    rows.push_back(sample_with(sleep_cell("thread", 4), rep, 20 * kMs));
    rows.push_back(sample_with(sleep_cell("process", 4), rep, 20 * kMs));
    rows.push_back(sample_with(sleep_cell("thread", 1), rep, 80 * kMs));
  }
  const std::string text = verdict_of(analyse_rows(rows, {}));
  EXPECT_THAT(text, HasSubstr("nothing is called best, or as good, for sleep"));
  EXPECT_THAT(text, HasSubstr("\n  lowest      thread, 4 workers: 20.0 ms"));
  EXPECT_THAT(text.substr(text.find("8 tasks")), Not(AnyOf(HasSubstr("\n  best"), HasSubstr("\n  tie"), HasSubstr("(tie)"))));
  EXPECT_THAT(verdict_of(analyse_rows(waiting_rows(), {})), Not(HasSubstr("nothing is called best")));
}

// The median of the best is the lower one, but of most pairs of repetitions the other's is the faster.
TEST(Report, has_no_ratio_below_one_beside_the_best) {
  std::vector<Sample> rows;
  const std::int64_t best_us[] = {20'000, 20'000, 20'000, 30'000, 30'000};
  const std::int64_t other_us[] = {19'000, 19'000, 20'100, 20'100, 20'100};
  for (int rep = 0; rep < 5; ++rep) {
    rows.push_back(sample_with(sleep_cell("thread", 4), rep, best_us[rep] * 1'000));
    rows.push_back(sample_with(sleep_cell("process", 4), rep, other_us[rep] * 1'000));
  }
  const Analysis analysis = analyse_rows(rows, {});
  ASSERT_TRUE(analysis.cells[0].best);
  ASSERT_LT(analysis.cells[1].ratio->estimate, 1);
  EXPECT_THAT(verdict_of(analysis), HasSubstr("process: no slower ["));
}

TEST(Report, says_what_disturbed_it_and_how_to_measure_that_again) {
  std::vector<Sample> rows = waiting_rows();
  for (Sample& row : rows) {
    if (row.backend == "process") row.load1 = 7.5;
  }
  rows.front().cgroup_throttled_ns = 3 * kMs;
  Analysis analysis = analyse_rows(rows, {});
  analysis.command = {"poolbench", "run", "default", "--fresh"};
  const std::string text = on_one_line(verdict_of(analysis));
  EXPECT_THAT(text, HasSubstr("Noisy while it ran: 5 of 15 repetitions began at a load average above 3.0 (up to 7.5"));
  EXPECT_THAT(text, HasSubstr("a CPU quota stopped 1 of 15 repetitions, for 3.00 ms in all"));
  EXPECT_THAT(text, HasSubstr("To measure those again: poolbench run default --again disturbed"));
  EXPECT_THAT(text, HasSubstr("process, 4 workers, 5 of 5 repetitions"));
  EXPECT_THAT(verdict_of(analyse_rows(waiting_rows(), {})), Not(HasSubstr("Noisy")));
}

// Cells that compute on eight workers make a load of eight.
TEST(Noise, is_no_load_that_the_run_makes_itself) {
  std::vector<Sample> rows;
  add_five(rows, spinning("thread", 10), 20 * kMs);  // 8 tasks
  for (Sample& row : rows) row.load1 = 10.9;
  EXPECT_DOUBLE_EQ(noise_of(analyse_rows(rows, {})).own_load, 8);
  EXPECT_FALSE(noise_of(analyse_rows(rows, {})).noisy());
  for (Sample& row : rows) row.load1 = 11.1;
  EXPECT_TRUE(noise_of(analyse_rows(rows, {})).noisy());
}

TEST(Report, has_colours_that_change_nothing_else) {
  std::ostringstream out;
  print_verdict(analyse_rows(waiting_rows(), {}), out, {.colour = true});
  EXPECT_THAT(out.str(), HasSubstr(painted("best       ", Paint::good, {.colour = true}) + " thread, 4 workers"));
  EXPECT_EQ(without_colours(out.str()), verdict_of(analyse_rows(waiting_rows(), {})));
}

TEST(Report, is_as_wide_as_it_may_be) {
  for (const std::size_t width : {60U, 80U, 100U}) {
    std::ostringstream out;
    print_verdict(analyse_rows(waiting_rows(), {}), out, {.columns = width});
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), width) << line;
  }
}

}  // namespace
}  // namespace harness
