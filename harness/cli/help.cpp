#include "harness/cli/help.h"

#include <fmt/core.h>

#include <sstream>

#include "harness/base/text.h"
#include "harness/cli/examples.h"
#include "harness/cli/flag_values.h"

namespace harness {
namespace {

constexpr std::size_t kLeftColumn = 30;

}  // namespace

std::string usage_of(const CLI::Option& option, bool is_positional) {
  if (is_positional) return option.get_name(true);
  std::string text;
  for (const std::string& name : option.get_snames()) text += fmt::format("-{}, ", name);
  for (const std::string& name : option.get_lnames()) text += fmt::format("--{}, ", name);
  text.resize(text.size() - 2);
  if (takes_a_value(option)) {
    const std::string word = option.get_type_name();
    text += option.get_items_expected_min() == 0 ? fmt::format(" [{}]", word) : ' ' + word;
  }
  return text;
}

std::string notes_of(const CLI::Option& option) {
  std::vector<std::string> notes;
  if (option.get_required()) notes.emplace_back("required");
  if (!option.get_default_str().empty()) notes.push_back("default: " + option.get_default_str());
  for (const auto& [others, words] : {std::pair{option.get_needs(), "needs"}, std::pair{option.get_excludes(), "not with"}}) {
    for (const CLI::Option* const other : others) notes.push_back(fmt::format("{} {}", words, other->get_name()));
  }
  return notes.empty() ? "" : fmt::format("[{}]", join(notes));
}

HelpFormatter::HelpFormatter(std::size_t width) : width_(width) {}

std::string HelpFormatter::row(const std::string& left, const std::string& right) const {
  std::string text = "  " + left;
  if (text.size() + 2 > kLeftColumn) {
    text += '\n' + std::string(kLeftColumn, ' ');
  } else {
    text.resize(kLeftColumn, ' ');
  }
  if (right.empty()) return text + '\n';
  std::istringstream lines(hang(right, 0, width_ - kLeftColumn));
  std::string line;
  std::getline(lines, line);
  text += line + '\n';
  while (std::getline(lines, line)) text += std::string(kLeftColumn, ' ') + line + '\n';
  return text;
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  const std::string notes = notes_of(*option);
  const std::string& description = option->get_description();
  return row(usage_of(*option, is_positional), notes.empty() ? description : description + ' ' + notes);
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return row(command->get_name(), command->get_description());
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return app->get_description().empty() ? "" : hang(app->get_description(), 0, width_);
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  const std::vector<Example> examples = examples_of(app->get_name());
  if (examples.empty()) return "";
  std::string text = "Examples:\n";
  for (const Example& example : examples) {
    text += fmt::format("  $ {}\n", example.command) + row("", example.meaning);
  }
  return text;
}

}  // namespace harness
