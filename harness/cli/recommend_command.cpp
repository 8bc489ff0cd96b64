// poolbench recommend: what to use for a workload of the catalogue, for a command, for a function.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/cli/formats.h"
#include "harness/cli/recommend_python.h"
#include "harness/cli/recommend_question.h"
#include "harness/cli/recommend_rate.h"
#include "harness/machine/environment.h"
#include "harness/recommend/recommend.h"
#include "harness/recommend/records.h"
#include "harness/recommend/serve.h"
#include "harness/sweep/run.h"
#include "harness/sweep/run_directory.h"
#include "harness/sweep/sinks/progress.h"
#include "workloads/work.h"

namespace harness {
namespace {

// What a callback of a workload of the catalogue demands, which depends on how fast this machine computes.
model::Demand callback_of(const recommend::Question& question, const workloads::Calibration& calibration) {
  if (question.callback_ns == 0) return {};
  const workloads::Workload& workload = *workloads::find_workload(question.workload);
  const workloads::Work task = workloads::make_work(
      workload, {.duration = std::chrono::nanoseconds(question.task_ns), .payload_bytes = question.payload_bytes, .seed = 0},
      calibration);
  const workloads::Workload& callback = *workloads::find_workload(workload.callback(task));
  const workloads::Demand demand =
      callback.demand(workloads::make_work(callback, {.duration = std::chrono::nanoseconds(question.callback_ns)}, calibration),
                      calibration);
  return {.wait_ns = demand.wait_ns, .compute_ns = demand.compute_ns};
}

// One line on stderr, redrawn on a terminal; elsewhere nothing, unless every step is asked for.
class Line {
 public:
  explicit Line(ProgressOptions options) : options_(std::move(options)) {}
  void show(const std::string& what, double share) {
    const std::string line = fmt::format("{:3.0f} %  {}", std::min(100.0, 100 * share), what);
    if (options_.verbosity == Verbosity::verbose) {
      if (what != last_) options_.write(line + '\n');
      last_ = what;
    } else if (options_.animated && options_.verbosity != Verbosity::quiet) {
      line_.draw(line);
    }
  }
  void clear() { line_.clear(); }

 private:
  ProgressOptions options_;
  LiveLine line_{options_};
  std::string last_;
};

// Of the question, what `find`(question, runner, progress, records) finds. Nothing when it was interrupted.
template <class Find>
auto answer_to(Asked& asked, const RecommendFlags& flags, const std::optional<recommend::Objective>& objective,
               const CommandContext& context, Find&& find)
    -> std::optional<std::invoke_result_t<Find, recommend::Question&, CellRunner&, recommend::Progress, recommend::Records*>> {
  recommend::Question& question = asked.question;
  std::optional<recommend::Records> records;
  if (!flags.output.empty()) {
    records.emplace(recommend::Records::Settings{.directory = flags.output,
                                                 .arguments = context.arguments,
                                                 .environment = read_environment(),
                                                 .question = question_text(question, asked.subject, objective),
                                                 .fresh = flags.fresh,
                                                 .looks = asked.looks});
  }
  std::optional<workloads::Calibration> calibration = records ? records->earlier_calibration() : std::nullopt;
  if (!calibration) {
    calibration = flags.workload.empty() ? workloads::Calibration{} : workloads::calibrate();
    if (!flags.workload.empty())
      detail(fmt::format("calibration: a millisecond of spin is {:.0f} steps\n", 1e6 * calibration->spin_units_per_ns));
  }
  if (records) records->set_calibration(*calibration);
  if (!question.python) question.callback = callback_of(question, *calibration);
  asked.subject.spread_over = question.inputs;
  Run run({.calibration = calibration, .subject = asked.subject});
  Line line(stderr_progress());
  try {
    return run.interruptibly([&](CellRunner& runner) {
      return find(
          question, runner, [&line](const std::string& what, double share) { line.show(what, share); },
          records ? &*records : nullptr);
    });
  } catch (const recommend::Interrupted&) {
    line.clear();
    say(fmt::format("poolbench: interrupted; nothing is recommended{}\n",
                    records ? "; resume with: " + resume_command(context.arguments) : ""));
    return std::nullopt;
  } catch (const ConfigError&) {
    line.clear();
    // A process that is gone says no more on which input it was.
    if (question.python) blame_input(asked, flags.deadline.empty() ? question.budget : parse_duration(flags.deadline));
    throw;
  }
}

// What was found is the last of `parts`.
template <class... Parts>
std::string document_of(const RecommendFlags& flags, const Asked& asked, const Parts&... parts) {
  if (flags.format.text()) return recommend::text(asked.question, parts..., text_look());
  if (flags.format.markdown) return recommend::markdown(asked.question, parts...);
  return in_format(flags.format, recommend::json(asked.question, parts...), "curve");
}

// " [198 ms, 203 ms]"; of what is predicted there is none.
std::string interval_of(const recommend::Recommendation& found) {
  if (found.all) return found.all->makespans_ns.empty() ? ", predicted" : "";
  return " " + recommend::interval_text(found.measured[found.choice]);
}

// Clients who come again and again want no batch's size: there is no number of tasks, and the inputs are taken in turns.
int recommend_for_rate(const RecommendFlags& flags, const recommend::Objective& objective, const CommandContext& context) {
  Asked asked = std::move(questions_of(flags).front());
  // How many clients come follows from the budget, and is not to depend on how long the function took to be looked at.
  if (asked.question.python) asked.question.budget = budget_after_looking(parse_duration(flags.budget));
  constexpr int kLooked = 200;  // at most, of the first runs
  asked.question.tasks = std::max(asked.question.tasks, kLooked);
  asked.question.inputs = 0;  // in turns, however few come
  const std::optional<recommend::Serving> found =
      answer_to(asked, flags, objective, context,
                [&objective](recommend::Question& question, CellRunner& runner, const recommend::Progress& progress,
                             recommend::Records* records) {
                  return recommend::serve(question, objective, runner, progress, records);
                });
  if (!found) return kExitInterrupted;
  write_stdout(document_of(flags, asked, objective, *found));
  return found->kept ? kExitOk : kExitCheckFailed;
}

int run_recommend(const RecommendFlags& flags, const CommandContext& context) try {
  if (flags.fresh && flags.output.empty()) throw ConfigError("--fresh applies to a directory, which -o names");
  if (flags.interpreters.size() > 1 && !flags.output.empty()) {
    throw ConfigError("-o keeps the runs of one interpreter; --interpreter was given " +
                      std::to_string(flags.interpreters.size()) + " times");
  }
  if (const auto objective = objective_of(flags.rate)) return recommend_for_rate(flags, *objective, context);
  std::vector<Asked> all = questions_of(flags);
  std::vector<recommend::Recommendation> found;
  for (Asked& asked : all) {
    std::optional<recommend::Recommendation> answer = answer_to(asked, flags, {}, context, recommend::recommend);
    if (!answer) return kExitInterrupted;
    found.push_back(std::move(*answer));
  }
  const auto best = static_cast<std::size_t>(
      std::min_element(found.begin(), found.end(),
                       [](const auto& a, const auto& b) { return recommend::time_of_choice(a) < recommend::time_of_choice(b); }) -
      found.begin());
  if (found.size() > 1 && flags.format.csv) {
    write_stdout(curves_csv(all, found));
    return kExitOk;
  }
  std::string out = document_of(flags, all[best], found[best]);
  if (found.size() > 1 && !flags.format.json) {
    out += "\n";
    for (std::size_t at = 0; at < found.size(); ++at) {
      out += fmt::format("{}: {}: {}{}\n", all[at].question.python->interpreter, describe(choice_of(found[at])),
                         human_ns(recommend::time_of_choice(found[at])), interval_of(found[at]));
    }
  }
  write_stdout(out);
  return kExitOk;
} catch (const recommend::PythonError& error) {
  for (const std::string& traced : error.traceback()) say(traced + '\n');
  throw;
}

}  // namespace

void add_recommend_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand(
      "recommend",
      "Which pool, how many workers: for a workload, your Python function, your command (-- ./convert {}), your function");
  const auto flags = std::make_shared<RecommendFlags>();
  command->add_option("--workload", flags->workload, "A workload of the catalogue")->check(not_empty());
  command
      ->add_option("--function", flags->function,
                   "A shared object that exports poolbench_task (workloads/function_entry.h); or FILE:ENTRY")
      ->check(not_empty());
  command
      ->add_option(
          "--python", flags->python,
          "MODULE:FUNCTION, called once per input; the module is in the working directory, installed, or a path: x/y.py:f")
      ->check(not_empty());
  command
      ->add_option("--interpreter", flags->interpreters,
                   "Of a Python function: on this Python [the PATH's python3]; more than once: on each, and the best is told")
      ->check(not_empty());
  command->add_option("--deadline", flags->deadline, "Of a Python function: within which one call has to end [the budget]")
      ->check(not_empty());
  command->add_option("command", flags->command, "After --: the program and its arguments; {} stands for an input. No shell");
  command
      ->add_option(
          "--inputs", flags->inputs,
          "Of work of your own: a file with one input per line; - for standard input; of Python, .jsonl: a JSON value per line")
      ->check(not_empty());
  command
      ->add_option("--range", flags->range,
                   "Of work of your own: the numbers FIRST..LAST are the inputs; a Python function has them as strings")
      ->check(not_empty());
  command->add_option("--tasks", flags->tasks, "How many tasks the job has; default: all inputs, or 200")->check(not_empty());
  command->add_option("--task", flags->task, "Of a workload: a task's duration")->capture_default_str();
  command
      ->add_option(
          "--callback", flags->callback,
          "Of a workload: a callback's duration; of a Python function: MODULE:FUNCTION, called with what it returns; of a "
          "command (before --): another, whose standard input is what it prints; of a shared object: one more of its entries")
      ->capture_default_str();
  command->add_option("--payload", flags->payload, "Of a workload: bytes")->check(not_empty());
  command->add_option("--budget", flags->budget, "Time for all of it, but for waiting until the machine is quiet")
      ->capture_default_str();
  command->add_option("--max-workers", flags->most_workers, "No more workers than so many; of --hosts, on each")
      ->capture_default_str();
  command->add_option("--seed", flags->seed, "Of the order of the runs")->capture_default_str();
  add_rate_options(*command, flags->rate);
  command->add_option("--hosts", flags->hosts, "a,b,c: pools over one of these hosts, two, ... are candidates, too")
      ->check(not_empty());
  command
      ->add_option("--max-pressure", flags->most_pressure,
                   "Percent of its time in which tasks may wait for a CPU while a repetition counts; 100: all count")
      ->capture_default_str();
  command->add_flag("--strict", flags->strict, "Recommend nothing on a machine that does not become quiet: exit code 4");
  command
      ->add_option("-o,--output", flags->output,
                   "Keep the rows, the curve and the answer there; the same question there is resumed")
      ->check(not_empty());
  command->add_flag("--fresh", flags->fresh, "Rename the old output directory and start anew");
  command->add_flag("--exhaustive", flags->exhaustive,
                    "Afterwards run every point of the curve, and say how far the choice is from the best");
  add_format_flags(*command, flags->format);
  add_colour_flag(*command, context);
  add_verbosity_flags(*command, context);
  command->callback([flags, &context] { context.action = [flags, &context] { return run_recommend(*flags, context); }; });
}

}  // namespace harness
