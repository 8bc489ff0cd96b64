#include "harness/cli/cli.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <new>
#include <sstream>

#include "harness/base/build_info.h"
#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"

namespace harness {
namespace {

int complain(std::string_view message, int exit_code) {
  std::string line(message);
  while (!line.empty() && line.back() == '\n') line.pop_back();
  std::replace(line.begin(), line.end(), '\n', ' ');
  say(fmt::format("poolbench: {}\n", printable(line)));
  return exit_code;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* const command : app.get_subcommands([](const CLI::App*) { return true; })) {
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

// One line that names what was wrong and what is allowed there.
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
  return fmt::format("{}: {}", command.get_name(), error.what());
}

int parse_and_act(int argc, char** argv) {
  CommandContext context;
  context.arguments.assign(argv, argv + argc);
  CLI::App app("Thread pool or process pool? How many workers? Who runs the callback? Measured, and held against an exact model.",
               "poolbench");
  const BuildInfo& build = build_info();
  app.set_version_flag("--version",
                       fmt::format("poolbench {} ({}, {} {})", build.version, build.commit, build.compiler, build.build_type));
  app.require_subcommand(1);
  add_run_command(app, context);
  add_case_command(app, context);
  add_predict_command(app, context);
  add_validate_command(app, context);
  add_recommend_command(app, context);
  add_show_command(app, context);
  add_compare_command(app, context);
  add_report_command(app, context);
  add_trace_command(app, context);
  add_merge_command(app, context);
  add_submit_command(app, context);
  add_doctor_command(app, context);
  add_check_driver_command(app, context);
  add_list_command(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {  // --help, --version
    std::ostringstream text;
    const int exit_code = app.exit(help, text, text);
    write_stdout(text.str());
    return exit_code;
  } catch (const CLI::ParseError& error) {
    return complain(usage_error(app, error), kExitUsage);
  }
  return context.action();
}

}  // namespace

int run_cli(int argc, char** argv) {
  try {
    return parse_and_act(argc, argv);
  } catch (const ConfigError& error) {
    return complain(error.what(), kExitUsage);
  } catch (const EnvironmentError& error) {
    return complain(error.what(), kExitEnvironment);
  } catch (const OutputError& error) {
    return complain(error.what(), kExitCellsFailed);
  } catch (const std::bad_alloc&) {
    return complain("not enough memory", kExitEnvironment);
  } catch (const std::exception& error) {
    return complain(error.what(), kExitCellsFailed);
  }
}

}  // namespace harness
