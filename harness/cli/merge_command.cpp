// poolbench merge DIR... -o DIR: the parts of a sweep that went on in several places, as one result directory.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "harness/analysis/analysis.h"
#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/cli/formats.h"
#include "harness/report/derived.h"
#include "harness/report/merge_text.h"
#include "harness/report/report.h"
#include "harness/sweep/merge/merge.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

struct MergeFlags {
  std::vector<std::string> directories;
  std::string output;
  bool status = false;
  bool json = false;
};

int exit_code_of(const MergeStatus& status) {
  if (!status.complete()) return kExitCheckFailed;
  for (const PartStatus& part : status.parts) {
    if (part.failed > 0) return kExitCellsFailed;
  }
  return kExitOk;
}

int run_merge(const MergeFlags& flags) {
  if (flags.status && !flags.output.empty()) throw ConfigError("--status writes nothing; -o and --status exclude each other");
  if (!flags.status && flags.output.empty()) throw ConfigError("merge needs -o DIR, the directory to write, or --status");
  const Sources sources = read_sources({flags.directories.begin(), flags.directories.end()});
  const MergeStatus status = status_of(sources);
  if (flags.status) {
    write_stdout(flags.json ? merge_json(status) : merge_text(status, line_columns()));
    return exit_code_of(status);
  }
  const std::size_t added = merge_into(flags.output, sources, status);
  const Analysis analysis = analyse(flags.output, cells_of_all_claims);
  derive(flags.output, analysis);
  if (flags.json) {
    write_stdout(merge_json(status));
    return exit_code_of(status);
  }
  std::ostringstream text;
  text << merge_text(status, line_columns()) << fmt::format("{} of {} rows added to {}\n\n", added, status.rows, flags.output);
  print_verdict(analysis, text, text_look());
  text << flags.output << '\n';
  write_stdout(text.str());
  return exit_code_of(status);
}

}  // namespace

void add_merge_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("merge", "The parts of a sweep on several machines as one result directory");
  const auto flags = std::make_shared<MergeFlags>();
  command
      ->add_option("DIR", flags->directories, "Output directories of `run --shard` or `run --replicate`, or one that holds them")
      ->check(not_empty())
      ->required();
  command->add_option("-o,--output", flags->output, "The directory to write; one that was merged before gets what it lacks")
      ->check(not_empty());
  command->add_flag("--status", flags->status, "Write nothing: what is there, what is missing, and the command that measures it");
  command->add_flag("--json", flags->json, "One JSON document instead of the table");
  add_colour_flag(*command, context);
  command->callback([flags, &context] { context.action = [flags] { return run_merge(*flags); }; });
}

}  // namespace harness
