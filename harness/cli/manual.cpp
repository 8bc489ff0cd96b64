#include "harness/cli/manual.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "harness/base/build_info.h"
#include "harness/base/errors.h"
#include "harness/base/text.h"
#include "harness/cli/examples.h"
#include "harness/cli/flag_values.h"
#include "harness/cli/help.h"
#include "harness/cli/suite_keys.h"

namespace harness {
namespace {

struct ExitCode {
  int code;
  std::string_view meaning;
};
constexpr ExitCode kExitCodes[] = {
    {kExitOk, "ok"},
    {kExitCheckFailed, "a check failed: a verdict contradicts the model's, compare --fail-on, merge misses repetitions"},
    {kExitUsage, "bad usage or configuration, files that cannot be read included"},
    {kExitCellsFailed, "some cells failed (their rows say how), or the output directory cannot be written any more"},
    {kExitEnvironment, "the environment: a noisy machine under --strict, standard output or TMPDIR cannot be used, no memory"},
    {kExitInterrupted, "interrupted: everything measured is kept, and the command that resumes is printed"},
};

// Text as man(7) takes it: nothing in it is a request.
std::string roff(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else if (c == '\'' && escaped.empty()) {
      escaped += "\\&'";
    } else if (c == '.' && escaped.empty()) {
      escaped += "\\&.";
    } else if (c == '\'') {
      escaped += "\\(aq";
    } else if (c == '`') {
      escaped += "\\(ga";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string head(std::string_view name, int section, std::string_view summary) {
  std::string title(name);
  std::transform(title.begin(), title.end(), title.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return fmt::format(".TH {} {} \"\" \"poolbench {}\" \"{}\"\n.SH NAME\n{} \\- {}\n", roff(title), section, build_info().version,
                     section == 1 ? "User Commands" : "File Formats", roff(name), roff(summary));
}

std::string option_entries(const CLI::App& command, bool positional) {
  std::string text;
  for (const CLI::Option* const option : command.get_options()) {
    if (option->get_positional() != positional) continue;
    const std::string notes = notes_of(*option);
    text += fmt::format(".TP\n.B {}\n{}\n", roff(usage_of(*option, positional)),
                        roff(option->get_description() + (notes.empty() ? "" : ' ' + notes)));
  }
  return text;
}

std::string section(std::string_view title, const std::string& text) {
  return text.empty() ? "" : fmt::format(".SH {}\n{}", title, text);
}

std::string examples_section(std::string_view command) {
  std::string text;
  for (const Example& example : examples_of(command)) {
    text += fmt::format(".TP\n.B {}\n{}\n", roff(example.command), roff(example.meaning));
  }
  return section("EXAMPLES", text);
}

std::string exit_section() {
  std::string text;
  for (const ExitCode& exit : kExitCodes) text += fmt::format(".TP\n.B {}\n{}\n", exit.code, roff(exit.meaning));
  return section("EXIT STATUS", text);
}

std::string synopsis(const CLI::App& command) {
  std::string arguments;
  for (const CLI::Option* const option : command.get_options()) {
    if (!option->get_positional()) continue;
    const std::string name = option->get_name(true) + (option->get_items_expected_max() > 1 ? "..." : "");
    arguments += option->get_required() ? ' ' + name : fmt::format(" [{}]", name);
  }
  return section("SYNOPSIS", fmt::format(".B poolbench {}\n[options]{}\n", roff(command.get_name()), roff(arguments)));
}

std::string program_page(const CLI::App& app) {
  std::string commands;
  for (const CLI::App* const command : commands_of(app)) {
    commands += fmt::format(".TP\n.BR poolbench\\-{} (1)\n{}\n", roff(command->get_name()), roff(command->get_description()));
  }
  return head("poolbench", 1, "thread pool or process pool, how many workers, who runs the callback: measured") +
         ".SH SYNOPSIS\n.B poolbench\n.I command\n[options]\n" + section("DESCRIPTION", roff(app.get_description()) + '\n') +
         section("COMMANDS", commands) + section("OPTIONS", option_entries(app, false)) + examples_section("poolbench") +
         exit_section() + section("SEE ALSO", ".BR poolbench\\-suite (5)\n");
}

std::string command_page(const CLI::App& command) {
  return head("poolbench-" + command.get_name(), 1, command.get_description()) + synopsis(command) +
         section("ARGUMENTS", option_entries(command, true)) + section("OPTIONS", option_entries(command, false)) +
         examples_section(command.get_name()) + exit_section() +
         section("SEE ALSO", ".BR poolbench (1),\n.BR poolbench\\-suite (5)\n");
}

std::string suite_page() {
  std::string text = head("poolbench-suite", 5, "what poolbench run sweeps: a TOML file of grids and cases");
  text += section(
      "DESCRIPTION",
      roff("Keys at the top hold for the suite; each [[grid]] crosses its axes, each [[case]] lists the durations of its tasks "
           "one by one. The value of an axis is one value or a list. A key or a value that is wrong is refused with file and "
           "line.") +
          '\n');
  for (const auto& [title, where] :
       {std::pair{"KEYS OF A SUITE", KeyPlace::suite}, std::pair{"AXES OF A GRID OR CASE", KeyPlace::axis},
        std::pair{"OTHER KEYS OF A GRID OR CASE", KeyPlace::table}}) {
    std::string entries;
    for (const SuiteKey& key : suite_keys()) {
      if (key.place == where) entries += fmt::format(".TP\n.B {}\n{}\n", roff(key.name), roff(key.meaning));
    }
    text += section(title, entries);
  }
  text += section("EXAMPLES", fmt::format(".nf\n{}.fi\n", R"(name = "mine"
runs = 5

[[grid]]
backend = ["thread", "process"]
workers = ["cores", "cores*5"]
workload = "sleep"
tasks = 40
task = "20ms"
)"));
  return text + section("SEE ALSO", ".BR poolbench\\-run (1),\n.BR poolbench\\-list (1)\n");
}

}  // namespace

std::vector<std::string> manual_pages(const CLI::App& app) {
  std::vector<std::string> pages{"poolbench"};
  for (const CLI::App* const command : commands_of(app)) pages.push_back(command->get_name());
  pages.emplace_back("suite");
  return pages;
}

std::string manual_file(std::string_view page) {
  if (page == "poolbench") return "poolbench.1";
  return fmt::format("poolbench-{}.{}", page, page == "suite" ? 5 : 1);
}

std::string manual_page(const CLI::App& app, std::string_view page) {
  if (page == "poolbench") return program_page(app);
  if (page == "suite") return suite_page();
  for (const CLI::App* const command : commands_of(app)) {
    if (command->get_name() == page) return command_page(*command);
  }
  const std::vector<std::string> pages = manual_pages(app);
  throw ConfigError(fmt::format("no page '{}'{}; allowed: {}", page, did_you_mean(page, pages), join(pages)));
}

}  // namespace harness
