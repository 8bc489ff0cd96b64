// Drivers: what a process of theirs does wrong is one line and leaves nothing running; whoever lies in a repetition gets a row that says so.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "harness/base/errors.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/child_runner.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/drivers/driver_process.h"
#include "harness/engine/drivers/foreign.h"
#include "harness/engine/drivers/programs.h"
#include "harness/engine/drivers/protocol.h"
#include "harness/plan/model_case.h"
#include "harness/tests/engine/cells.h"

namespace harness {
namespace {

using drivers::DriverError;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_engine::CellShape;
using testing_engine::make_cell;

constexpr auto kDriverDeadline = std::chrono::seconds(50);  // only a hang reaches it
constexpr std::size_t kMostBytes = 1000;

// Why a program cannot be executed, where the child can tell: under ThreadSanitizer it has no memory in common with its parent.
const char* why_not_executed([[maybe_unused]] const char* reason) {
#if defined(__SANITIZE_THREAD__)
  return "exited with status 127";
#else
  return reason;
#endif
}

class Drivers : public testing::Test {
 protected:
  Drivers() { ::mkdtemp(directory_.data()); }
  ~Drivers() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& contents) const {
    const std::filesystem::path file = std::filesystem::path(directory_) / name;
    std::ofstream(file) << contents;
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file.string();
  }
  // A backend whose driver tells that lie.
  std::string liar(const std::string& lie) const {
    return "driver:" + write(lie, "#!/bin/sh\nexec python3 -I -S -B '" LYING_DRIVER "' '" +
                                      drivers::require_script("cpython/works.py").parent_path().string() + "' " + lie + "\n");
  }
  std::string error_of_script(const std::string& script, std::chrono::milliseconds within = kDriverDeadline) const {
    try {
      drivers::ask({write("driver", "#!/bin/sh\n" + script)}, drivers::kDescribeQuestion, kMostBytes, within);
    } catch (const DriverError& error) {
      EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
      return error.what();
    }
    return "no error";
  }
  std::string refusal_of(const std::string& backend) const {
    try {
      find_backend(backend);
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), AllOf(testing::StartsWith(backend), testing::Not(HasSubstr("\n"))));
      return error.what();
    }
    return "no error";
  }

  std::string directory_ = (std::filesystem::temp_directory_path() / "poolbench-test-XXXXXX").string();
};

TEST_F(Drivers, SayHowTheyDied) {
  EXPECT_THAT(error_of_script("read line\necho 'out of' >&2\necho luck >&2\nkill -9 $$\n"),
              AllOf(HasSubstr("killed by signal 9"), HasSubstr("before it had answered"), HasSubstr("out of luck")));
  EXPECT_THAT(error_of_script("exit 3\n"), HasSubstr("exited with status 3"));
  EXPECT_THAT(error_of_script("exec 0<&- 1>&-\nsleep 1000\n"), HasSubstr("has closed its output"));
}

TEST_F(Drivers, ThatDieWithAChildHoldingTheirOutputAreSeenToDie) {
  EXPECT_THAT(error_of_script("sleep 1000 &\nexit 4\n"), HasSubstr("exited with status 4"));
}

TEST_F(Drivers, ThatHangAreKilledWithAllThatTheyStarted) {
  // A wrapper, as those of version managers are: what hangs is its child.
  EXPECT_THAT(error_of_script("sleep 1000 &\necho $! > \"${0%/*}/pid\"\nwait\n", std::chrono::milliseconds(1500)),
              AllOf(HasSubstr(directory_), HasSubstr("has not answered within 1500 ms")));
  pid_t sleeper = 0;
  std::ifstream(directory_ + "/pid") >> sleeper;
  ASSERT_GT(sleeper, 0) << "the machine was too busy for the wrapper to begin";
  // Killed with its group; whoever inherits it may not have reaped it yet.
  for (std::string state = "?"; !state.empty() && state != "Z";) {
    state.clear();
    std::string pid, name;
    std::ifstream("/proc/" + std::to_string(sleeper) + "/stat") >> pid >> name >> state;
  }
  ::waitpid(sleeper, nullptr, 0);  // if it is this process's
}

TEST_F(Drivers, AreStoppedByWhoWantsNoAnswerAnyMoreHoweverLongTheyMayTake) {
  const std::string hangs = write("driver", "#!/bin/sh\nexec sleep 3600\n");
  int looks = 0;
  const auto stop_later = [&] { return ++looks == 3; };
  EXPECT_THROW(drivers::ask({hangs}, drivers::kDescribeQuestion, kMostBytes, std::nullopt, stop_later), drivers::StoppedError);
  EXPECT_THROW(drivers::ask({hangs}, drivers::kDescribeQuestion, kMostBytes, std::chrono::milliseconds(200),
                            [] { return false; }),
               drivers::LateError);
}

TEST_F(Drivers, ThatFloodTheirOutputAreStoppedAndTheirStandardErrorIsRead) {
  EXPECT_THAT(error_of_script("exec tr '\\0' x </dev/zero\n"), HasSubstr("more than 1000 bytes in a line"));
  EXPECT_THAT(error_of_script("head -c 10000 /dev/zero | tr '\\0' x\necho\n"), HasSubstr("more than 1000 bytes"));
  EXPECT_THAT(error_of_script("head -c 3000000 /dev/zero >&2\necho late\nsleep 1000\n"), "no error");
}

TEST_F(Drivers, SayWhatCanBeALine) {
  EXPECT_THAT(error_of_script("printf 'no \\377\\n' >&2\nexit 3\n"), HasSubstr("its standard error ends: no \\xff"));
}

TEST_F(Drivers, ThatDoNotReadDoNotBlockWhoAsks) {
  const std::string deaf = write("deaf", "#!/bin/sh\nsleep 1000\n");
  EXPECT_THROW(drivers::ask({deaf}, std::string(4'000'000, ' '), kMostBytes, std::chrono::milliseconds(200)), DriverError);
}

TEST_F(Drivers, AreRefusedBeforeASweepWhenTheyCannotBeStartedOrDoNotSayWhoTheyAre) {
  EXPECT_THAT(refusal_of("driver:/nonexistent/driver"), HasSubstr(why_not_executed("No such file")));
  EXPECT_THAT(refusal_of("driver:" + directory_), HasSubstr(why_not_executed("Permission denied")));
  EXPECT_THAT(refusal_of("driver:"), HasSubstr("no path"));
  EXPECT_THAT([] { find_backend("driver:/two\nlines"); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("/two\\nlines"), HasSubstr("control character"))));
  EXPECT_THAT(refusal_of(liar("protocol")), HasSubstr("speaks protocol 2; this program speaks 1"));
  EXPECT_THAT(refusal_of(liar("strategy")), AllOf(HasSubstr("\"later\""), HasSubstr("as_completed")));
  EXPECT_THAT(refusal_of(liar("workload")), HasSubstr("tcp_echo"));
  EXPECT_THAT(refusal_of(liar("nameless")), HasSubstr("'name' is 7; it is a text"));
  EXPECT_THAT(refusal_of(liar("babbles")), HasSubstr("not a JSON object: 'hello'"));
}

TEST_F(Drivers, AreABackendByTheirPath) {
  const std::string name = liar("honest");
  const Backend& backend = find_backend(name);
  EXPECT_EQ(&backend, &find_backend(name)) << "kept";
  EXPECT_EQ(backend.summary(), "a driver of the tests");
  EXPECT_EQ(backend.workers(7, 9), 1);
  EXPECT_EQ(backend.skip_reason("none"), "");
  EXPECT_THAT(backend.skip_reason("map"), HasSubstr("it has no chunks"));
  EXPECT_THAT(backend.skip_reason("worker"), HasSubstr("no 'worker'; it has none, collect"));
  EXPECT_THAT(backend.workload_skip_reason("spin"), HasSubstr("it has sleep"));
  drivers::Record record = drivers::record_of(*drivers::known_backend(name));
  drivers::measure_rate(*drivers::known_backend(name), record);
  EXPECT_EQ(record.spin_units_per_ns, 0) << "it computes nothing, and was not asked";

  const std::unique_ptr<CellRunner> runner = make_child_runner({.calibration = testing_engine::unit_calibration()});
  for (const std::string_view strategy : {"none", "collect"}) {
    const Cell cell = make_cell({.backend = name, .strategy = strategy, .workload = "sleep", .workers = 1});
    EXPECT_EQ(runner->check_digests(cell, kDriverDeadline), "");
    EXPECT_EQ(runner->run(cell, kDriverDeadline).sample.status, "ok");
  }
}

TEST_F(Drivers, ThatLieInARepetitionGetARowThatSaysSo) {
  const std::unique_ptr<CellRunner> runner = make_child_runner({.calibration = testing_engine::unit_calibration()});
  const auto cell_on = [&](const std::string& lie) {
    const std::string name = liar(lie);
    find_backend(name);
    return make_cell({.backend = name, .strategy = "collect", .workload = "sleep", .workers = 1});
  };
  const auto error_of = [&](const std::string& lie) {
    const Sample sample = runner->run(cell_on(lie), kDriverDeadline).sample;
    EXPECT_EQ(sample.status, "invalid") << lie;
    return sample.error;
  };
  EXPECT_THAT(error_of("order"), HasSubstr("stamps of task 5 are missing or out of order"));
  EXPECT_THAT(error_of("few"), HasSubstr("the trace has 5 tasks, the cell 6"));
  EXPECT_THAT(error_of("elsewhere"), HasSubstr("it is no 'collect'"));
  EXPECT_THAT(error_of("short_row"), HasSubstr("a list of 13 numbers"));
  EXPECT_THAT(error_of("huge_number"), HasSubstr("as a stamp, which is an integer of 64 bits"));
  EXPECT_THAT(error_of("text"), HasSubstr("\"soon\" as a stamp"));
  EXPECT_THAT(error_of("long_ago"), HasSubstr("has the stamp 7 in task 5"));
  EXPECT_THAT(error_of("in_a_year"), HasSubstr("in task 5, which ran between"));
  EXPECT_THAT(error_of("minus"), HasSubstr("'pool_stop_ns' is -1; it is 0 or more"));
  EXPECT_THAT(error_of("no_cpu"), HasSubstr("took a CPU for -5 ns"));
  EXPECT_THAT(error_of("deep"), HasSubstr("nested deeper"));
  EXPECT_THAT(error_of("dies"), AllOf(HasSubstr("killed by signal 9"), HasSubstr("no more of this")));
  EXPECT_THAT(error_of("floods"), HasSubstr("bytes in a line, which no answer has"));
  EXPECT_THAT(runner->check_digests(cell_on("digest"), kDriverDeadline), HasSubstr("sleep gives digest"));
  EXPECT_THAT(runner->check_digests(cell_on("callback_digest"), kDriverDeadline), HasSubstr("sleep's callback gives digest"));
  EXPECT_EQ(runner->run(cell_on("hangs"), std::chrono::seconds(2)).sample.status, "timeout");
  EXPECT_EQ(runner->run(cell_on("shouts"), kDriverDeadline).sample.status, "ok");
  const Cell gone = cell_on("honest");
  std::filesystem::remove(gone.backend.substr(drivers::kPrefix.size()));
  const Sample row = runner->run(gone, kDriverDeadline).sample;
  EXPECT_EQ(row.status, "invalid");
  EXPECT_THAT(row.error, HasSubstr(why_not_executed("No such file")));
  // The runner has made this process the heir of its descendants' orphans, so one left behind would be a child now.
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

// What it is asked, and what becomes of the answer.
TEST_F(Drivers, SubmitTasksWhenTheyArriveIfTheySayThatTheyDo) {
  const std::unique_ptr<CellRunner> runner = make_child_runner({.calibration = testing_engine::unit_calibration()});
  const auto cell_on = [&](const std::string& lie) {
    const std::string name = liar(lie);
    find_backend(name);
    return make_cell(
        {.backend = name, .strategy = "none", .workload = "sleep", .workers = 1, .tasks = 2, .arrivals = "0ms,3600s"});
  };
  EXPECT_THAT(skip_reason(cell_on("honest")).value_or(""), HasSubstr("the driver is given all tasks at once"));
  EXPECT_EQ(skip_reason(cell_on("early")), std::nullopt);
  EXPECT_THAT(runner->run(cell_on("early"), kDriverDeadline).sample.error, HasSubstr("in task 1, which ran between"));
  EXPECT_THAT(runner->run(cell_on("no_origin"), kDriverDeadline).sample.error,
              HasSubstr("the driver's answer has no 'origin_ns'"));
  const auto arrived = [](const std::string& origin) {
    const std::vector<std::int64_t> arrivals{5};
    return drivers::trace_from(R"({"tasks": [[9, 10, 11, 4, 5, 6, 1, -1, -1, 0, 0, 0, 0]], "main_pid": 1, "submitter_tid": 1,
        "pool_start_ns": 0, "submit_ns": 0, "pool_stop_ns": 0, "origin_ns": )" +
                                   origin + "}",
                               arrivals)
        .tasks.front();
  };
  EXPECT_EQ(arrived("3").arrived_ns, 8);
  EXPECT_EQ(arrived("3").due_ns, 8);
  for (const char* const wrong : {"-1", "\"soon\"", "9223372036854775807"}) EXPECT_THROW(arrived(wrong), DriverError) << wrong;
}

TEST_F(Drivers, ReadNumbersOf64BitsAsNumbersAndAsText) {
  const auto digest = [](const std::string& written) {
    return drivers::trace_from(R"({"tasks": [[1, 2, 3, 4, 5, 6, )" + written + R"(, -1, -1, 0, 0, 0, 0]], "main_pid": 1,
        "submitter_tid": 1, "pool_start_ns": 0, "submit_ns": 0, "pool_stop_ns": "7"})")
        .tasks.front()
        .digest;
  };
  EXPECT_EQ(digest("18446744073709551615"), 18446744073709551615U);
  EXPECT_EQ(digest("\"18446744073709551615\""), 18446744073709551615U);
  for (const char* const wrong : {"-1", "\"-1\"", "1.5", "18446744073709551616", "\"\"", "\"1 \"", "null", "[]"}) {
    EXPECT_THROW(digest(wrong), DriverError) << wrong;
  }
}

TEST_F(Drivers, ThatAreNoLongerThereAreModelledByWhatTheirRunRecorded) {
  Cell cell = make_cell({.backend = "thread", .workload = "spin"});
  cell.backend = "driver:/gone";
  workloads::Calibration rates = testing_engine::unit_calibration();
  rates.foreign[cell.backend] = {.spin_units_per_ns = 0.5, .one_lock = true, .event_loop = false};
  const model::Case pool = modelled_case(cell, rates).model_case;
  EXPECT_EQ(pool.executor, model::Executor::pool);
  EXPECT_TRUE(pool.tasks.front().locked);
  EXPECT_EQ(pool.tasks.front().compute_ns, cell.task_ns);
  rates.foreign[cell.backend].event_loop = true;
  EXPECT_EQ(modelled_case(cell, rates).model_case.executor, model::Executor::loop);
}

TEST_F(Drivers, AreFoundBehindShims) {
  EXPECT_TRUE(
      drivers::is_shim(write("pyenv", "#!/usr/bin/env bash\nexec \"/home/me/.pyenv/libexec/pyenv\" exec \"$program\" \"$@\"\n")));
  EXPECT_TRUE(drivers::is_shim(write("asdf", "#!/usr/bin/env bash\nexec asdf exec \"python3\" \"$@\"\n")));
  EXPECT_FALSE(drivers::is_shim(write("wrapper", "#!/bin/sh\nexec /usr/bin/python3 \"$@\"\n")));
  EXPECT_FALSE(drivers::is_shim("/usr/bin/env"));
  EXPECT_FALSE(drivers::is_shim("/nonexistent"));
}

TEST(Programs, AreLookedForAlongThePath) {
  std::string directory = (std::filesystem::temp_directory_path() / "poolbench-test-XXXXXX").string();
  ::mkdtemp(directory.data());
  const std::filesystem::path python = std::filesystem::path(directory) / "python3";
  EXPECT_EQ(drivers::find_program("python3", ""), std::nullopt);
  EXPECT_EQ(drivers::find_program("python3", "/nonexistent:" + directory), std::nullopt);
  std::ofstream(python) << "#!/bin/sh\n";
  EXPECT_EQ(drivers::find_program("python3", directory), std::nullopt) << "not executable";
  std::filesystem::permissions(python, std::filesystem::perms::owner_all);
  EXPECT_EQ(drivers::find_program("python3", "/nonexistent::" + directory + ":/usr/bin"), python);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace harness
