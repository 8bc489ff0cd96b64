#include "harness/cli/usage_errors.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <string_view>
#include <vector>

#include "harness/base/text.h"
#include "harness/cli/flag_values.h"

namespace harness {
namespace {

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* const command : commands_of(app)) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> flag_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* const option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// "--runs N", "SUITE"
std::string as_typed(const CLI::App& command, const CLI::Option& option) {
  const std::string name = name_of(option);
  const std::string_view word = option.get_positional() ? "" : value_word(command, option);
  return word.empty() ? name : fmt::format("{} {}", name, word);
}

// The option that a message of the parser begins with: "--runs: ...", "WHAT is required".
const CLI::Option* option_of(const CLI::App& command, std::string_view message) {
  const std::string_view name = message.substr(0, message.find_first_of(": "));
  for (const CLI::Option* const option : command.get_options()) {
    if (option->get_name() == name || option->get_name(true) == name) return option;
  }
  return nullptr;
}

// The parser's own words say how many arguments it counted; a person wants to know what to type.
std::string mismatch(const CLI::App& command, const CLI::ParseError& error) {
  std::string message = error.what();
  const CLI::Option* const option = option_of(command, message);
  if (option == nullptr) return message;
  const std::string name = option->get_name();
  const std::string received = message.substr(message.rfind(' ') + 1);
  if (message.find("At Most") != std::string::npos) return fmt::format("{} is there {} times; allowed: once", name, received);
  return fmt::format("{} has no value; allowed: {}", name, as_typed(command, *option));
}

}  // namespace

std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const std::vector<std::string> extras = app.remaining(true);
  if (chosen.empty()) {
    const std::vector<std::string> names = command_names(app);
    if (extras.empty()) return fmt::format("a command is missing; allowed: {}", join(names));
    return fmt::format("unknown {} '{}'{}; allowed: {}", extras.front().starts_with('-') ? "flag" : "command", extras.front(),
                       did_you_mean(extras.front(), names), join(names));
  }
  const CLI::App& command = *chosen.front();
  if (!extras.empty() && error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
    const std::vector<std::string> flags = flag_names(command);
    return fmt::format("{}: unexpected '{}'{}; allowed: {}", command.get_name(), extras.front(),
                       did_you_mean(extras.front().substr(0, extras.front().find('=')), flags), join(flags));
  }
  const std::string message = error.what();
  const std::string name = error.get_name();
  if (name == "ArgumentMismatch") return fmt::format("{}: {}", command.get_name(), mismatch(command, error));
  if (name == "RequiredError") {
    const CLI::Option* const option = option_of(command, message);
    if (option != nullptr) {
      return fmt::format("{}: {} is missing; see: poolbench {} --help", command.get_name(), as_typed(command, *option),
                         command.get_name());
    }
  }
  return fmt::format("{}: {}", command.get_name(), message);
}

}  // namespace harness
