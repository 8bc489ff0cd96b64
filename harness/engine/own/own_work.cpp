#include "harness/engine/own/own_work.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <system_error>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/shell_words.h"
#include "harness/base/text.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/drivers/programs.h"
#include "harness/engine/own/inputs.h"
#include "harness/engine/own/python_names.h"
#include "harness/engine/strategies/strategy.h"

namespace harness::own {
namespace {

bool is_python(std::string_view workload) { return workload.starts_with(kPython); }

// What follows the kind.
std::string rest_of(std::string_view workload) { return std::string(workload.substr(workload.find(':') + 1)); }

bool can_be_executed(const std::string& program) {
  if (program.find('/') == std::string::npos) return drivers::find_program(program).has_value();
  std::error_code error;
  return std::filesystem::is_regular_file(program, error) && ::access(program.c_str(), X_OK) == 0;
}

std::vector<std::string> command_of(Role role, std::string_view workload) {
  std::vector<std::string> command = shell_words(rest_of(workload));
  require_command(command, role == Role::task, fmt::format("'{}'", workload));
  return command;
}

}  // namespace

void require_command(const std::vector<std::string>& command, bool needs_input, std::string_view what) {
  const bool has_input = std::ranges::any_of(command, [](const std::string& a) { return a.find("{}") != std::string::npos; });
  if (needs_input && !has_input) throw ConfigError(fmt::format("{} has no {{}} to put the input in: {}", what, join(command)));
  if (command.front().find("{}") == std::string::npos && !can_be_executed(command.front())) {
    throw ConfigError(fmt::format("cannot execute '{}': it is not there, or not executable", command.front()));
  }
}

Entry require_entry(const std::string& text) {
  Entry entry{text, {}};
  std::error_code error;
  const std::size_t colon = text.rfind(':');
  if (colon != std::string::npos && !std::filesystem::exists(text, error)) {
    entry = {text.substr(0, colon), text.substr(colon + 1)};
    const auto of_a_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
    if (entry.name.empty() || !std::ranges::all_of(entry.name, of_a_name))
      throw ConfigError(fmt::format("'{}' names no function of a shared object; allowed: ./libx.so, ./libx.so:NAME", text));
  }
  if (!std::filesystem::is_regular_file(entry.library, error))
    throw ConfigError("there is no shared object '" + entry.library + "'");
  entry.library = std::filesystem::absolute(entry.library, error).string();
  return entry;
}

void require(Role role, std::string_view what, const std::string& text) {
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' '; }))
    throw ConfigError(
        fmt::format("{} '{}' has a control character, which no row of results can hold", what, printable(text, 60)));
  if (text.starts_with(kCommand)) {
    command_of(role, text);
  } else if (text.starts_with(kFunction)) {
    require_entry(rest_of(text));
  } else {
    std::vector<std::string> paths;
    python_name(fmt::format("{} {}", what, kPython), rest_of(text), paths);
  }
}

std::string skip_reason(const Factors& factors) {
  if (!is_own(factors.workload)) {
    return "'" + factors.workload +
           "' says not which: " + "python:MODULE:FUNCTION, command:PROGRAM {}, function:LIBRARY, with inputs = \"FILE\"";
  }
  const bool python = is_python(factors.workload);
  if (python && drivers::known_backend(factors.backend) == nullptr)
    return factors.backend + ": only CPython's executors run functions of Python's";
  if (!has_callbacks(factors.strategy)) return {};
  if (python && factors.callback_workload.empty())
    return factors.strategy + " has callbacks, and no callback_workload says what they do";
  if (!factors.callback_workload.empty() && python != is_python(factors.callback_workload))
    return fmt::format("what {} gives cannot be given to {}", factors.workload, factors.callback_workload);
  return {};
}

workloads::Subject subject_of(const Factors& factors) {
  workloads::Subject subject;
  subject.inputs = suite_inputs(factors.inputs);
  const std::string& callback = factors.callback_workload;
  if (is_python(factors.workload)) {
    std::vector<std::string> paths{""};
    const std::string function = python_name(std::string(kPython), rest_of(factors.workload), paths);
    const std::string parse = callback.empty() ? std::string() : python_name(std::string(kPython), rest_of(callback), paths);
    subject.python =
        python_code(function, parse, paths, inputs_json(subject.inputs, factors.inputs.ends_with(".jsonl"), factors.inputs));
    return subject;
  }
  if (factors.workload.starts_with(kCommand)) {
    subject.command = command_of(Role::task, factors.workload);
  } else {
    const Entry entry = require_entry(rest_of(factors.workload));
    subject.library = entry.library;
    subject.entry = entry.name;
  }
  if (callback.starts_with(kCommand)) subject.callback_command = command_of(Role::callback, callback);
  if (callback.starts_with(kFunction)) {
    const Entry entry = require_entry(rest_of(callback));
    subject.callback_library = entry.library;
    subject.callback_entry = entry.name;
  }
  return subject;
}

}  // namespace harness::own
