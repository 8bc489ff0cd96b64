// The gate, with a machine and a clock of its own making.

#include "harness/sweep/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "harness/base/quantity.h"
#include "harness/tests/verdict_samples.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing_verdict::claim_named;

// A machine on which somebody waits for a CPU for `busy` percent of the time, until `quiet_from`, and for `busy_then` percent from then on.
struct Machine {
  std::int64_t now = 0;
  std::int64_t waited = 0;
  std::int64_t busy = 0;
  std::int64_t quiet_from = INT64_MAX;
  std::int64_t busy_then = 0;
  std::int64_t busy_from = 0;
  bool knows_pressure = true;
  bool stopped = false;

  void pass(std::int64_t ns) {
    for (std::int64_t step = 0; step < ns; step += kMs, now += kMs) {
      if (now >= busy_from) waited += kMs * (now < quiet_from ? busy : busy_then) / 100;
    }
  }
  GateSeams seams() {
    return {.read = [this] { return knows_pressure ? Waiting{waited} : Waiting{}; },
            .now_ns = [this] { return now; },
            .sleep = [this](std::chrono::nanoseconds duration) { pass(duration.count()); },
            .stop = [this] { return stopped; }};
  }
};

class Runner : public CellRunner {
 public:
  explicit Runner(Machine& machine) : machine_(machine) {}
  RepetitionResult run(const Cell& cell, std::chrono::nanoseconds) override {
    ++runs;
    machine_.pass(300 * kMs);
    RepetitionResult result;
    result.sample = sample_of(cell);
    result.sample.makespan_ns = 280 * kMs;
    result.sample.cgroup_throttled_ns = runs <= throttled_runs ? 5 * kMs : 0;
    result.trace.emplace();
    return result;
  }
  std::string check_digests(const Cell&, std::chrono::nanoseconds) override { return "checked"; }
  void interrupt() noexcept override { interrupted = true; }

  int runs = 0;
  int throttled_runs = 0;
  bool interrupted = false;

 private:
  Machine& machine_;
};

Cell sleeping() { return cell_of(claim_named("process_equal"), 2); }
Cell computing() { return cell_of(claim_named("cpu_threads"), 2); }

struct Fixture {
  Machine machine;
  Runner runner{machine};
  GateRule rule{.most_pressure = 5, .window = std::chrono::milliseconds(100), .patience = std::chrono::seconds(10)};
  RepetitionResult run(const Cell& cell) {
    gate.emplace(runner, rule, machine.seams());
    return gate->run(cell, std::chrono::seconds(60));
  }
  std::optional<GatedRunner> gate;
};

TEST(Gate, lets_a_repetition_on_a_quiet_machine_through_as_it_is) {
  Fixture f;
  f.machine.busy = 5;  // the edge is inside
  const RepetitionResult result = f.run(sleeping());
  EXPECT_EQ(result.sample.status, "ok");
  EXPECT_TRUE(result.trace.has_value());
  EXPECT_EQ(f.runner.runs, 1);
  EXPECT_EQ(f.gate->counts().repeated + f.gate->counts().refused, 0);
}

TEST(Gate, allows_what_the_start_of_a_repetitions_own_processes_takes) {
  Fixture f;
  f.machine.busy = 100;
  f.machine.quiet_from = 40 * kMs;  // 13 % of 300 ms
  EXPECT_EQ(f.run(sleeping()).sample.status, "ok");
  EXPECT_EQ(f.runner.runs, 1);
  Fixture longer;
  longer.machine.busy = 100;
  longer.machine.quiet_from = 41 * kMs;
  EXPECT_EQ(longer.run(sleeping()).sample.status, "ok");
  EXPECT_EQ(longer.runner.runs, 2);
}

TEST(Gate, waits_for_quiet_and_repeats_what_was_disturbed) {
  Fixture f;
  f.machine.busy = 20;
  f.machine.quiet_from = 2000 * kMs;
  const RepetitionResult result = f.run(sleeping());
  EXPECT_EQ(result.sample.status, "ok");
  EXPECT_EQ(f.runner.runs, 2);
  EXPECT_EQ(f.gate->counts().repeated, 1);
  EXPECT_GE(f.gate->counts().waited, std::chrono::milliseconds(1700));
}

TEST(Gate, takes_as_much_pressure_as_may_be_for_quiet) {
  Fixture f;
  f.machine.busy = 20;
  f.machine.quiet_from = 2000 * kMs;
  f.machine.busy_then = 5;  // the edge is inside
  EXPECT_EQ(f.run(sleeping()).sample.status, "ok");
  EXPECT_EQ(f.gate->counts().refused, 0);
}

TEST(Gate, refuses_what_stays_disturbed_and_says_by_how_much) {
  Fixture f;
  f.machine.busy = 20;
  const RepetitionResult result = f.run(sleeping());
  EXPECT_EQ(result.sample.status, "invalid");
  EXPECT_THAT(result.sample.error, StartsWith(std::string(kGated)));
  EXPECT_THAT(result.sample.error, HasSubstr("20 %"));
  EXPECT_EQ(result.sample.makespan_ns, 0);
  EXPECT_FALSE(result.trace.has_value());
  EXPECT_EQ(f.gate->counts().refused, 1);
  // The repetition itself is part of what patience is for, to its very end.
  EXPECT_EQ(f.gate->counts().waited, std::chrono::milliseconds(9700));
  // Patience is for the whole run: the next one is not repeated at all.
  f.runner.runs = 0;
  EXPECT_EQ(f.gate->run(sleeping(), std::chrono::seconds(60)).sample.status, "invalid");
  EXPECT_EQ(f.runner.runs, 1);
}

TEST(Gate, judges_what_computes_by_what_is_around_it) {
  Fixture before;
  before.machine.busy = 50;
  before.machine.quiet_from = 1000 * kMs;
  EXPECT_EQ(before.run(computing()).sample.status, "ok");
  EXPECT_EQ(before.runner.runs, 1);  // it waited first
  EXPECT_GE(before.gate->counts().waited, std::chrono::milliseconds(800));

  Fixture during;  // pressure of its own making
  during.machine.busy = 90;
  during.machine.busy_from = 100 * kMs;
  during.machine.quiet_from = 400 * kMs;
  EXPECT_EQ(during.run(computing()).sample.status, "ok");
  EXPECT_EQ(during.runner.runs, 1);
  EXPECT_EQ(during.gate->counts().repeated, 0);

  Fixture crowd;  // so does a crowd that wakes up at once
  crowd.machine.busy = 90;
  crowd.machine.busy_from = 100 * kMs;
  crowd.machine.quiet_from = 400 * kMs;
  EXPECT_EQ(crowd.run(cell_of(claim_named("clients_bounded"), 2)).sample.status, "ok");
  EXPECT_EQ(crowd.runner.runs, 1);

  Fixture start;  // and many processes that start at once
  start.machine.busy = 90;
  start.machine.busy_from = 100 * kMs;
  start.machine.quiet_from = 400 * kMs;
  Cell forty = sleeping();
  forty.workers = forty.tasks = 40;
  EXPECT_EQ(start.run(forty).sample.status, "ok");
  EXPECT_EQ(start.runner.runs, 1);

  Fixture after;
  after.machine.busy = 90;
  after.machine.busy_from = 400 * kMs;
  after.machine.quiet_from = 600 * kMs;
  EXPECT_EQ(after.run(computing()).sample.status, "ok");
  EXPECT_EQ(after.runner.runs, 2);
}

TEST(Gate, repeats_what_a_quota_stopped_whether_or_not_there_is_pressure_information) {
  for (const bool knows : {true, false}) {
    Fixture f;
    f.machine.knows_pressure = knows;
    f.runner.throttled_runs = 2;
    EXPECT_EQ(f.run(sleeping()).sample.status, "ok");
    EXPECT_EQ(f.runner.runs, 3);
  }
  Fixture f;
  f.runner.throttled_runs = 1'000'000;
  EXPECT_THAT(f.run(sleeping()).sample.error, HasSubstr("a CPU quota stopped it for 5.00 ms"));
  EXPECT_EQ(f.runner.runs, 26);  // 25 times 300 ms and a look of 100 ms are ten seconds
}

TEST(Gate, counts_what_a_quota_stopped_where_the_quota_is_meant) {
  Machine machine;
  Runner runner(machine);
  runner.throttled_runs = 1;
  GatedRunner gate(runner, {.quota_is_meant = true}, machine.seams());
  EXPECT_EQ(gate.run(sleeping(), std::chrono::seconds(1)).sample.status, "ok");
  EXPECT_EQ(runner.runs, 1);
}

TEST(Gate, never_looks_at_failures_or_at_what_was_measured) {
  Fixture f;
  EXPECT_EQ(f.run(sleeping()).sample.makespan_ns, 280 * kMs);
  EXPECT_EQ(f.gate->check_digests(sleeping(), std::chrono::seconds(1)), "checked");
  f.gate->interrupt();
  EXPECT_TRUE(f.runner.interrupted);
}

TEST(Gate, gives_up_at_once_when_the_program_is_to_end) {
  Fixture f;
  f.machine.busy = 50;
  f.machine.stopped = true;
  const RepetitionResult result = f.run(sleeping());
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(f.gate->counts().refused, 0);
  EXPECT_EQ(f.gate->counts().waited.count(), 0);
}

TEST(Gate, reads_the_kernels_file_and_knows_when_there_is_none) {
  std::string name = (std::filesystem::temp_directory_path() / "poolbench-gate-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  const std::filesystem::path proc = name;
  EXPECT_FALSE(read_waiting(proc.string()).pressure_ns.has_value());
  std::filesystem::create_directories(proc / "pressure");
  std::ofstream(proc / "pressure/cpu") << "some avg10=8.01 avg60=21.99 avg300=30.74 total=7741691862\n"
                                          "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
  EXPECT_EQ(read_waiting(proc.string()).pressure_ns, 7741691862 * 1000);
  std::ofstream(proc / "pressure/cpu") << "full total=7\n";
  EXPECT_FALSE(read_waiting(proc.string()).pressure_ns.has_value());
  std::filesystem::remove_all(proc);
}

TEST(Gate, prints_its_rule) {
  EXPECT_THAT(gate_text({}, true), HasSubstr("at most 5 % of its time"));
  EXPECT_THAT(gate_text({}, false), HasSubstr("no pressure stall information"));
}

}  // namespace
}  // namespace harness
