// poolbench submit SUITE --on slurm: a sweep cut into parts that an engine starts on several machines.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
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
#include "harness/sweep/interrupt.h"
#include "harness/sweep/merge/merge.h"
#include "harness/sweep/run_directory.h"
#include "harness/sweep/sinks/file.h"
#include "harness/sweep/submit/submission.h"
#include "os/descriptor.h"

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

std::chrono::nanoseconds longest_part(Plan plan, const Part& part, const Plan& nominal) {
  std::chrono::nanoseconds longest{0};
  cut(plan, part, nominal);
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

std::vector<std::string> nodes_that_are_done(const MergeStatus& status) {
  std::vector<std::string> nodes;
  for (const PartStatus& part : status.parts) {
    if (part.missing.empty()) nodes.insert(nodes.end(), part.nodes.begin(), part.nodes.end());
  }
  return nodes;
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

// What was asked for, and on which hosts.
struct Request {
  Suite suite;
  Plan plan;
  std::vector<std::string> hosts;  // of parallel
  std::optional<int> asked_for;    // --nodes
  int machines = 1;
};

bool is_on_slurm(const SubmitFlags& flags) { return flags.engine == "slurm"; }

Request request_of(const SubmitFlags& flags) {
  const bool on_slurm = is_on_slurm(flags);
  if (!on_slurm && flags.engine != "parallel") {
    throw ConfigError(fmt::format("bad --on '{}'; allowed: slurm, parallel", flags.engine));
  }
  if (on_slurm && !flags.hosts.empty())
    throw ConfigError("--hosts is for --on parallel; Slurm knows its nodes (--nodes N, -- --nodelist=...)");
  if (!on_slurm && flags.hosts.empty()) throw ConfigError("--on parallel needs --hosts FILE, one host a line");
  Request request;
  request.suite = suite_of(flags);
  request.plan = plan_of(request.suite, flags, read_environment().cores);
  if (!on_slurm) request.hosts = parallel::read_hosts(flags.hosts);
  if (flags.nodes) request.asked_for = static_cast<int>(parse_integer(*flags.nodes, "--nodes", 1, 10'000));
  const auto hosts = static_cast<int>(request.hosts.size());
  if (!on_slurm && flags.replicate && request.asked_for.value_or(1) > hosts) {
    throw ConfigError(
        fmt::format("bad --nodes '{}'; allowed: 1 to {}, for each replicate is of a host of its own, and '{}' names {}",
                    *flags.nodes, hosts, flags.hosts, hosts));
  }
  if (!flags.dry_run) on_slurm ? slurm::require() : parallel::require(request.hosts);
  request.machines = request.asked_for ? *request.asked_for : on_slurm ? slurm::nodes() : hosts;
  return request;
}

std::filesystem::path directory_of(const SubmitFlags& flags, const Suite& suite) {
  std::filesystem::path directory =
      std::filesystem::absolute(flags.output.empty() ? std::filesystem::path("out") / (suite.name + "-parts")
                                                     : std::filesystem::path(flags.output))
          .lexically_normal();
  std::error_code error;
  const bool merged = std::filesystem::exists(merge_record_path(directory), error);
  if (std::filesystem::is_directory(directory, error) && (merged || holds_a_run(directory))) {
    throw ConfigError(fmt::format("'{}' holds {}; allowed: a new directory, or one that `submit` made before", directory.string(),
                                  merged ? "what `merge` made" : "a run"));
  }
  return directory;
}

// Of a sweep that was submitted before: goes on with it. Throws ConfigError: it was another.
void resume(Submission& submission, const Request& request, const Sources& sources) {
  const SweepRecord& record = *sources.record;
  const PartKind kind = submission.first.kind;
  submission.sweep = record.sweep;
  submission.first.count = record.part.count;
  const bool same_suite = sources.all.empty() || sources.all.front().suite_text == request.suite.text;
  const bool same_parts = kind == record.part.kind && request.asked_for.value_or(record.part.count) == record.part.count;
  if (!same_parts || record.command != command_of(submission, 1)) {
    throw ConfigError(fmt::format("'{}' is of another sweep, `{}`; allowed: the flags of that one, or another -o",
                                  submission.directory.string(), resume_command(record.command)));
  }
  if (!same_suite) {
    throw ConfigError(
        fmt::format("'{}' is of another sweep: the suite '{}' has changed since; allowed: the suite as {} has it, or "
                    "another -o",
                    submission.directory.string(), submission.suite, (sources.all.front().directory / "suite.toml").string()));
  }
  const MergeStatus status = status_of(sources);
  submission.parts = parts_left(status);
  if (kind != PartKind::replicate) return;
  submission.avoided = nodes_that_are_done(status);
  const auto hosts = static_cast<int>(request.hosts.size());
  if (hosts > 0 && !submission.parts.empty() && submission.parts.back() > hosts) {
    throw ConfigError(
        fmt::format("replicate {} is of host {} of the list, which names {}; allowed: the list that the sweep began with",
                    submission.parts.back(), submission.parts.back(), hosts));
  }
}

// Held until the descriptor is closed, here and in what inherits it. Where the file system has no locks nothing is held, as with results.csv.
os::Descriptor locked(const std::filesystem::path& directory) {
  require_writable_directory(directory / "logs");
  const std::filesystem::path path = directory / "logs" / "lock";
  os::Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!lock) throw EnvironmentError(fmt::format("cannot open '{}': {}", path.string(), std::strerror(errno)));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw ConfigError(
        fmt::format("another `submit` is at work in '{}'; allowed: to wait for its end, or another -o", directory.string()));
  }
  return lock;
}

int interrupted() {
  say("poolbench: interrupted; the same command resumes\n");
  return kExitInterrupted;
}

int hand_to_slurm(const Submission& submission, const std::string& what) {
  const std::string job = slurm::submit(submission);
  AppendFile(jobs_path(submission.directory)).append(job + "\n");
  write_stdout(fmt::format("{}submitted as job {}\n{}", what, job, next_steps(submission, "squeue -j " + job)));
  return kExitOk;
}

int measure_on_hosts(const Submission& submission, const std::vector<std::string>& hosts, int lock) {
  const int ended = parallel::run(submission, hosts, lock);
  const MergeStatus status = status_of(read_sources({submission.directory}));
  write_stdout(merge_text(status, line_columns()) + next_steps(submission, ""));
  if (status.complete()) return kExitOk;
  if (interrupt_requested()) return interrupted();
  say(fmt::format("poolbench: parallel ended with {}; what the parts said is in {}\n", ended,
                  (submission.directory / "logs").string()));
  return kExitCheckFailed;
}

int submit(const SubmitFlags& flags) {
  const bool on_slurm = is_on_slurm(flags);
  const Request request = request_of(flags);
  if (interrupt_requested()) return interrupted();
  const Plan& plan = request.plan;
  Submission submission;
  submission.directory = directory_of(flags, request.suite);
  submission.sweep = make_run_id().substr(0, 15) + fmt::format("Z-{}", ::getpid());
  submission.first = {flags.replicate ? PartKind::replicate : PartKind::shard, 1,
                      parts_for(plan, request.asked_for, request.machines, flags.replicate)};
  submission.suite = request.suite.name;
  submission.extra = flags.extra;
  submission.run = {own_program(), "run"};
  for (std::string& argument : arguments_of(flags)) submission.run.push_back(std::move(argument));
  for (int part = 1; part <= submission.first.count; ++part) submission.parts.push_back(part);

  std::error_code error;
  const bool resumes = std::filesystem::exists(sweep_record_path(submission.directory), error);
  os::Descriptor lock;
  if (resumes) {
    if (!flags.dry_run) lock = locked(submission.directory);
    resume(submission, request, read_sources({submission.directory}));
    if (submission.parts.empty()) {
      write_stdout(
          fmt::format("complete: nothing is missing in {}\n{}", submission.directory.string(), next_steps(submission, "")));
      return kExitOk;
    }
    if (on_slurm && !flags.dry_run) {
      const std::vector<std::string> active = slurm::active(submission, jobs_of(submission.directory));
      if (!active.empty()) {
        throw ConfigError(fmt::format("job {} of this sweep is queued or running; allowed: to wait for it, or `scancel {}` first",
                                      active.front(), active.front()));
      }
    }
  }
  submission.limit = limit_of(longest_part(plan, submission.first, nominal_plan_of(request.suite, flags)));

  if (flags.dry_run) {
    const std::vector<std::string> command =
        on_slurm ? slurm::sbatch_command(submission) : parallel::command(submission, request.hosts);
    write_stdout(fmt::format("{}\n{}", part_script(submission), resume_command(command) + "\n"));
    return kExitOk;
  }
  if (interrupt_requested()) return interrupted();  // an sbatch that is killed may have submitted
  if (!resumes) {
    lock = locked(submission.directory);
    if (std::filesystem::exists(sweep_record_path(submission.directory), error)) {
      throw ConfigError(
          fmt::format("another `submit` has begun in '{}' since; allowed: the same command once more, or another -o",
                      submission.directory.string()));
    }
    write_sweep_record(submission.directory, {submission.sweep, submission.first, command_of(submission, 1)});
  }
  replace_file(submission.directory / "part.sh", part_script(submission));
  const std::string what =
      fmt::format("{}; {} of {} {}{} in {}\n", plan_line(plan), submission.parts.size(), submission.first.count,
                  flags.replicate ? "replicate" : "shard", submission.first.count == 1 ? "" : "s", submission.directory.string());
  if (on_slurm) return hand_to_slurm(submission, what);
  say(what);
  return measure_on_hosts(submission, request.hosts, lock.get());
}

int submit_interruptibly(const SubmitFlags& flags) {
  const InterruptScope scope;
  try {
    return submit(flags);
  } catch (const ConfigError&) {
    if (!interrupt_requested()) throw;  // else it is the end of a program that was interrupted, too
  }
  return interrupted();
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
  command->callback([flags, &context] { context.action = [flags] { return submit_interruptibly(*flags); }; });
}

}  // namespace harness
