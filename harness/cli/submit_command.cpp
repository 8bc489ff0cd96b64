// poolbench submit SUITE --on slurm: a sweep cut into parts that an engine starts on several machines.

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/shell_words.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/cli/plan_flags.h"
#include "harness/machine/environment.h"
#include "harness/plan/part.h"
#include "harness/plan/scenario.h"
#include "harness/report/merge_text.h"
#include "harness/sweep/merge/merge.h"
#include "harness/sweep/run_directory.h"
#include "harness/sweep/sinks/file.h"
#include "harness/sweep/submit/submission.h"

namespace harness {
namespace {

struct SubmitFlags : PlanFlags {
  std::string engine;
  std::string hosts;
  std::string output;
  std::optional<std::string> nodes;
  bool replicate = false;
  bool dry_run = false;
  std::vector<std::string> extra;
};

// A part that takes less is not worth a start on another machine.
constexpr std::chrono::nanoseconds kLeastPart = std::chrono::seconds(10);
// Beside what the plan says, for a machine that is slower, digest checks and calibration.
constexpr int kSlack = 3;
constexpr std::chrono::nanoseconds kStart = std::chrono::minutes(5);

std::filesystem::path jobs_path(const std::filesystem::path& directory) { return directory / "logs" / "jobs"; }

std::vector<std::string> jobs_of(const std::filesystem::path& directory) {
  std::vector<std::string> jobs;
  std::ifstream file(jobs_path(directory));
  for (std::string job; file >> job;) jobs.push_back(job);
  return jobs;
}

// How many parts: as many as asked for; else one for each machine, as far as there are scenarios for it and each has something to do.
int parts_for(const Plan& plan, std::optional<int> asked_for, int machines, bool replicate) {
  if (replicate) return machines;
  if (asked_for) return *asked_for;  // cut() refuses more than there can be
  std::set<std::string> scenarios;
  for (const PlannedCell& planned : plan.cells) scenarios.insert(scenario_key(planned.cell));
  const auto enough = static_cast<int>(std::min<std::int64_t>(estimated_time(plan) / kLeastPart, machines));
  return std::clamp(std::min(enough, static_cast<int>(scenarios.size())), 1, machines);
}

std::chrono::nanoseconds longest_part(Plan plan, const Part& part) {
  std::chrono::nanoseconds longest{0};
  cut(plan, part);
  const int last = part.kind == PartKind::shard ? part.count : 1;
  for (plan.part->index = 1; plan.part->index <= last; ++plan.part->index) {
    longest = std::max(longest, estimated_time(plan));
  }
  return longest;
}

std::chrono::nanoseconds limit_of(std::chrono::nanoseconds longest) {
  if (longest > std::chrono::hours(24 * 365) / kSlack) return std::chrono::hours(24 * 365);
  return kSlack * longest + kStart;
}

std::string own_program() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) throw EnvironmentError(fmt::format("cannot read /proc/self/exe: {}", error.message()));
  return program.string();
}

// The parts of a sweep that was submitted before which have something to measure.
std::vector<int> parts_left(const MergeStatus& status) {
  std::vector<int> parts;
  for (const PartStatus& part : status.parts) {
    if (part.part && (!part.missing.empty() || part.directories.empty())) parts.push_back(part.part->index);
  }
  return parts;
}

std::string next_steps(const Submission& submission, const std::string& watch) {
  const std::string directory = shell_quoted(submission.directory.string());
  std::string program = shell_quoted(submission.run.front());
  return fmt::format(
      "watch    {}{} merge --status {}\n"
      "resume   the same command once more: it submits what is missing\n"
      "collect  {} merge {} -o {}\n",
      watch.empty() ? "" : watch + "; ", program, directory, program, directory,
      shell_quoted((submission.directory / "merged").string()));
}

int submit(const SubmitFlags& flags) {
  const bool on_slurm = flags.engine == "slurm";
  if (!on_slurm && flags.engine != "parallel") {
    throw ConfigError(fmt::format("bad --on '{}'; allowed: slurm, parallel", flags.engine));
  }
  if (on_slurm && !flags.hosts.empty())
    throw ConfigError("--hosts is for --on parallel; Slurm knows its nodes (--nodes N, -- --nodelist=...)");
  if (!on_slurm && flags.hosts.empty()) throw ConfigError("--on parallel needs --hosts FILE, one host a line");
  const Suite suite = suite_of(flags);
  const Plan plan = plan_of(suite, flags, read_environment().cores);
  std::vector<std::string> hosts;
  if (!on_slurm) hosts = parallel::read_hosts(flags.hosts);
  std::optional<int> machines;
  if (flags.nodes) machines = static_cast<int>(parse_integer(*flags.nodes, "--nodes", 1, 10'000));
  if (!flags.dry_run) on_slurm ? slurm::require() : parallel::require(hosts);
  const std::optional<int> asked_for = machines;
  if (!machines) machines = on_slurm ? slurm::nodes() : static_cast<int>(hosts.size());

  Submission submission;
  submission.directory = std::filesystem::absolute(flags.output.empty() ? std::filesystem::path("out") / (suite.name + "-parts")
                                                                        : std::filesystem::path(flags.output))
                             .lexically_normal();
  submission.sweep = make_run_id().substr(0, 15) + fmt::format("Z-{}", ::getpid());
  submission.first = {flags.replicate ? PartKind::replicate : PartKind::shard, 1,
                      parts_for(plan, asked_for, *machines, flags.replicate)};
  submission.suite = suite.name;
  submission.extra = flags.extra;
  submission.run = {own_program(), "run"};
  for (std::string& argument : arguments_of(flags)) submission.run.push_back(std::move(argument));
  for (int part = 1; part <= submission.first.count; ++part) submission.parts.push_back(part);

  std::error_code error;
  const bool resumes = std::filesystem::exists(sweep_record_path(submission.directory), error);
  if (resumes) {
    const Sources sources = read_sources({submission.directory});
    submission.sweep = sources.record->sweep;
    submission.first = sources.record->part;
    if (sources.record->command != command_of(submission, 1)) {
      throw ConfigError(fmt::format("'{}' is of another sweep, `{}`; allowed: the flags of that one, or another -o",
                                    submission.directory.string(), resume_command(sources.record->command)));
    }
    submission.parts = parts_left(status_of(sources));
    if (submission.parts.empty()) {
      write_stdout(
          fmt::format("complete: nothing is missing in {}\n{}", submission.directory.string(), next_steps(submission, "")));
      return kExitOk;
    }
    if (on_slurm && !flags.dry_run) {
      const std::vector<std::string> active = slurm::active(jobs_of(submission.directory));
      if (!active.empty()) {
        throw ConfigError(fmt::format("job {} of this sweep is queued or running; allowed: to wait for it, or `scancel {}` first",
                                      active.front(), active.front()));
      }
    }
  }
  submission.limit = limit_of(longest_part(plan, submission.first));

  const std::vector<std::string> command = on_slurm ? slurm::sbatch_command(submission) : parallel::command(submission, hosts);
  if (flags.dry_run) {
    write_stdout(fmt::format("{}\n{}", part_script(submission), resume_command(command) + "\n"));
    return kExitOk;
  }
  require_writable_directory(submission.directory / "logs");
  if (!resumes) write_sweep_record(submission.directory, {submission.sweep, submission.first, command_of(submission, 1)});
  replace_file(submission.directory / "part.sh", part_script(submission));
  const std::string what =
      fmt::format("{}; {} of {} {}{} in {}\n", plan_line(plan), submission.parts.size(), submission.first.count,
                  flags.replicate ? "replicate" : "shard", submission.first.count == 1 ? "" : "s", submission.directory.string());
  if (on_slurm) {
    const std::string job = slurm::submit(submission);
    AppendFile(jobs_path(submission.directory)).append(job + "\n");
    write_stdout(fmt::format("{}submitted as job {}\n{}", what, job, next_steps(submission, "squeue -j " + job)));
    return kExitOk;
  }
  say(what);
  const int ended = parallel::run(submission, hosts);
  const MergeStatus status = status_of(read_sources({submission.directory}));
  write_stdout(merge_text(status, line_columns()) + next_steps(submission, ""));
  if (!status.complete())
    say(fmt::format("poolbench: parallel ended with {}; what the parts said is in {}\n", ended,
                    (submission.directory / "logs").string()));
  return status.complete() ? kExitOk : kExitCheckFailed;
}

}  // namespace

void add_submit_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("submit", "A suite in parts on several machines: Slurm, or GNU parallel over ssh");
  const auto flags = std::make_shared<SubmitFlags>();
  add_plan_flags(*command, *flags);
  command->add_option("--on", flags->engine, "slurm or parallel")->required();
  command->add_option("--hosts", flags->hosts, "With parallel: a file with one host a line, as ssh takes it")->check(not_empty());
  command->add_option("--nodes", flags->nodes, "How many parts [as many as machines answer, if each takes 10 s at least]");
  command->add_flag("--replicate", flags->replicate,
                    "Every machine measures all of it, to be compared; else each measures a shard");
  command
      ->add_option("-o,--output", flags->output, "The directory that holds one per part [out/<suite>-parts]; all machines see it")
      ->check(not_empty());
  command->add_flag("-n,--dry-run", flags->dry_run, "Print the script of a part and the engine's command");
  command->add_option("FLAGS", flags->extra, "After --: flags for sbatch or parallel, as in -- --partition=batch")
      ->allow_extra_args();
  command->callback([flags, &context] { context.action = [flags] { return submit(*flags); }; });
}

}  // namespace harness
