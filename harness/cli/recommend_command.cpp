// poolbench recommend: what to use for a workload of the catalogue, for a command, for a function.

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
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
#include "harness/machine/environment.h"
#include "harness/recommend/recommend.h"
#include "harness/recommend/records.h"
#include "harness/sweep/gate.h"
#include "harness/sweep/interrupt.h"
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
  std::string output;
  std::string most_pressure = fmt::format("{}", GateRule{}.most_pressure);
  bool fresh = false;
  bool strict = false;
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

// The pressure that the gate allows is counted in windows of 30 ms: each repetition has one before and one after it, and there are hundreds.
constexpr std::chrono::milliseconds kWindow{30};

recommend::Quiet quiet_of(const RecommendFlags& flags, std::chrono::nanoseconds budget) {
  recommend::Quiet quiet;
  quiet.rule.most_pressure = parse_number(flags.most_pressure, "--max-pressure", 0, 100);
  quiet.rule.window = kWindow;
  quiet.rule.patience = std::min(quiet.rule.patience, std::chrono::floor<std::chrono::seconds>(budget));
  quiet.strict = flags.strict;
  quiet.seams.stop = interrupt_requested;
  return quiet;
}

recommend::Question question_of(const RecommendFlags& flags, workloads::Subject& subject) {
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
  question.quiet = quiet_of(flags, question.budget);
  if (!flags.workload.empty()) {
    const workloads::Workload* const workload = workloads::find_workload(flags.workload);
    if (workload == nullptr || workload->needs().subject) {
      std::vector<std::string> names;
      for (const workloads::Workload* const known : workloads::catalogue()) {
        if (!known->needs().subject) names.emplace_back(known->name());
      }
      throw ConfigError("unknown workload '" + flags.workload + "'" + did_you_mean(flags.workload, names) +
                        "; known: " + join(names) + ", mixed:R of any R");
    }
    refuse(!flags.inputs.empty() || !flags.range.empty(), "--inputs and --range", "--workload: --tasks says how many");
    question.title = flags.workload;
    question.workload = std::string(workload->name());
    question.tasks = static_cast<int>(parse_integer(flags.tasks.empty() ? "200" : flags.tasks, "--tasks", 1, kMostTasks));
    question.task_ns = parse_duration(flags.task).count();
    question.callback_ns = parse_duration(flags.callback).count();
    if (!flags.payload.empty()) question.payload_bytes = parse_bytes(flags.payload);
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

// All that decides what is measured, as JSON text.
std::string question_text(const recommend::Question& question, const workloads::Subject& subject) {
  const nlohmann::ordered_json json = {{"work", question.title},
                                       {"workload", question.workload},
                                       {"tasks", question.tasks},
                                       {"task_ns", question.task_ns},
                                       {"callback_ns", question.callback_ns},
                                       {"payload_bytes", question.payload_bytes},
                                       {"cores", question.cores},
                                       {"most_workers", question.most_workers},
                                       {"seed", question.seed},
                                       {"exhaustive", question.exhaustive},
                                       {"command", subject.command},
                                       {"library", subject.library},
                                       {"inputs", subject.inputs}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

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

int run_recommend(const RecommendFlags& flags, const CommandContext& context) {
  workloads::Subject subject;
  recommend::Question question = question_of(flags, subject);
  if (flags.fresh && flags.output.empty()) throw ConfigError("--fresh applies to a directory, which -o names");
  std::optional<recommend::Records> records;
  if (!flags.output.empty()) {
    records.emplace(recommend::Records::Settings{.directory = flags.output,
                                                 .arguments = context.arguments,
                                                 .environment = read_environment(),
                                                 .question = question_text(question, subject),
                                                 .fresh = flags.fresh});
  }
  std::optional<workloads::Calibration> calibration = records ? records->earlier_calibration() : std::nullopt;
  if (!calibration) calibration = flags.workload.empty() ? workloads::Calibration{} : workloads::calibrate();
  if (records) records->set_calibration(*calibration);
  question.callback = callback_of(question, *calibration);
  Run run({.calibration = calibration, .subject = subject});
  std::optional<recommend::Recommendation> found;
  Line line(stderr_progress());
  try {
    found = run.interruptibly([&](CellRunner& runner) {
      return recommend::recommend(
          question, runner, [&line](const std::string& what, double share) { line.show(what, share); },
          records ? &*records : nullptr);
    });
  } catch (const recommend::Interrupted&) {
    line.clear();
    say(fmt::format("poolbench: interrupted; nothing is recommended{}\n",
                    records ? "; resume with: " + resume_command(context.arguments) : ""));
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
  command->add_flag("--json", flags->json, "One JSON document instead of the text");
  command->callback([flags, &context] { context.action = [flags, &context] { return run_recommend(*flags, context); }; });
}

}  // namespace harness
