#include "harness/cli/recommend_question.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/shell_words.h"
#include "harness/base/text.h"
#include "harness/cli/recommend_inputs.h"
#include "harness/engine/backends/remote.h"
#include "harness/engine/own/inputs.h"
#include "harness/engine/own/own_work.h"
#include "harness/plan/hosts.h"
#include "harness/sweep/interrupt.h"
#include "pools/cores.h"

namespace harness {
namespace {

void refuse(bool given, const char* flag, const char* with) {
  if (given) throw ConfigError(fmt::format("{} does not apply to {}", flag, with));
}

// The pressure that the gate allows is counted in windows of 30 ms: each repetition has one before and one after it, and there are hundreds.
constexpr std::chrono::milliseconds kWindow{30};

// Nothing: every repetition counts, and no window is waited for.
std::optional<recommend::Quiet> quiet_of(const RecommendFlags& flags, std::chrono::nanoseconds budget) {
  recommend::Quiet quiet;
  quiet.rule.most_pressure = parse_number(flags.most_pressure, "--max-pressure", 0, 100);
  quiet.rule.window = kWindow;
  quiet.rule.patience = std::min(quiet.rule.patience, std::chrono::floor<std::chrono::seconds>(budget));
  if (quiet.rule.most_pressure >= 100) return std::nullopt;
  quiet.strict = flags.strict;
  quiet.seams.stop = interrupt_requested;
  return quiet;
}

// The library of "./libx.so:NAME", as it was given.
std::string library_of(const std::string& function) {
  const std::string name = own::require_entry(function).name;
  return name.empty() ? function : function.substr(0, function.size() - name.size() - 1);
}

recommend::Question question_of(const RecommendFlags& flags, workloads::Subject& subject) {
  const int forms = !flags.workload.empty() + !flags.function.empty() + !flags.command.empty() + !flags.python.empty();
  if (forms != 1) {
    throw ConfigError(
        "what is to be recommended for? exactly one of --workload NAME, --python MODULE:FUNCTION, "
        "--function LIBRARY, -- COMMAND {}");
  }
  refuse(!flags.interpreters.empty() && flags.python.empty(), "--interpreter", "what is no Python function");
  refuse(!flags.deadline.empty() && flags.python.empty(), "--deadline", "what is no Python function");
  refuse(!flags.hosts.empty() && !flags.python.empty(), "--hosts", "a Python function, whose pools are this machine's");
  if (!flags.rate.rate.empty()) {
    refuse(flags.interpreters.size() > 1, "--interpreter more than once", "--rate: a server has one");
    refuse(!flags.hosts.empty(), "--hosts", "--rate: pools of this machine are sized");
    refuse(flags.exhaustive, "--exhaustive", "--rate: sizes are run until the least is known");
    refuse(!flags.tasks.empty(), "--tasks", "--rate: as many clients come as the budget has room for");
  }
  recommend::Question question;
  question.cores = pools::usable_cores().count;
  question.budget = parse_duration(flags.budget);
  if (question.budget < std::chrono::seconds(1)) throw ConfigError("--budget '" + flags.budget + "' is too short: 1s and more");
  question.most_workers = static_cast<int>(parse_integer(flags.most_workers, "--max-workers", 1, 4096));
  question.seed = parse_seed(flags.seed);
  question.exhaustive = flags.exhaustive;
  question.quiet = quiet_of(flags, question.budget);
  if (!flags.hosts.empty()) {
    question.over_hosts = backends_over(flags.hosts);
    if (const std::string_view missing = remote_backend().missing(); !missing.empty())
      throw ConfigError(fmt::format("--hosts: {}", missing));
  }
  if (!flags.workload.empty()) {
    const workloads::Workload* const workload = workloads::find_workload(flags.workload);
    if (workload != nullptr && workload->needs().subject) {
      throw ConfigError(fmt::format("the workload '{}' has to be told what to run: it {}", flags.workload, workload->summary()));
    }
    if (workload == nullptr) {
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
    question.tasks = static_cast<int>(parse_integer(flags.tasks.empty() ? "200" : flags.tasks, "--tasks", 1, own::kMostInputs));
    question.task_ns = parse_duration(flags.task).count();
    question.callback_ns = parse_duration(flags.callback).count();
    if (!flags.payload.empty()) question.payload_bytes = parse_bytes(flags.payload);
    return question;
  }
  refuse(!flags.payload.empty(), "--payload", "a command or function");
  if (!flags.python.empty()) {
    question.title = flags.python;
  } else if (!flags.command.empty()) {
    own::require_command(flags.command, true, "the command");
    subject.command = flags.command;
    question.workload = "command";
    for (const std::string& argument : flags.command) question.title += (question.title.empty() ? "" : " ") + argument;
    if (flags.callback != kNoCallback) {
      subject.callback_command = shell_words(flags.callback);
      own::require_command(subject.callback_command, false, "--callback");
      question.callback_workload = "command:" + flags.callback;
    }
  } else {
    const own::Entry entry = own::require_entry(flags.function);
    subject.library = entry.library;
    subject.entry = entry.name;
    question.workload = "function";
    question.title = flags.function;
    if (flags.callback != kNoCallback) {
      const bool elsewhere = flags.callback.find_first_of("/.") != std::string::npos;
      const own::Entry callback =
          elsewhere ? own::require_entry(flags.callback) : own::require_entry(library_of(flags.function) + ":" + flags.callback);
      subject.callback_library = callback.library;
      subject.callback_entry = callback.name;
      question.callback_workload = "function:" + callback.library + (callback.name.empty() ? "" : ":" + callback.name);
    }
  }
  if (!question.callback_workload.empty()) question.title += " and " + flags.callback;
  if (flags.python.empty()) {
    question.own = recommend::OwnQuestion{.subject = subject,
                                          .library = flags.function.empty() ? "" : library_of(flags.function),
                                          .inputs_file = inputs_file(flags.inputs)};
  }
  subject.inputs = inputs_of(inputs_file(flags.inputs), flags.range);
  if (question.own && !flags.range.empty()) question.own->range = range_of(subject.inputs);
  const auto all = static_cast<std::int64_t>(subject.inputs.size());
  question.tasks = static_cast<int>(flags.tasks.empty() ? all : parse_integer(flags.tasks, "--tasks", 1, own::kMostInputs));
  question.inputs = static_cast<int>(std::min<std::int64_t>(question.tasks, all));
  return question;
}

}  // namespace

std::vector<Asked> questions_of(const RecommendFlags& flags) {
  Asked asked;
  asked.question = question_of(flags, asked.subject);
  if (flags.python.empty()) return {std::move(asked)};
  const auto deadline = flags.deadline.empty() ? asked.question.budget : parse_duration(flags.deadline);
  return python_questions({.function = flags.python,
                           .callback = flags.callback == kNoCallback ? "" : flags.callback,
                           .interpreters = flags.interpreters,
                           .inputs_file = inputs_file(flags.inputs),
                           .range = flags.range.empty() ? "" : range_of(asked.subject.inputs),
                           .deadline = deadline,
                           .earlier = flags.fresh ? "" : flags.output},
                          asked.subject.inputs, asked.question);
}

std::string question_text(const recommend::Question& question, const workloads::Subject& subject,
                          const std::optional<recommend::Objective>& objective) {
  nlohmann::ordered_json json = {{"work", question.title},
                                 {"workload", question.workload},
                                 {"tasks", question.tasks},
                                 {"task_ns", question.task_ns},
                                 {"callback_ns", question.callback_ns},
                                 {"payload_bytes", question.payload_bytes},
                                 {"cores", question.cores},
                                 {"most_workers", question.most_workers},
                                 {"over_hosts", question.over_hosts},
                                 {"seed", question.seed},
                                 {"exhaustive", question.exhaustive},
                                 {"command", subject.command},
                                 {"library", subject.library},
                                 {"entry", subject.entry},
                                 {"callback_workload", question.callback_workload},
                                 {"inputs", subject.inputs},
                                 {"python", subject.python},
                                 {"interpreter", question.python ? question.python->interpreter : ""}};
  if (objective) {
    json["arrivals"] = recommend::arrivals_at(*objective, objective->rate_per_s);
    json["slo"] = recommend::bounds_text(*objective);
    json["budget_ns"] = question.budget.count();  // so many clients come
  }
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace harness
