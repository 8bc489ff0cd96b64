#pragma once

// Cells, plans, a scratch directory and a runner without processes, for the tests of the front.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "harness/engine/runner.h"
#include "harness/plan/cell_builder.h"
#include "harness/plan/plan.h"

namespace harness {

// A cell called `name`, of `tasks` sleeps of 10 ms on one thread.
inline Cell test_cell(const std::string& name, int tasks = 2) {
  Factors factors;
  factors.backend = "thread";
  factors.workers_spec = "1";
  factors.workload = "sleep";
  factors.strategy = "none";
  factors.tasks = tasks;
  factors.distribution = "equal";
  factors.task_ns = 10'000'000;
  Cell cell = CellBuilder(factors).build();
  cell.cell_id = name;
  return cell;
}

inline Plan test_plan(const std::vector<std::string>& names, int runs, int warmup, Order order) {
  Plan plan;
  plan.suite_name = "test";
  plan.order = order;
  plan.seed = 5;
  for (const std::string& name : names) plan.cells.push_back({test_cell(name), runs, warmup, std::chrono::seconds(1)});
  return plan;
}

// A directory of its own, gone afterwards.
class TestDirectory {
 public:
  TestDirectory() {
    std::string pattern = testing::TempDir() + "/poolbench-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed: " + pattern);
    path_ = pattern;
  }
  ~TestDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// Runs nothing: each repetition takes as long on the fake clock as `takes` says and ends as `result` says.
class FakeRunner : public CellRunner {
 public:
  std::int64_t clock_ns = 1'000;
  std::vector<std::string> log;                      // "check a", "run a"
  std::map<std::string, std::string> digest_errors;  // by cell_id
  std::function<std::int64_t(const Cell&)> takes = [](const Cell&) { return std::int64_t{10'000'000}; };
  std::function<void(const Cell&, RepetitionResult&)> result = [](const Cell&, RepetitionResult&) {};
  bool interrupted = false;

  RepetitionResult run(const Cell& cell, std::chrono::nanoseconds timeout) override {
    log.push_back("run " + cell.cell_id);
    last_timeout = timeout;
    clock_ns += takes(cell);
    RepetitionResult repetition;
    repetition.sample = sample_of(cell);
    repetition.sample.makespan_ns = takes(cell);
    repetition.trace.emplace();
    result(cell, repetition);
    return repetition;
  }
  std::string check_digests(const Cell& cell, std::chrono::nanoseconds) override {
    log.push_back("check " + cell.cell_id);
    const auto error = digest_errors.find(cell.cell_id);
    return error == digest_errors.end() ? "" : error->second;
  }
  void interrupt() noexcept override { interrupted = true; }

  std::chrono::nanoseconds last_timeout{0};
};

}  // namespace harness
