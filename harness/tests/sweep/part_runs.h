#pragma once

// What runs of the parts of a sweep leave, made by hand.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/plan/part.h"
#include "harness/plan/plan.h"
#include "harness/sweep/sinks/cells_json.h"
#include "harness/sweep/sinks/context.h"
#include "harness/sweep/sinks/csv.h"
#include "harness/tests/front_cells.h"

namespace harness::testing_parts {

inline constexpr std::string_view kSuite = R"(
name = "small"
runs = 2
warmup = 0
[[grid]]
backend = ["thread", "process"]
workload = "sleep"
workers = [1, 2]
tasks = [2, 4]
task = "1ms"
)";

// What one run of one part left.
struct PartRun {
  std::string directory;
  Part part{PartKind::shard, 1, 2};
  std::string machine = "m1";
  std::string node = "n1";
  std::string build = "b1";
  std::string started = "2026-01-01T00:00:00.000000Z";
  std::string run_id{};
  std::string suite{kSuite};
  int reps = 2;          // of the two
  std::int64_t ms = 10;  // makespan
  std::string status = "ok";
  std::function<std::int64_t(const Cell&, int rep)> makespan_ns{};  // in place of `ms`
};

inline std::filesystem::path leave(const std::filesystem::path& below, const PartRun& run) {
  const std::filesystem::path path = below / run.directory;
  Plan plan = make_plan(parse_suite(run.suite, "small.toml"), {.cores = 2});
  cut(plan, run.part, Plan(plan));
  Context context;
  context.run_id = run.run_id.empty() ? run.directory + "-" + run.node + run.started.substr(11, 8) : run.run_id;
  context.started_utc = run.started;
  context.suite = "small";
  context.argv = {
      "poolbench", "run", "small.toml", "--shard",     std::to_string(run.part.index) + "/" + std::to_string(run.part.count),
      "--run-id",  "S",   "-o",         run.directory, "--fresh"};
  context.seed = 1;
  context.environment.machine_id = run.machine;
  context.environment.hostname = run.node;
  context.environment.build_id = run.build;
  context.calibration = {1, 1, 1, 1, 1, 1};
  context.part = run.part;
  context.sweep = "S";
  std::filesystem::create_directories(path);
  write_context(path, context);
  write_cells(path, context.run_id, plan);
  write_text(path / "suite.toml", run.suite);
  CsvSink rows(path / "results.csv");
  for (int rep = 0; rep < run.reps; ++rep) {
    for (const PlannedCell* const planned : own_cells(plan)) {
      Sample row = sample_of(planned->cell);
      row.run_id = context.run_id;
      row.machine_id = run.machine;
      row.build_id = run.build;
      row.cell_id = planned->cell.cell_id;
      row.rep = rep;
      row.started_utc = run.started;
      row.status = run.status;
      if (run.status == "ok") row.makespan_ns = run.makespan_ns ? run.makespan_ns(planned->cell, rep) : run.ms * 1'000'000;
      rows.row(planned->cell, row, nullptr);
    }
  }
  return path;
}

}  // namespace harness::testing_parts
