#include "harness/cli/cli.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <sstream>

#include "harness/base/build_info.h"
#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/base/text_table.h"
#include "harness/cli/examples.h"
#include "harness/cli/flag_values.h"
#include "harness/cli/formats.h"
#include "harness/cli/help.h"
#include "harness/cli/usage_errors.h"

namespace harness {
namespace {

int complain(std::string_view message, int exit_code) {
  std::string line(message);
  while (!line.empty() && line.back() == '\n') line.pop_back();
  std::replace(line.begin(), line.end(), '\n', ' ');
  say(fmt::format("poolbench: {}\n", printable(line)));
  return exit_code;
}

constexpr const char* kSummary =
    "Which pool, how many workers, who runs the callback? Measured, and held against an exact model.";

std::string what_to_type_first() {
  TextTable table({{"", TextTable::Column::left}, {"", TextTable::Column::words}});
  for (const Example& example : examples_of("poolbench")) table.row({"  " + example.command, example.meaning});
  return hang(kSummary, 0, text_columns()) + table.text(text_columns());
}

int parse_and_act(int argc, char** argv) {
  CommandContext context;
  context.arguments.assign(argv, argv + argc);
  CLI::App app(kSummary, "poolbench");
  add_commands(app, context);
  if (const std::optional<int> answered = answer_a_shell(app, context.arguments)) return *answered;
  if (argc == 1) write_stdout(what_to_type_first());
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
  choose_colours(colours_of(context.colours));
  choose_verbosity(context.quiet ? Verbosity::quiet : context.verbose ? Verbosity::verbose : Verbosity::normal);
  return context.action();
}

}  // namespace

void add_commands(CLI::App& app, CommandContext& context) {
  const BuildInfo& build = build_info();
  app.set_version_flag("--version",
                       fmt::format("poolbench {} ({}, {} {})", build.version, build.commit, build.compiler, build.build_type));
  app.require_subcommand(1);
  app.formatter(std::make_shared<HelpFormatter>(text_columns()));  // before the commands, which inherit it
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
  add_completions_command(app, context);
  add_manual_command(app, context);
  name_values(app);
}

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
