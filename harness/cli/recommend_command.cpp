// poolbench recommend: what to use for a workload of the catalogue, for a command, for a function.

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/read_file.h"
#include "harness/base/text.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/engine/backends/remote.h"
#include "harness/plan/hosts.h"
#include "harness/recommend/recommend.h"
#include "harness/sweep/run.h"
#include "harness/sweep/sinks/progress.h"
#include "pools/cores.h"
#include "workloads/work.h"

namespace harness {
namespace {

struct RecommendFlags {
  std::string workload;
  std::string function;
  std::vector<std::string> command;
  std::string inputs;
  std::string range;
  std::string tasks;
  std::string task = "20ms";
  std::string callback = "0s";
  std::string payload;
  std::string budget = "60s";
  std::string most_workers = "64";
  std::string seed = "1";
  std::string hosts;
  bool exhaustive = false;
  bool json = false;
};

constexpr std::int64_t kMostTasks = 100'000;

// The non-empty lines.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.emplace_back(line);
    if (static_cast<std::int64_t>(lines.size()) > kMostTasks) {
      throw ConfigError(fmt::format("more than {} inputs; give a sample of them", kMostTasks));
    }
  }
  return lines;
}

std::vector<std::string> range_of(const std::string& text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos) throw ConfigError("--range '" + text + "' is not of the form FIRST..LAST, two whole numbers");
  constexpr std::int64_t kMostInput = 1'000'000'000'000;
  const std::int64_t first = parse_integer(text.substr(0, dots), "--range's first number", 0, kMostInput);
  const std::int64_t last = parse_integer(text.substr(dots + 2), "--range's last number", 0, kMostInput);
  if (last < first) throw ConfigError("--range '" + text + "' is empty: its last number is below its first");
  if (last - first >= kMostTasks) throw ConfigError(fmt::format("--range '{}' holds more than {} inputs", text, kMostTasks));
  std::vector<std::string> numbers;
  for (std::int64_t number = first; number <= last; ++number) numbers.push_back(std::to_string(number));
  return numbers;
}

// What a command or function is to work on.
std::vector<std::string> inputs_of(const RecommendFlags& flags) {
  if (!flags.range.empty() && !flags.inputs.empty()) throw ConfigError("--inputs and --range exclude each other");
  if (!flags.range.empty()) return range_of(flags.range);
  if (flags.inputs.empty())
    throw ConfigError("inputs are missing: --inputs FILE (one per line; - for standard input) or --range FIRST..LAST");
  const bool from_stdin = flags.inputs == "-";
  const std::string text =
      from_stdin ? read_stdin("list of inputs", kMostInputBytes) : read_file(flags.inputs, "list of inputs", kMostInputBytes);
  if (text.find('\0') != std::string::npos)
    throw ConfigError("the inputs in '" + flags.inputs + "' hold a NUL byte; allowed: one per line");
  std::vector<std::string> inputs = lines_of(text);
  if (inputs.empty()) throw ConfigError("'" + flags.inputs + "' holds no inputs: one per line");
  return inputs;
}

// Executable by name along PATH, as execvp finds it. Only for a better message: the truth comes out when it is run.
bool can_be_executed(const std::string& program) {
  if (program.find('/') != std::string::npos)
    return ::access(program.c_str(), X_OK) == 0 && !std::filesystem::is_directory(program);
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (true) {
    const std::size_t colon = rest.find(':');
    const std::filesystem::path candidate = std::filesystem::path(rest.substr(0, colon)) / program;
    if (::access(candidate.c_str(), X_OK) == 0 && !std::filesystem::is_directory(candidate)) return true;
    if (colon == std::string_view::npos) return false;
    rest.remove_prefix(colon + 1);
  }
}

void refuse(bool given, const char* flag, const char* with) {
  if (given) throw ConfigError(fmt::format("{} does not apply to {}", flag, with));
}

recommend::Question question_of(const RecommendFlags& flags, workloads::Subject& subject, workloads::Calibration& calibration) {
  const int forms = !flags.workload.empty() + !flags.function.empty() + !flags.command.empty();
  if (forms != 1) {
    throw ConfigError("what is to be recommended for? exactly one of --workload NAME, --function LIBRARY, -- COMMAND {}");
  }
  recommend::Question question;
  question.cores = pools::usable_cores().count;
  question.budget = parse_duration(flags.budget);
  if (question.budget < std::chrono::seconds(1)) throw ConfigError("--budget '" + flags.budget + "' is too short: 1s and more");
  question.most_workers = static_cast<int>(parse_integer(flags.most_workers, "--max-workers", 1, 4096));
  question.seed = parse_seed(flags.seed);
  question.exhaustive = flags.exhaustive;
  if (!flags.hosts.empty()) {
    question.over_hosts = backends_over(flags.hosts);
    if (const std::string_view missing = remote_backend().missing(); !missing.empty())
      throw ConfigError(fmt::format("--hosts: {}", missing));
  }
  if (!flags.workload.empty()) {
    const workloads::Workload* const workload = workloads::find_workload(flags.workload);
    if (workload == nullptr || workload->needs().subject) {
      std::vector<std::string> names;
      for (const workloads::Workload* const known : workloads::catalogue()) {
        if (!known->needs().subject) names.emplace_back(known->name());
      }
      throw ConfigError("unknown workload '" + flags.workload + "'" + did_you_mean(flags.workload, names) +
                        "; known: " + join(names));
    }
    refuse(!flags.inputs.empty() || !flags.range.empty(), "--inputs and --range", "--workload: --tasks says how many");
    question.title = flags.workload;
    question.workload = std::string(workload->name());
    question.tasks = static_cast<int>(parse_integer(flags.tasks.empty() ? "200" : flags.tasks, "--tasks", 1, kMostTasks));
    question.task_ns = parse_duration(flags.task).count();
    question.callback_ns = parse_duration(flags.callback).count();
    if (!flags.payload.empty()) question.payload_bytes = parse_bytes(flags.payload);
    calibration = workloads::calibrate();
    if (question.callback_ns > 0) {
      const workloads::Work task = workloads::make_work(
          *workload, {.duration = std::chrono::nanoseconds(question.task_ns), .payload_bytes = question.payload_bytes, .seed = 0},
          calibration);
      const workloads::Workload& callback = *workloads::find_workload(workload->callback(task));
      const workloads::Demand demand = callback.demand(
          workloads::make_work(callback, {.duration = std::chrono::nanoseconds(question.callback_ns)}, calibration), calibration);
      question.callback = {.wait_ns = demand.wait_ns, .compute_ns = demand.compute_ns};
    }
    return question;
  }
  refuse(flags.callback != "0s", "--callback", "a command or function");
  refuse(!flags.payload.empty(), "--payload", "a command or function");
  if (!flags.command.empty()) {
    if (std::none_of(flags.command.begin(), flags.command.end(),
                     [](const std::string& a) { return a.find("{}") != std::string::npos; })) {
      throw ConfigError("the command has no {} to put the input in: " + join(flags.command));
    }
    if (flags.command.front().find("{}") == std::string::npos && !can_be_executed(flags.command.front())) {
      throw ConfigError("cannot execute '" + flags.command.front() + "': it is not there, or not executable");
    }
    subject.command = flags.command;
    question.workload = "command";
    for (const std::string& argument : flags.command) question.title += (question.title.empty() ? "" : " ") + argument;
  } else {
    std::error_code error;
    subject.library = std::filesystem::absolute(flags.function, error).string();
    if (!std::filesystem::is_regular_file(flags.function, error))
      throw ConfigError("there is no shared object '" + flags.function + "'");
    question.workload = "function";
    question.title = flags.function;
  }
  subject.inputs = inputs_of(flags);
  const auto all = static_cast<std::int64_t>(subject.inputs.size());
  question.tasks = static_cast<int>(flags.tasks.empty() ? all : parse_integer(flags.tasks, "--tasks", 1, kMostTasks));
  return question;
}

// One line on stderr, redrawn on a terminal; elsewhere nothing.
class Line {
 public:
  explicit Line(ProgressOptions options) : options_(std::move(options)) {}
  ~Line() { clear(); }
  void show(const std::string& what, double share) {
    if (!options_.animated) return;
    std::string line = fmt::format("{:3.0f} %  {}", std::min(100.0, 100 * share), what);
    if (options_.width > 1 && line.size() >= static_cast<std::size_t>(options_.width))
      line.resize(static_cast<std::size_t>(options_.width) - 1);
    options_.write("\r\x1b[K" + line);
    drawn_ = true;
  }
  void clear() {
    if (drawn_) options_.write("\r\x1b[K");
    drawn_ = false;
  }

 private:
  ProgressOptions options_;
  bool drawn_ = false;
};

int run_recommend(const RecommendFlags& flags) {
  workloads::Subject subject;
  workloads::Calibration calibration;
  const recommend::Question question = question_of(flags, subject, calibration);
  Run run({.calibration = calibration, .subject = subject});
  std::optional<recommend::Recommendation> found;
  Line line(stderr_progress());
  try {
    found = run.interruptibly([&](CellRunner& runner) {
      return recommend::recommend(question, runner, [&line](const std::string& what, double share) { line.show(what, share); });
    });
  } catch (const recommend::Interrupted&) {
    line.clear();
    say("poolbench: interrupted; nothing is recommended\n");
    return kExitInterrupted;
  }
  line.clear();
  write_stdout(flags.json ? recommend::json(question, *found) : recommend::text(question, *found));
  return kExitOk;
}

}  // namespace

void add_recommend_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command =
      app.add_subcommand("recommend",
                         "Which pool, how many workers: for a workload, for your command (-- ./convert {}) or for your function");
  const auto flags = std::make_shared<RecommendFlags>();
  command->add_option("--workload", flags->workload, "A workload of the catalogue")->check(not_empty());
  command->add_option("--function", flags->function, "A shared object that exports poolbench_task (workloads/function_entry.h)")
      ->check(not_empty());
  command->add_option("command", flags->command, "After --: the program and its arguments; {} stands for an input. No shell");
  command->add_option("--inputs", flags->inputs, "Of a command or function: a file with one input per line; - for standard input")
      ->check(not_empty());
  command->add_option("--range", flags->range, "Of a command or function: the numbers FIRST..LAST are the inputs")
      ->check(not_empty());
  command->add_option("--tasks", flags->tasks, "How many tasks the job has; default: all inputs, or 200")->check(not_empty());
  command->add_option("--task", flags->task, "Of a workload: a task's duration")->capture_default_str();
  command->add_option("--callback", flags->callback, "Of a workload: a callback's duration")->capture_default_str();
  command->add_option("--payload", flags->payload, "Of a workload: bytes")->check(not_empty());
  command->add_option("--budget", flags->budget, "Time for all of it")->capture_default_str();
  command->add_option("--max-workers", flags->most_workers, "No more workers than so many")->capture_default_str();
  command->add_option("--seed", flags->seed, "Of the order of the runs")->capture_default_str();
  command->add_option("--hosts", flags->hosts, "a,b,c: pools over one of these hosts, two, ... are candidates, too")
      ->check(not_empty());
  command->add_flag("--exhaustive", flags->exhaustive,
                    "Afterwards run every point of the curve, and say how far the choice is from the best");
  command->add_flag("--json", flags->json, "One JSON document instead of the text");
  command->callback([flags, &context] { context.action = [flags] { return run_recommend(*flags); }; });
}

}  // namespace harness
