// poolbench run [SUITE]: suite -> plan -> sweep -> derived files -> verdict.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "harness/analysis/analysis.h"
#include "harness/analysis/noise.h"
#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/cli/formats.h"
#include "harness/cli/plan_flags.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/scratch.h"
#include "harness/machine/environment.h"
#include "harness/plan/hosts.h"
#include "harness/plan/part.h"
#include "harness/plan/plan.h"
#include "harness/plan/suite.h"
#include "harness/report/derived.h"
#include "harness/report/report.h"
#include "harness/report/summary_json.h"
#include "harness/sweep/run.h"
#include "harness/sweep/sinks/context.h"
#include "harness/sweep/sinks/progress.h"
#include "harness/sweep/sweep.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

// As given; absent where the flag is.
struct RunFlags : PlanFlags {
  std::string output;
  std::string hosts;
  bool fresh = false;
  bool again = false;
  bool dry_run = false;
  bool json = false;
  std::optional<std::string> time_budget, shard, replicate, run_id;
};

std::optional<Part> part_of(const RunFlags& flags) {
  if (flags.shard && flags.replicate) throw ConfigError("--shard and --replicate exclude each other");
  if (flags.shard) return parse_part("--shard", *flags.shard, PartKind::shard);
  if (flags.replicate) return parse_part("--replicate", *flags.replicate, PartKind::replicate);
  return std::nullopt;
}

// out/default; of a part out/default-2of3.
std::filesystem::path output_of(const RunFlags& flags, const Suite& suite, const std::optional<Part>& part) {
  if (!flags.output.empty()) return flags.output;
  const std::filesystem::path whole = std::filesystem::path("out") / suite.name;
  return part ? std::filesystem::path(fmt::format("{}-{}", whole.string(), short_name(*part))) : whole;
}

// The runs in the directory that were another node's.
std::set<std::string> runs_of_other_nodes(const std::filesystem::path& directory, const Environment& environment) {
  std::set<std::string> runs;
  for (const Context& context : read_contexts(directory)) {
    if (context.environment.node_name() != environment.node_name()) runs.insert(context.run_id);
  }
  return runs;
}

// With --again, rows of repetitions that something else disturbed do not count: they are measured once more. Nor does what another node has measured
// of a replicate, which is there to tell nodes apart.
std::function<bool(const Sample&)> counts_of(const RunFlags& flags, const std::optional<Part>& part,
                                             const std::filesystem::path& directory, const Environment& environment) {
  const bool one_node = part && part->kind == PartKind::replicate;
  if (!flags.again && !one_node) return {};
  std::set<std::string> elsewhere;
  if (one_node) elsewhere = runs_of_other_nodes(directory, environment);
  std::optional<double> own_load;
  if (flags.again) own_load = noise_of(look_at(directory, cells_of_all_claims)).own_load;
  return [own_load, elsewhere](const Sample& row) {
    return !elsewhere.contains(row.run_id) && !(own_load && is_disturbed(row, row.cores, *own_load));
  };
}

// Empty without the flag.
std::string checked_run_id(const RunFlags& flags) {
  if (!flags.run_id) return "";
  constexpr std::size_t kLongest = 64;
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  if (flags.run_id->empty() || flags.run_id->size() > kLongest ||
      flags.run_id->find_first_not_of(kAllowed) != std::string::npos) {
    throw ConfigError(fmt::format("bad --run-id '{}'; allowed: 1 to {} letters, digits, '_' and '-'", *flags.run_id, kLongest));
  }
  return *flags.run_id;
}

std::string plan_text(const Plan& plan, std::size_t columns) {
  std::string text = hang(plan_line(plan), 2, columns);
  for (const PlannedCell* const own : own_cells(plan)) {
    const PlannedCell& planned = *own;
    text += hang(fmt::format("cell {} {} runs={} warmup={} predicted {}", planned.cell.cell_id, describe(planned.cell),
                             planned.runs, planned.warmup, human_duration(predicted_makespan(planned.cell))),
                 2, columns);
  }
  for (const Skip& skip : plan.skips) text += hang(fmt::format("skipped {}: {}", skip.what, skip.reason), 2, columns);
  return text;
}

void tell_outcome(const SweepOutcome& outcome, const CommandContext& context) {
  if (outcome.run > 0 && outcome.sum_makespans.count() > 0) {
    tell(fmt::format("measuring took {}, {:.2f} x the sum of the makespans\n", human_duration(outcome.measuring),
                     static_cast<double>(outcome.measuring.count()) / static_cast<double>(outcome.sum_makespans.count())));
  }
  if (outcome.remaining() == 0) return;
  say(fmt::format("poolbench: {}; {} of {} repetitions are kept, {} left; resume with: {}\n",
                  outcome.interrupted ? "interrupted" : "the time budget is used up", outcome.run, outcome.steps,
                  outcome.remaining(), resume_command(context.arguments)));
}

void tell_plan(const Plan& plan, const Environment& environment, const std::filesystem::path& path) {
  tell(fmt::format("{}\n", machine_line(environment)));
  for (const std::string& warning : environment.warnings) tell(fmt::format("warning: {}\n", warning));
  tell(fmt::format("{}; into {}\n", plan_line(plan), path.string()));
  for (const Skip& skip : plan.skips) detail(fmt::format("skipped {}: {}\n", skip.what, skip.reason));
  if (!plan.skips.empty() && verbosity() != Verbosity::verbose) {
    tell(fmt::format("{} combinations have no meaning or are skipped: see --dry-run\n", plan.skips.size()));
  }
}

int run(const RunFlags& flags, const CommandContext& context) {
  std::optional<std::chrono::nanoseconds> time_budget;
  if (flags.time_budget) time_budget = positive_duration("--time-budget", *flags.time_budget);
  const std::optional<Part> part = part_of(flags);
  const std::string id = checked_run_id(flags);
  const Suite suite = on_hosts(suite_of(flags), flags.hosts);
  const Environment environment = read_environment();
  Plan plan = plan_of(suite, flags, environment.cores);
  if (part) cut(plan, *part, nominal_plan_of(suite, flags));
  if (flags.dry_run) {
    write_stdout(flags.json ? plan_json(plan) : plan_text(plan, line_columns()));
    return kExitOk;
  }
  if (flags.strict) require_quiet(environment);
  for (const PlannedCell* const planned : own_cells(plan)) find_backend(planned->cell.backend).require();
  temporary_directory();  // before anything is written

  const std::filesystem::path path = output_of(flags, suite, part);
  Run run({.arguments = context.arguments,
           .environment = environment,
           .suite = &suite,
           .run_id = part && !id.empty() ? fmt::format("{}-{}", id, short_name(*part)) : id,
           .sweep = id,
           .directory = path,
           .put_old_away = flags.fresh,
           .counts = counts_of(flags, part, path, environment),
           .task_files = flags.trace,
           .time_budget = time_budget});
  SweepOutcome outcome;
  const bool complete = missing_steps(plan, run.options()).empty();
  if (complete) {
    tell(fmt::format("complete: all {} repetitions are in {} already, nothing to do (--fresh measures anew)\n", repetitions(plan),
                     path.string()));
    outcome.failed_before = failures_present(plan, run.options());
  } else {
    tell_plan(plan, environment, path);
    tell(run.resumed_text(plan));
    outcome = run.measure(plan, {});
    run.done_measuring();
    tell_outcome(outcome, context);
  }
  std::ostringstream text;
  if (!outcome.interrupted) {
    std::error_code error;
    const Analysis analysis = analyse(path, cells_of_all_claims);
    if (!complete || !std::filesystem::exists(path / "derived" / "summary.csv", error)) {
      derive(path, analysis);
      detail(fmt::format("derived files are in {}\n", (path / "derived").string()));
    }
    if (flags.json) {
      text << analysis_json(analysis);
    } else {
      print_verdict(analysis, text, text_look());
    }
  }
  if (!flags.json) text << path.string() << '\n';
  write_stdout(text.str());
  return exit_code(outcome);
}

}  // namespace

void add_run_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("run", "Measure a suite: one row per repetition in OUTPUT/results.csv");
  const auto flags = std::make_shared<RunFlags>();
  add_plan_flags(*command, *flags);
  command->add_option("-o,--output", flags->output, "The output directory [out/<suite>]; a run there is resumed")
      ->check(not_empty());
  CLI::Option* const fresh = command->add_flag("--fresh", flags->fresh, "Rename the old output directory and start anew");
  command
      ->add_flag(std::string(kAgainFlag), flags->again,
                 "Measure again the repetitions there that other programs or a CPU quota disturbed")
      ->excludes(fresh);
  command->add_flag("-n,--dry-run", flags->dry_run, "Print the cells, what is skipped and why, and an estimate of the time");
  command->add_flag("--json", flags->json, "One JSON document instead of the tables, or of the cells of a dry run");
  add_colour_flag(*command, context);
  add_verbosity_flags(*command, context);
  command->add_option("--time-budget", flags->time_budget, "Start no repetition that would likely end later, as in 10min");
  command
      ->add_option("--hosts", flags->hosts,
                   "a,b,c: where the suite has the backend remote, a pool over a, over a and b, over all three as well")
      ->check(not_empty());
  command
      ->add_option("--shard", flags->shard,
                   "I/N: only the I-th of N parts of the suite; cells that a verdict compares are never apart")
      ->check(not_empty());
  command->add_option("--replicate", flags->replicate, "I/N: the whole suite, as the I-th of N machines that all measure it")
      ->check(not_empty());
  command->add_option("--run-id", flags->run_id, "What the ids of this run begin with, as those of the sweep's other parts do")
      ->check(not_empty());
  command->callback([flags, &context] { context.action = [flags, &context] { return run(*flags, context); }; });
}

}  // namespace harness
