// poolbench show DIR: the tables that `run` printed at its end, made again from the rows; nothing is written.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>

#include "harness/analysis/analysis.h"
#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/cli/formats.h"
#include "harness/cli/times_output.h"
#include "harness/report/report.h"
#include "harness/report/summary_json.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

struct ShowFlags {
  std::string directory;
  FormatFlags format;
};

int show(const ShowFlags& flags) {
  const Analysis analysis = look_at(flags.directory, cells_of_all_claims);
  if (analysis.other_rows > 0) {
    say(fmt::format("{} repetitions of other builds or machines are left out: these are the last row's\n", analysis.other_rows));
  }
  std::error_code error;
  if (const auto answer = std::filesystem::path(flags.directory) / "recommendation.json";
      std::filesystem::exists(answer, error)) {
    say(fmt::format(
        "a recommendation was made here, which is in {}; the tables are of its runs, without the starts and ends of Python's pools\n",
        answer.string()));
  }
  if (!flags.format.text()) {
    write_stdout(in_format(flags.format, analysis_json(analysis), "cells"));
    return kExitOk;
  }
  std::ostringstream text;
  print_verdict(analysis, text, text_look());
  write_stdout(text.str());
  return kExitOk;
}

}  // namespace

void add_show_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("show", "Print the tables of a result directory again");
  const auto flags = std::make_shared<ShowFlags>();
  command->add_option("DIR", flags->directory, "The output directory of a run; one that was cut off will do")
      ->check(not_empty())
      ->required();
  add_format_flags(*command, flags->format);
  add_colour_flag(*command, context);
  command->callback([flags, &context] { context.action = [flags] { return show(*flags); }; });
}

}  // namespace harness
