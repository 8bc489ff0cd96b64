// From which task size on leaving the machine pays: what was measured, what the model says, and how it is told.

#include "harness/analysis/leaving.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <regex>
#include <sstream>

#include "harness/base/quantity.h"
#include "harness/report/report.h"
#include "harness/tests/verdict_samples.h"

namespace harness {
namespace {

using ::testing::HasSubstr;
using testing_verdict::sample_with;
using testing_verdict::sleep_cell;

// On one line.
std::string verdict(const Analysis& analysis) {
  std::ostringstream text;
  print_verdict(analysis, text);
  return std::regex_replace(text.str(), std::regex("\\s+"), " ");
}

// `remote:a,b` has twice the workers: tasks of 1 ms are slower there, those of 10 ms and 100 ms faster.
Analysis at_three_sizes(std::int64_t longest_away_ns) {
  std::vector<Sample> rows;
  const auto measured = [&](const std::string& backend, int workers, std::int64_t task_ns, std::int64_t makespan_ns) {
    Cell cell = sleep_cell(backend, workers);
    cell.task_ns = task_ns;
    cell.task_durations_ns.assign(8, task_ns);
    cell.cell_id = cell_id(cell);
    for (int rep = 0; rep < 6; ++rep) rows.push_back(sample_with(cell, rep, makespan_ns + rep * 1000));
  };
  measured("process", 2, 100 * kMs, 400 * kMs);
  measured("remote:a,b", 4, 100 * kMs, longest_away_ns);
  measured("process", 2, kMs, 4 * kMs);
  measured("remote", 2, kMs, 5 * kMs);
  measured("remote:a,b", 4, kMs, 6 * kMs);
  measured("process", 2, 10 * kMs, 40 * kMs);
  measured("remote:a,b", 4, 10 * kMs, 24 * kMs);
  return analyse_rows(rows, {});
}

TEST(LeavingTheMachine, pays_from_the_task_size_on_from_which_it_is_always_faster) {
  Analysis analysis = at_three_sizes(220 * kMs);
  std::vector<Leaving> all = leaving_pays(analysis);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].pays_ns, 10 * kMs);
  EXPECT_EQ(all[0].sizes.size(), 3U);
  EXPECT_EQ(all[0].sizes[0].better, Leaving::Better::here);
  EXPECT_FALSE(all[0].model_known);
  // 8 tasks in 4 rounds here, 2 there: (2l + A + 4B) / 2 with B = 20 us and A = 0, against (2l + A + 8B) / 3.
  analysis.calibration = workloads::Calibration{};
  analysis.calibration->hops["remote:a,b"] = {.latency_ns = 460'000, .task_ns = 20'000, .bytes_per_ns = 1};
  EXPECT_EQ(leaving_pays(analysis)[0].model_ns, (920'000 + 80'000) / 2);
  EXPECT_THAT(verdict(analysis),
              HasSubstr("from tasks of 10.0 ms on: remote:a,b takes 0.60x as long as process, with 1.00 ms 1.50x"));
}

TEST(LeavingTheMachine, does_not_pay_where_the_longest_tasks_are_no_faster) {
  const Analysis analysis = at_three_sizes(400 * kMs);
  EXPECT_EQ(leaving_pays(analysis)[0].pays_ns, std::nullopt);
  EXPECT_THAT(verdict(analysis),
              HasSubstr("no, not up to tasks of 100 ms: there remote:a,b takes 1.00x as long as process, a tie"));
}

TEST(LeavingTheMachine, is_not_asked_where_nothing_was_measured_elsewhere) {
  std::vector<Sample> rows;
  rows.push_back(sample_with(sleep_cell("thread", 2), 0, 21 * kMs));
  rows.push_back(sample_with(sleep_cell("process", 2), 0, 21 * kMs));
  EXPECT_THAT(leaving_pays(analyse_rows(rows, {})), testing::IsEmpty());
}

}  // namespace
}  // namespace harness
