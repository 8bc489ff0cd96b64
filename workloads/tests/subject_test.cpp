// What only the user can give: a command and a function.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "workloads/work.h"

namespace workloads {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const Calibration kSubjectRates{1, 1, 1, 1, 1};

Work work_of(const char* workload, std::uint32_t index = 0) {
  return make_work(*find_workload(workload), {.seed = 1, .index = index}, kSubjectRates);
}

Outcome run_command(std::vector<std::string> command, std::vector<std::string> inputs, std::uint32_t index = 0) {
  const RunContext context{.subject = {.command = std::move(command), .library = {}, .inputs = std::move(inputs)}};
  return execute(work_of("command", index), context);
}

std::string failure(const RunContext& context, const Work& work) {
  try {
    execute(work, context);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

std::string failure_of(std::vector<std::string> command, std::vector<std::string> inputs) {
  return failure({.subject = {.command = std::move(command), .library = {}, .inputs = std::move(inputs)}}, work_of("command"));
}

TEST(Command, RunsWithTheInputInThePlaceOfTheBraces) {
  EXPECT_NO_THROW(run_command({"test", "a-x-b-x", "=", "a-{}-b-{}"}, {"x"}));
  EXPECT_NO_THROW(run_command({"test", "{}", "=", "two"}, {"one", "two", "three"}, 1));
  EXPECT_NO_THROW(run_command({"test", "{}", "=", "one"}, {"one", "two"}, 2));  // from the first again
}

TEST(Command, TakesNoShell) { EXPECT_NO_THROW(run_command({"test", "{}", "=", "$HOME; exit 1"}, {"$HOME; exit 1"})); }

TEST(Command, CountsTheCpuTimeOfTheChild) {
  const Outcome outcome = run_command({"sh", "-c", "i=0; while [ $i -lt {} ]; do i=$((i+1)); done"}, {"20000"});
  EXPECT_GT(outcome.cpu_ns, 1'000'000);
}

// As many as there are cores and one more compute at the same time, so that somebody is always kept off.
TEST(Command, KnowsHowLongTheChildWasKeptOffACpu) {
  if (!std::ifstream("/proc/self/schedstat")) GTEST_SKIP() << "the kernel does not say";
  const unsigned count = std::thread::hardware_concurrency() + 1;
  std::vector<Outcome> outcomes(count);
  std::vector<std::jthread> threads;
  for (unsigned thread = 0; thread < count; ++thread) {
    threads.emplace_back([&outcome = outcomes[thread]] {
      outcome = run_command({"sh", "-c", "i=0; while [ $i -lt {} ]; do i=$((i+1)); done"}, {"200000"});
    });
  }
  threads.clear();
  std::int64_t delayed_ns = 0;
  for (const Outcome& outcome : outcomes) {
    delayed_ns += outcome.delayed_ns;
    EXPECT_LE(outcome.delayed_ns, outcome.finished_ns - outcome.started_ns);
  }
  EXPECT_GT(delayed_ns, 1'000'000);
}

TEST(Command, AStatusOtherThanZeroIsAnErrorWithTheEndOfStandardError) {
  EXPECT_THAT(failure_of({"sh", "-c", "echo first >&2; echo last words >&2; exit {}"}, {"7"}),
              AllOf(HasSubstr("exited with status 7"), HasSubstr("input '7'"), HasSubstr("last words")));
  EXPECT_THAT(failure_of({"sh", "-c", "kill -{} $$"}, {"KILL"}), HasSubstr("signal 9"));
}

TEST(Command, WhatCannotBeExecutedIsAnErrorThatNamesIt) {
  EXPECT_THAT(failure_of({"/nonexistent/program", "{}"}, {"1"}),
              AllOf(HasSubstr("/nonexistent/program"), HasSubstr("No such file")));
  EXPECT_THAT(failure_of({"/", "{}"}, {"1"}), HasSubstr("Permission denied"));
}

TEST(Command, NeedsACommandAndInputs) {
  EXPECT_THAT(failure({}, work_of("command")), HasSubstr("no command"));
  EXPECT_THAT(failure_of({"true"}, {}), HasSubstr("no inputs"));
}

TEST(Command, KeepsWhatItPrintsOnlyForACallback) {
  RunContext context{.subject = {.command = {"sh", "-c", "printf 'a\\nb '; echo {}"}, .inputs = {"one", "two"}}};
  EXPECT_EQ(execute(work_of("command", 1), context).body, "");
  context.subject.callback_command = {"grep", "-qx", "b {}"};
  const Outcome task = execute(work_of("command", 1), context);
  EXPECT_EQ(task.body, "a\nb two\n");
  EXPECT_NO_THROW(execute(work_of("command_callback", 1), context, task.body));
  EXPECT_THAT([&] { execute(work_of("command_callback", 0), context, task.body); },
              testing::ThrowsMessage<std::runtime_error>(
                  AllOf(HasSubstr("'grep' exited with status 1"), HasSubstr("input 'one'"))));
}

TEST(Command, GivesACallbackWhateverSizeItsInputHas) {
  RunContext context{.subject = {.command = {"head", "-c", "{}", "/dev/zero"}, .inputs = {"1000000"}}};
  context.subject.callback_command = {"sh", "-c", "test $(wc -c) = {}"};
  EXPECT_NO_THROW(execute(work_of("command_callback"), context, execute(work_of("command"), context).body));
  context.subject.inputs = {"70000000"};
  EXPECT_THAT([&] { execute(work_of("command"), context); }, testing::ThrowsMessage<std::runtime_error>(HasSubstr(
                                                                 "'head' printed 70000000 bytes; a callback is given at most")));
}

TEST(Command, ManyThreadsAtOnceStartAndReapTheirOwn) {
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([] {
      for (int run = 0; run < 25; ++run) run_command({"test", "{}", "=", "x"}, {"x"});
    });
  }
  threads.clear();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Function, IsCalledWithItsInput) {
  const RunContext context{.subject = {.command = {}, .library = EXAMPLE_FUNCTION, .inputs = {"1000"}}};
  EXPECT_NO_THROW(execute(work_of("function"), context));
  const RunContext wrong{.subject = {.command = {}, .library = EXAMPLE_FUNCTION, .inputs = {"many"}}};
  EXPECT_THAT(failure(wrong, work_of("function")), AllOf(HasSubstr("returned 1"), HasSubstr("'many'")));
}

TEST(Function, GivesItsResultToTheCallbackOfTheObject) {
  RunContext context{.subject = {.library = EXAMPLE_FUNCTION, .inputs = {"1000"}}};
  EXPECT_EQ(execute(work_of("function"), context).body, "");
  context.subject.callback_library = EXAMPLE_FUNCTION;
  EXPECT_EQ(execute(work_of("function"), context).body, "168");
  EXPECT_NO_THROW(execute(work_of("function_callback"), context, "168"));
  EXPECT_THAT([&] { execute(work_of("function_callback"), context, "!"); },
              testing::ThrowsMessage<std::runtime_error>(HasSubstr("poolbench_callback returned 1")));
  context.subject.callback_entry = "another";
  EXPECT_THAT([&] { execute(work_of("function_callback"), context, "168"); },
              testing::ThrowsMessage<std::runtime_error>(
                  HasSubstr("no entry point another(const char* input, const char* result")));
}

TEST(Own, NamesAreWorkloads) {
  for (const std::string name : {"python:crawler:fetch", "command:./convert {}", "function:./libx.so"}) {
    ASSERT_NE(find_workload(name), nullptr) << name;
    EXPECT_EQ(find_workload(name)->name(), name);
    EXPECT_EQ(find_workload(name), find_workload(name));
    EXPECT_TRUE(find_workload(name)->needs().subject);
  }
  EXPECT_EQ(find_workload("command:ls {}")->as_callback().name(), "command_callback");
  EXPECT_EQ(find_workload("function:./libx.so")->as_callback().name(), "function_callback");
  EXPECT_EQ(find_workload("python:a:b")->as_callback().name(), "python_callback");
  for (const char* const name : {"command:", "function:", "python:", "python:a:", "shell:ls"})
    EXPECT_EQ(find_workload(name), nullptr) << name;
}

TEST(Function, WhatCannotBeLoadedIsAnErrorThatNamesIt) {
  EXPECT_THAT(failure({.subject = {.command = {}, .library = "/nonexistent.so", .inputs = {"1"}}}, work_of("function")),
              HasSubstr("/nonexistent.so"));
  EXPECT_THAT(failure({.subject = {.command = {}, .library = "libm.so.6", .inputs = {"1"}}}, work_of("function")),
              HasSubstr("no entry point poolbench_task"));
}

}  // namespace
}  // namespace workloads
