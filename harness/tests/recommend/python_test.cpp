// Recommendations for a Python function: what is read of its examination, what is chosen, and the program to paste.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "harness/cli/recommend_python.h"
#include "harness/recommend/program.h"
#include "harness/recommend/python_report.h"
#include "harness/recommend/python_snippet.h"
#include "harness/tests/recommend/known_numbers.h"

namespace harness::recommend {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing_recommend::chosen;
using testing_recommend::kSilent;
using testing_recommend::ModelMachine;
using testing_recommend::profile_with;
using testing_recommend::question;

PythonWork crawler(const std::string& callback = "") {
  PythonWork work;
  work.function = "crawler:fetch";
  work.callback = callback;
  work.paths = {""};
  work.inputs_file = "urls.txt";
  return work;
}

TEST(RecommendPythonWork, ReadsWaitingAndComputingOfAnExamination) {
  const Seen seen =
      seen_from(R"({"tasks": [[10, 1, 3, 1, 20, 5], [30, 2, 5, 3, 40, 7]], "callbacks": [[8, 2, 2, 0]], "is_async": false,
      "unpicklable": "", "import_ns": 9, "memory_bytes": 100, "bare_bytes": 50, "threads": 0, "variables": [], "prints": true})",
                2);
  EXPECT_EQ(seen.profile.demands.at(0).compute_ns, 4) << "of the process and its children";
  EXPECT_EQ(seen.profile.demands.at(0).wait_ns, 6);
  EXPECT_EQ(seen.profile.demands.at(1).compute_ns, 8);
  EXPECT_EQ(seen.callback.compute_ns, 2);
  EXPECT_EQ(seen.callback.wait_ns, 6);
  EXPECT_EQ(seen.result_bytes, 30);
  EXPECT_TRUE(seen.prints);
}

TEST(RecommendPythonWork, AFailureHasItsTraceback) {
  try {
    seen_from(R"({"failure": "crawler:fetch failed", "traceback": ["line 3", "ValueError"]})", 2);
    FAIL() << "a failure went unnoticed";
  } catch (const PythonError& error) {
    EXPECT_STREQ(error.what(), "crawler:fetch failed");
    EXPECT_THAT(error.traceback(), testing::ElementsAre("line 3", "ValueError"));
  }
  EXPECT_THROW(seen_from("{}", 2), ConfigError);
  EXPECT_THROW(seen_from("nonsense", 2), ConfigError);
}

TEST(RecommendPythonCode, IsAProgramForEachPool) {
  const Choice threads{Pool::thread, 24};
  EXPECT_EQ(python_snippet(crawler(), {}, threads, 200), R"(from concurrent.futures import ThreadPoolExecutor

import crawler


def main():
    with open("urls.txt", encoding="utf-8") as file:
        inputs = [line.rstrip("\r\n") for line in file if line.rstrip("\r\n")]
    with ThreadPoolExecutor(max_workers=24) as pool:
        futures = [pool.submit(crawler.fetch, item) for item in inputs]
        results = [future.result() for future in futures]
    return results


if __name__ == "__main__":
    results = main()
)");
  EXPECT_THAT(python_snippet(crawler(), {}, {Pool::process, 2}, 200),
              HasSubstr("ProcessPoolExecutor(max_workers=2, mp_context=multiprocessing.get_context(\"fork\"))"));
  EXPECT_THAT(python_snippet(crawler(), {}, {Pool::spawn, 2}, 200), HasSubstr("get_context(\"spawn\")"));
  EXPECT_THAT(python_snippet(crawler(), {}, {Pool::to_thread, 8}, 200),
              AllOf(HasSubstr("asyncio.to_thread(crawler.fetch, item)"), HasSubstr("asyncio.run(main())")));
  EXPECT_THAT(python_snippet(crawler(), {}, {Pool::thread, 1}, 200),
              AllOf(HasSubstr("results = [crawler.fetch(item) for item in inputs]"), Not(HasSubstr("pool"))));
}

TEST(RecommendPythonCode, AnAsynchronousFunctionIsAwaitedOnALoopAndRunToItsEndInAPool) {
  EXPECT_THAT(python_snippet(crawler(), {.is_async = true}, {Pool::loop, 50}, 200),
              AllOf(HasSubstr("asyncio.Semaphore(50)"), HasSubstr("return await crawler.fetch(item)")));
  EXPECT_THAT(python_snippet(crawler(), {.is_async = true}, {Pool::loop, 200}, 200), Not(HasSubstr("Semaphore")));
  EXPECT_THAT(python_snippet(crawler(), {.is_async = true}, {Pool::process, 2}, 200),
              HasSubstr("return asyncio.run(crawler.fetch(item))"));
}

TEST(RecommendPythonCode, TheCallbackIsAttachedTheWayThatWon) {
  const PythonWork work = crawler("parsing:parse");
  const auto with = [&](Pool pool, model::Strategy strategy, int parsers = 0) {
    return python_snippet(work, {}, {pool, 4, strategy, parsers}, 200);
  };
  EXPECT_THAT(with(Pool::thread, model::Strategy::worker),
              AllOf(HasSubstr("import crawler\nimport parsing\n"), HasSubstr("add_done_callback(partial(done, number))")));
  EXPECT_THAT(with(Pool::process, model::Strategy::fused), HasSubstr("return parsing.parse(crawler.fetch(item))"));
  EXPECT_THAT(with(Pool::thread, model::Strategy::collect), HasSubstr("[parsing.parse(future.result()) for future in futures]"));
  EXPECT_THAT(with(Pool::thread, model::Strategy::as_completed),
              HasSubstr("for future in as_completed(futures)}\n    results = [parsed[number] for"));
  EXPECT_THAT(with(Pool::process, model::Strategy::map), HasSubstr("pool.map(crawler.fetch, inputs)"));
  EXPECT_THAT(with(Pool::thread, model::Strategy::extra, 2),
              AllOf(HasSubstr("ProcessPoolExecutor(max_workers=2"), HasSubstr("parsers.submit(parsing.parse")));
}

TEST(RecommendPythonCode, AModuleThatIsCalledAsSomethingInTheProgramIsImportedUnderAnotherName) {
  PythonWork work = crawler("results.html:parse");
  work.function = "main:fetch";
  const std::string code = python_snippet(work, {}, {Pool::thread, 4, model::Strategy::collect}, 200);
  EXPECT_THAT(code,
              AllOf(HasSubstr("import main as user_main\nimport results.html as user_results_html\n"),
                    HasSubstr("pool.submit(user_main.fetch, item)"), HasSubstr("[user_results_html.parse(future.result())")));
}

TEST(RecommendPythonCode, NoOtherModuleIsCalledAsTheNameThatOneIsGiven) {
  PythonWork work = crawler("user_main:parse");
  work.function = "main:fetch";
  const std::string code = python_snippet(work, {}, {Pool::thread, 4, model::Strategy::collect}, 200);
  EXPECT_THAT(code, AllOf(HasSubstr("import main as user_main_\nimport user_main\n"),
                          HasSubstr("pool.submit(user_main_.fetch, item)"), HasSubstr("[user_main.parse(future.result())")));
}

TEST(RecommendPythonCode, AwaitsWhatAnAsynchronousCallbackReturns) {
  const PythonWork work = crawler("parsing:parse");
  const auto with = [&](Pool pool, model::Strategy strategy, bool is_async = false) {
    return python_snippet(work, {.is_async = is_async, .callback_is_async = true},
                          {pool, 4, strategy, strategy == model::Strategy::extra ? 2 : 0}, 200);
  };
  EXPECT_THAT(with(Pool::thread, model::Strategy::collect),
              AllOf(HasSubstr("import asyncio\n"), HasSubstr("asyncio.run(parsing.parse(future.result())) for")));
  EXPECT_THAT(with(Pool::thread, model::Strategy::worker),
              HasSubstr("parsed[number] = asyncio.run(parsing.parse(future.result()))\n"));
  EXPECT_THAT(with(Pool::process, model::Strategy::fused), HasSubstr("return asyncio.run(parsing.parse(crawler.fetch(item)))"));
  EXPECT_THAT(with(Pool::thread, model::Strategy::extra),
              AllOf(HasSubstr("def parse_one(result):\n    return asyncio.run(parsing.parse(result))"),
                    HasSubstr("parsers.submit(parse_one, future.result())")));
  EXPECT_THAT(with(Pool::loop, model::Strategy::worker, true),
              HasSubstr("return await parsing.parse(await crawler.fetch(item))"));
  EXPECT_THAT(with(Pool::loop, model::Strategy::collect, true), HasSubstr("[await parsing.parse(result) for result in results]"));
}

TEST(RecommendPythonCode, SaysThatTasksFailedOfWhichOnlyCallbacksWouldHaveHeard) {
  EXPECT_THAT(python_snippet(crawler("crawler:parse"), {}, {Pool::thread, 4, model::Strategy::worker}, 200),
              HasSubstr("    if len(parsed) < len(inputs):\n        raise RuntimeError("));
}

TEST(RecommendPythonCode, HasAsManyTasksAsWereAskedFor) {
  PythonWork work = crawler();
  work.input_count = 6;
  EXPECT_THAT(python_snippet(work, {}, {Pool::thread, 2}, 2), HasSubstr("    inputs = inputs[:2]\n"));
  EXPECT_THAT(python_snippet(work, {}, {Pool::thread, 2}, 13), HasSubstr("    inputs = (inputs * 3)[:13]\n"));
  EXPECT_THAT(python_snippet(work, {}, {Pool::thread, 2}, 6), Not(HasSubstr("inputs[:")));
}

TEST(RecommendPythonCode, ReadsLinesAsTheyWereRead) {
  PythonWork work = crawler();
  work.lone_returns = true;
  EXPECT_THAT(python_snippet(work, {}, {Pool::thread, 2}, 10),
              HasSubstr("open(\"urls.txt\", encoding=\"utf-8\", newline=\"\\n\")"));
  work.inputs_file = "-";
  work.lone_returns = false;
  EXPECT_THAT(python_snippet(work, {}, {Pool::thread, 2}, 10), HasSubstr("open(0, encoding=\"utf-8\", closefd=False)"));
}

TEST(RecommendPythonCode, SetsVariablesBeforeTheImportAndTakesPathsAndJson) {
  PythonWork work = crawler();
  work.environment["OMP_NUM_THREADS"] = "1";
  work.paths = {"/home/somebody", "/home/second", ""};
  work.inputs_file = "urls.jsonl";
  work.json_lines = true;
  const std::string code = python_snippet(work, {}, {Pool::thread, 2}, 10);
  EXPECT_LT(code.find("os.environ[\"OMP_NUM_THREADS\"] = \"1\""), code.find("\nimport crawler"));
  EXPECT_LT(code.find("insert(0, \"/home/second\")"), code.find("insert(0, \"/home/somebody\")")) << "which is to be in front";
  EXPECT_THAT(code, AllOf(HasSubstr("json.loads(line)"), HasSubstr("crawler.fetch(**item) if isinstance(item, dict)")));
  work.inputs_file.clear();
  work.json_lines = false;
  work.range = "1..60";
  EXPECT_THAT(python_snippet(work, {}, {Pool::thread, 2}, 10), HasSubstr("range(1, 60 + 1)"));
}

Question python_question(int tasks, std::int64_t wait_ns, std::int64_t compute_ns) {
  Question q = question(tasks);
  q.title = "crawler:fetch";
  q.workload = "python:crawler:fetch";
  q.variants = {Pool::to_thread, Pool::forkserver, Pool::spawn};
  q.python =
      PythonQuestion{.work = crawler(), .seen = {.profile = profile_with(wait_ns, compute_ns)}, .interpreter = "cpython 3.11"};
  return q;
}

TEST(RecommendPython, TakesProcessesWhereTheGilIsHeldAndSaysSo) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 10 * kMs}, 1);
  machine.process_start_ns = 5 * kMs;
  const Question q = python_question(60, 0, 10 * kMs);
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_TRUE(is_process(chosen(found).pool));
  EXPECT_THAT(text(q, found), AllOf(HasSubstr("holds the GIL for 100 %"), HasSubstr("turns under the GIL"),
                                    HasSubstr("ProcessPoolExecutor(max_workers=2")));
  EXPECT_THAT(json(q, found), AllOf(HasSubstr("\"backend\": \"cpython_process"), HasSubstr("\"gil_share\": 1.0")));
  EXPECT_THAT(markdown(q, found), AllOf(StartsWith("**crawler:fetch**: process pool"), HasSubstr("```python\n")));
}

TEST(RecommendPython, TheGilShowsThoughProcessesWereSlowInTheFirstRuns) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 10 * kMs}, 1);
  machine.processes_disturbed = 3;
  Question q = python_question(60, 0, 10 * kMs);
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_EQ(found.profile.thread.locked_share, 1);
  EXPECT_TRUE(is_process(chosen(found).pool));
  EXPECT_THAT(text(q, found), HasSubstr("holds the GIL for 100 %"));
  ModelMachine other({.wait_ns = 0, .compute_ns = 10 * kMs}, 1);
  other.processes_disturbed = 3;
  q.python->one_lock = false;
  EXPECT_EQ(recommend(q, other, kSilent).profile.thread.locked_share, 0) << "there is none that it could be";
}

TEST(RecommendPython, WhereRunsAreFarOffAnotherStrategyIsRun) {
  ModelMachine machine({.wait_ns = 20 * kMs, .compute_ns = 0}, 0);
  machine.callback = {.compute_ns = 4 * kMs};
  machine.parser_start_ns = 2000 * kMs;  // which the first runs do not show
  Question q = python_question(40, 20 * kMs, 0);
  q.callback = machine.callback;
  q.python->work.callback = "crawler:parse";
  const Recommendation found = recommend(q, machine, kSilent);
  ASSERT_TRUE(std::any_of(found.measured.begin(), found.measured.end(),
                          [](const Measured& run) { return run.choice.strategy == model::Strategy::extra; }));
  EXPECT_NE(chosen(found).strategy, model::Strategy::extra);
  EXPECT_LT(found.measured[found.choice].median_ns, 400 * kMs);
}

TEST(RecommendPython, OnSeveralInterpretersIsOneTableAsCsv) {
  ModelMachine machine({.wait_ns = 10 * kMs, .compute_ns = 0}, 1);
  std::vector<Asked> asked(2, Asked{.question = python_question(20, 10 * kMs, 0), .subject = {}});
  asked[1].question.python->interpreter = "cpython 3.13, of another";
  const Recommendation found = recommend(asked[0].question, machine, kSilent);
  std::istringstream csv(curves_csv(asked, {found, found}));
  std::string line;
  std::getline(csv, line);
  EXPECT_EQ(line, "interpreter,backend,workers,strategy,parsers,hosts,predicted_ns");
  std::size_t rows = 0;
  for (; std::getline(csv, line); ++rows) {
    const bool first = rows < found.curve.size();
    EXPECT_THAT(line, StartsWith(first ? "cpython 3.11," : "\"cpython 3.13, of another\","));
  }
  EXPECT_EQ(rows, 2 * found.curve.size());
}

TEST(RecommendPython, TakesThreadsWhereTheGilIsLetGoAndSaysSo) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 10 * kMs}, 0);
  machine.process_start_ns = 5 * kMs;
  const Question q = python_question(60, 0, 10 * kMs);
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_EQ(chosen(found), (Choice{Pool::thread, 2, model::Strategy::none, 0}));
  EXPECT_THAT(text(q, found), HasSubstr("lets go of the GIL"));
}

TEST(RecommendPython, ThePoolsStartIsPartOfItsTime) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 1 * kMs}, 1);
  machine.process_start_ns = 50 * kMs;
  const Question q = python_question(20, 0, 1 * kMs);
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_TRUE(is_sequential(chosen(found))) << describe(chosen(found));
  EXPECT_THAT(json(q, found), HasSubstr("\"backend\": \"sequential\""));
  for (const Measured& run : found.measured) EXPECT_FALSE(run.choice.pool == Pool::to_thread && run.choice.workers == 1);
}

TEST(RecommendPython, WhatCannotBePickledLeavesProcessesOut) {
  ModelMachine machine({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  Question q = python_question(40, 9 * kMs, 1 * kMs);
  q.pools = {Pool::thread};
  q.variants = {Pool::to_thread};
  q.python->seen.unpicklable = "what it returned cannot be pickled";
  const Recommendation found = recommend(q, machine, kSilent);
  for (const Measured& run : found.measured) EXPECT_FALSE(is_process(run.choice.pool));
  EXPECT_THAT(text(q, found), HasSubstr("fall out: what it returned cannot be pickled"));
}

TEST(RecommendPython, PromisesWhatThePrintedProgramTakes) {
  ModelMachine machine({.wait_ns = 10 * kMs, .compute_ns = 0}, 1);
  Question q = python_question(40, 10 * kMs, 0);
  std::vector<std::string> programs;
  q.python->run_program = [&](const std::string& code, std::chrono::nanoseconds) {
    programs.push_back(code);
    return static_cast<std::int64_t>(programs.size()) * kMs;
  };
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_EQ(programs, std::vector<std::string>(5, python_code(q, found)));
  const std::string words =
      "the program below takes 3.00 ms [1.00 ms, 5.00 ms], without Python's own start: the median of 5 runs of it";
  EXPECT_THAT(text(q, found), HasSubstr("\npromised     the program below takes 3.00 ms [1.00 ms, 5.00 ms]"));
  EXPECT_THAT(markdown(q, found), HasSubstr("* promised: " + words + "\n"));
  EXPECT_THAT(json(q, found), HasSubstr("\"median_ns\": 3000000,\n   \"interval_ns\": ["));
}

TEST(RecommendPython, AProgramThatFailsIsANoteAndNoPromise) {
  ModelMachine machine({.wait_ns = 10 * kMs, .compute_ns = 0}, 1);
  Question q = python_question(40, 10 * kMs, 0);
  q.python->run_program = [](const std::string&, std::chrono::nanoseconds) -> std::int64_t { throw ConfigError("no luck"); };
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_TRUE(found.program.main_ns.empty());
  EXPECT_THAT(found.notes, Contains("the program below was run, and failed: no luck"));
  EXPECT_THAT(text(q, found), Not(HasSubstr("promised")));
  q.python->run_program = [](const std::string&, std::chrono::nanoseconds) -> std::int64_t {
    throw EnvironmentError("no \x1b[31mdirectory");
  };
  EXPECT_THAT(recommend(q, machine, kSilent).notes, Contains("the program below was run, and failed: no \\x1b[31mdirectory"));
}

TEST(RecommendPython, TheBudgetIsKeptForRunsOfTheProgram) {
  Question q = python_question(40, 10 * kMs, 0);
  EXPECT_EQ(reserved_for_program(q, std::chrono::seconds(1)).count(), 0) << "it is not run";
  q.python->run_program = [](const std::string&, std::chrono::nanoseconds) -> std::int64_t { return 1; };
  EXPECT_EQ(reserved_for_program(q, std::chrono::seconds(1)), std::chrono::milliseconds(3600));
  EXPECT_EQ(reserved_for_program(q, std::chrono::seconds(60)), q.budget / 5) << "not all of it";
}

TEST(RecommendPython, TriesTheOtherWaysToStartProcessesOnce) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 10 * kMs}, 1);
  const Recommendation found = recommend(python_question(60, 0, 10 * kMs), machine, kSilent);
  for (const Pool pool : {Pool::forkserver, Pool::spawn}) {
    EXPECT_TRUE(
        std::any_of(found.measured.begin(), found.measured.end(), [&](const Measured& m) { return m.choice.pool == pool; }));
  }
}

}  // namespace
}  // namespace harness::recommend
