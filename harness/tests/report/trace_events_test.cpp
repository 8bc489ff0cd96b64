// Traces in Chrome's format, held against the rules of the format: what nests, what is balanced, in order and bound.

#include "harness/report/trace_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "harness/base/errors.h"
#include "harness/tests/cli/invocation.h"
#include "harness/tests/front_cells.h"

namespace harness {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing_cli::poolbench;
using TraceDocument = nlohmann::json;

std::int64_t nanoseconds(const TraceDocument& time) { return std::llround(time.get<double>() * 1000); }

// In microseconds as a reader adds them, not rounded to what was meant.
struct FoundSlice {
  double from = 0;
  double to = 0;
};
using Tracks = std::map<std::pair<int, int>, std::vector<FoundSlice>>;

Tracks tracks_of(const TraceDocument& events) {
  Tracks tracks;
  for (const auto& event : events) {
    if (event["ph"] != "X") continue;
    const double from = event["ts"];
    const double duration = event["dur"];
    EXPECT_GE(duration, 0) << event;
    tracks[{event["pid"], event["tid"]}].push_back({from, from + duration});
  }
  return tracks;
}

// Within a track each two slices are apart, or one lies within the other.
void expect_nesting(Tracks tracks) {
  for (auto& [track, slices] : tracks) {
    std::sort(slices.begin(), slices.end(),
              [](const auto& a, const auto& b) { return a.from != b.from ? a.from < b.from : a.to > b.to; });
    std::vector<double> open;
    for (const FoundSlice& slice : slices) {
      while (!open.empty() && open.back() <= slice.from) open.pop_back();
      if (!open.empty()) {
        EXPECT_LE(slice.to, open.back()) << "track " << track.first << "/" << track.second;
      }
      open.push_back(slice.to);
    }
  }
}

void expect_balanced_waits(const TraceDocument& events) {
  std::map<std::tuple<int, std::string, std::string>, std::vector<std::int64_t>> open;
  for (const auto& event : events) {
    if (event["ph"] != "b" && event["ph"] != "e") continue;
    auto& times = open[{event["pid"], event["cat"], event["id"]}];
    EXPECT_EQ(event["ph"], times.empty() ? "b" : "e") << event;
    times.push_back(nanoseconds(event["ts"]));
  }
  for (const auto& [id, times] : open) {
    ASSERT_THAT(times, SizeIs(2)) << std::get<2>(id);
    EXPECT_LE(times[0], times[1]);
  }
}

// Each arrow begins with s, ends with f, goes forward, and stands at slices.
void expect_bound_arrows(const TraceDocument& events, const Tracks& tracks) {
  std::map<int, std::vector<const TraceDocument*>> arrows;
  for (const auto& event : events) {
    if (event["ph"] == "s" || event["ph"] == "t" || event["ph"] == "f") arrows[event["id"]].push_back(&event);
  }
  for (const auto& [id, steps] : arrows) {
    std::string phases;
    for (const TraceDocument* const step : steps) phases += (*step)["ph"].get<std::string>();
    EXPECT_TRUE(phases == "sf" || phases == "stf") << phases;
    double last = 0;
    for (const TraceDocument* const step : steps) {
      const double at = (*step)["ts"];
      EXPECT_LE(last, at);
      last = at;
      const auto track = tracks.find({(*step)["pid"], (*step)["tid"]});
      ASSERT_NE(track, tracks.end()) << *step;
      EXPECT_TRUE(std::any_of(track->second.begin(), track->second.end(), [at](const FoundSlice& slice) {
        return slice.from <= at && at <= slice.to;
      })) << *step;
    }
  }
}

std::map<std::string, std::vector<int>> counters_of(const TraceDocument& events, int pid) {
  std::map<std::string, std::vector<int>> counters;
  for (const auto& event : events) {
    if (event["ph"] == "C" && event["pid"] == pid) counters[event["name"]].push_back(event["args"].begin().value());
  }
  return counters;
}

// Everything that the format asks for; what a test wants besides is its own.
TraceDocument expect_sound(const std::string& text) {
  TraceDocument document = TraceDocument::parse(text);
  const TraceDocument& events = document["traceEvents"];
  std::set<int> processes;
  std::set<std::pair<int, int>> threads;
  std::map<int, std::int64_t> last;  // of each process
  for (const auto& event : events) {
    EXPECT_GT(event["pid"].get<int>(), 0) << event;
    if (event["name"] == "process_name") {
      EXPECT_TRUE(processes.insert(event["pid"].get<int>()).second) << event;
    }
    if (event["name"] == "thread_name") {
      EXPECT_TRUE(threads.emplace(event["pid"], event["tid"]).second) << event;
    }
    if (event["ph"] == "M") continue;
    EXPECT_TRUE(processes.contains(event["pid"])) << event;
    if (event.contains("tid")) {
      EXPECT_TRUE(threads.contains({event["pid"], event["tid"]})) << event;
    }
    const std::int64_t at = nanoseconds(event["ts"]);
    EXPECT_GE(at, last[event["pid"]]) << event;
    last[event["pid"]] = at;
  }
  const Tracks tracks = tracks_of(events);
  expect_nesting(tracks);
  expect_balanced_waits(events);
  expect_bound_arrows(events, tracks);
  for (const int process : processes) {
    for (const auto& [name, values] : counters_of(events, process)) {
      EXPECT_GE(*std::min_element(values.begin(), values.end()), 0) << name;
      EXPECT_EQ(values.back(), 0) << name;
    }
  }
  return document;
}

int count(const TraceDocument& document, const std::string& phase, const std::string& category = {}) {
  return static_cast<int>(
      std::count_if(document["traceEvents"].begin(), document["traceEvents"].end(), [&](const TraceDocument& event) {
        return event["ph"] == phase && (category.empty() || event["cat"] == category);
      }));
}

TaskRow traced_task(std::int64_t number, int worker, std::int64_t submitted, std::int64_t started, std::int64_t finished) {
  TaskRow row;
  row.cell_id = "c";
  row.task = number;
  row.worker = worker;
  row.trace.submitted_ns = submitted;
  row.trace.started_ns = started;
  row.trace.finished_ns = finished;
  row.trace.pid = 100;
  row.trace.tid = 100 + worker;
  return row;
}

TaskRow called_back(TaskRow row, int by, std::int64_t started, std::int64_t finished) {
  row.callback_worker = by;
  row.trace.callback_started_ns = started;
  row.trace.callback_finished_ns = finished;
  row.trace.callback_pid = 100;
  row.trace.callback_tid = 100 + by;
  return row;
}

TEST(TraceEvents, LeadFromASubmitToItsTaskAndOnToItsCallback) {
  const TraceDocument document = expect_sound(
      trace_events({{"r",
                     "main",
                     {called_back(traced_task(0, 0, 0, 1000, 5000), 2, 5500, 7000),
                      called_back(traced_task(1, 1, 100, 2000, 5000), 2, 7000, 9000), traced_task(2, 0, 200, 5000, 6000)}}}));
  EXPECT_EQ(count(document, "X", "task"), 3);
  EXPECT_EQ(count(document, "X", "callback"), 2);
  EXPECT_EQ(count(document, "X", "submit"), 3);
  EXPECT_EQ(count(document, "s"), 3);
  EXPECT_EQ(count(document, "t"), 2);
  EXPECT_EQ(count(document, "f"), 3);
  auto counters = counters_of(document["traceEvents"], 1);
  EXPECT_EQ(counters["queue length"], (std::vector<int>{1, 2, 3, 2, 1, 0}));
  EXPECT_EQ(counters["busy workers"], (std::vector<int>{0, 1, 2, 1, 0}));  // at 5000 one ends, and the next begins
  EXPECT_EQ(counters["callbacks waiting"], (std::vector<int>{0, 2, 1, 0}));
}

TEST(TraceEvents, NestTheCallbackInItsTaskWhereTheyAreFused) {
  const std::vector<TaskRow> tasks{called_back(traced_task(0, 0, 0, 1000, 5000), 0, 5000, 7000),
                                   called_back(traced_task(1, 0, 0, 7000, 9000), 0, 9000, 9000)};
  const TraceDocument fused = expect_sound(trace_events({{"r", "fused", tasks}}));
  const TraceDocument apart = expect_sound(trace_events({{"r", "worker", tasks}}));
  const auto longest = [](const TraceDocument& document) {
    double most = 0;
    for (const auto& event : document["traceEvents"]) {
      if (event["ph"] == "X" && event["cat"] == "task") most = std::max(most, event["dur"].get<double>());
    }
    return most;
  };
  EXPECT_EQ(longest(fused), 6);  // microseconds
  EXPECT_EQ(longest(apart), 4);
}

TEST(TraceEvents, TasksThatOverlapOnTheirThreadAreAsyncAndArrowsLeadToCallbacksOnly) {
  const TraceDocument document = expect_sound(trace_events({{"r",
                                                             "worker",
                                                             {called_back(traced_task(0, 0, 0, 10, 5000), 0, 5000, 5500),
                                                              traced_task(1, 0, 0, 20, 6000), traced_task(2, 1, 0, 30, 50)}}}));
  EXPECT_EQ(count(document, "b", "task"), 2);
  EXPECT_EQ(count(document, "X", "task"), 1);
  EXPECT_EQ(count(document, "X", "callback"), 1);
  EXPECT_EQ(count(document, "s"), 2);
  EXPECT_EQ(count(document, "t"), 0);
}

TEST(TraceEvents, CallbacksThatOverlapATaskOfTheirThreadAreAsync) {
  const TraceDocument document = expect_sound(
      trace_events({{"r", "worker", {called_back(traced_task(0, 0, 0, 10, 50), 0, 60, 90), traced_task(1, 0, 0, 70, 80)}}}));
  EXPECT_EQ(count(document, "X", "task"), 2);
  EXPECT_EQ(count(document, "b", "callback"), 1);
}

TEST(TraceEvents, KeepEveryNanosecond) {
  const TraceDocument document = expect_sound(trace_events({{"r", "none", {traced_task(0, 0, 0, 1, 3'600'000'000'001)}}}));
  for (const auto& event : document["traceEvents"]) {
    if (event["ph"] == "X" && event["cat"] == "task") {
      EXPECT_EQ(nanoseconds(event["dur"]), 3'600'000'000'000);
    }
  }
}

TEST(TraceEvents, HoldTheRulesWhateverTheScheduleWas) {
  std::mt19937 random(7);
  const auto draw = [&random](int most) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(most + 1)); };
  for (int round = 0; round < 40; ++round) {
    const int workers = 1 + static_cast<int>(draw(3));
    std::vector<std::int64_t> free(static_cast<std::size_t>(workers), 0);
    std::int64_t caller = 0;
    std::int64_t submitted = 0;
    std::vector<TaskRow> tasks;
    const bool on_caller = draw(1) == 1;
    const std::int64_t unit = round % 2 == 0 ? 1 : 67;  // ns; sums of thousandths are rounded
    const auto pass = [&](int most) { return unit * draw(most); };
    for (int i = 0; i < 20; ++i) {
      submitted += pass(2);
      const auto worker = static_cast<std::size_t>(draw(workers - 1));
      const std::int64_t started = std::max(free[worker], submitted) + pass(3);
      const std::int64_t finished = started + pass(3);
      std::int64_t& lane = on_caller ? caller : free[worker];
      free[worker] = finished;
      const std::int64_t called = std::max(lane, finished) + pass(3);
      lane = called + pass(3);
      tasks.push_back(called_back(traced_task(i, static_cast<int>(worker), submitted, started, finished),
                                  on_caller ? workers : static_cast<int>(worker), called, lane));
    }
    expect_sound(trace_events({{"a", on_caller ? "main" : "fused", tasks}, {"b", "worker", tasks}}));
    if (HasFailure()) FAIL() << "round " << round;
  }
}

TEST(TraceCommand, WritesEachTracedCellOfARun) {
  const testing_cli::Invocation run = poolbench({"trace", REFERENCE_RUN, "-o", "-"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const TraceDocument document = expect_sound(run.out);
  EXPECT_GT(document["otherData"].size(), 1u);
  EXPECT_GT(count(document, "X", "task"), 10);
}

TEST(TraceCommand, SaysInOneLineWhatIsNotTracedAndWhatIs) {
  const auto expect_refused = [](std::vector<std::string> arguments, const std::string& words) {
    arguments.insert(arguments.begin(), "trace");
    const testing_cli::Invocation run = poolbench(arguments);
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.out, IsEmpty());
    EXPECT_THAT(run.err, HasSubstr(words));
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
  };
  expect_refused({REFERENCE_RUN, "--cell", "nothing"}, "--cell 'nothing' is not traced; allowed: ");
  expect_refused({REFERENCE_RUN, "--rep", "99"}, "--rep 99 is not traced of any cell");
  expect_refused({REFERENCE_RUN, "--rep", "-1"}, "rep");
  expect_refused({"/none"}, "'/none' is not a directory");
  expect_refused({std::string(REFERENCE_RUN) + "/../default"}, "holds no traced repetition");
}

class TaskRows : public testing::Test {
 protected:
  std::vector<TaskRow> read(const std::string& text) {
    std::filesystem::create_directories(directory_ / "tasks");
    std::ofstream(directory_ / "tasks/run.csv") << text;
    std::vector<TaskRow> rows;
    read_task_rows(directory_.path(), [&rows](const TaskRow& row) { rows.push_back(row); });
    return rows;
  }

  TestDirectory directory_;
  const std::string header_ =
      "cell_id,rep,task,worker,pid,tid,submitted_ns,started_ns,finished_ns,callback_started_ns,callback_finished_ns,"
      "callback_worker,callback_pid,callback_tid,digest";
};

TEST_F(TaskRows, AreReadBackWhateverElseIsInTheFile) {
  const std::vector<TaskRow> rows =
      read("arrived_ns," + header_ + "\n9,c,2,0,1,10,11,0,5,6,,,,,,00\n9,c,2,1,0,10,12,1,5,7,8,9,3,20,21,00\n9,c,2,2,torn");
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].run_id, "run");
  EXPECT_EQ(rows[0].rep, 2);
  EXPECT_EQ(rows[0].trace.callback_started_ns, kNoStamp);
  EXPECT_EQ(rows[1].trace.started_ns, 5);
  EXPECT_EQ(rows[1].trace.callback_finished_ns, 9);
  EXPECT_EQ(rows[1].callback_worker, 3);
  EXPECT_EQ(rows[1].trace.callback_tid, 21);
}

TEST_F(TaskRows, ThatNoRunCanHaveWrittenAreRefusedWithFileLineAndColumn) {
  const auto message = [this](const std::string& text) {
    try {
      read(text);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("nothing was refused");
  };
  EXPECT_THAT(message("a,b\n1,2\n"), HasSubstr("has a foreign header; allowed: 'cell_id,rep,"));
  EXPECT_THAT(message(header_ + "\nc,0\n"), HasSubstr("run.csv:2: 2 fields instead of 15"));
  EXPECT_THAT(message(header_ + "\nc,0,0,0,1,1,0,5,4,,,,,,0\n"),
              HasSubstr("run.csv:2: '4' in column finished_ns; allowed: a number from 5"));
  EXPECT_THAT(message(header_ + "\nc,0,0,0,x,1,0,5,6,,,,,,0\n"), HasSubstr("'x' in column pid"));
}

}  // namespace
}  // namespace harness
