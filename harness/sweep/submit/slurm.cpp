// Slurm's commands: sbatch, sinfo, squeue. What they do when nodes die: `--requeue` starts a lost node's task again (and a partition lets both
// run), `--open-mode=append` keeps the first one's log, `--time` ends a task whose step daemon has died.

#include <fmt/core.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/shell_words.h"
#include "harness/engine/drivers/programs.h"
#include "harness/sweep/submit/child_program.h"
#include "harness/sweep/submit/submission.h"

namespace harness::slurm {
namespace {

std::string first_line(const std::string& text) {
  const std::string line = text.substr(0, text.find('\n'));
  return line.empty() ? "nothing" : printable(line);
}

int minutes(std::chrono::nanoseconds limit) {
  return static_cast<int>(
      std::chrono::ceil<std::chrono::minutes>(std::min<std::chrono::nanoseconds>(limit, std::chrono::hours(24 * 365))).count());
}

// By it a job is known as one of the sweep's.
std::string comment_of(const Submission& submission) { return "poolbench " + submission.sweep; }

}  // namespace

void require() {
  if (!drivers::find_program("sbatch")) {
    throw ConfigError(
        "--on slurm: there is no sbatch on the PATH; allowed: a machine with Slurm's commands (apt-get install slurm-client)");
  }
}

int nodes() {
  const ProgramEnd end = run_program({"sinfo", "--noheader", "--responding", "--states=idle,alloc,mix,comp", "--format=%D"});
  int count = 0;
  std::istringstream lines(end.output);
  for (int of_line = 0; end.exit_code == 0 && lines >> of_line;) count += of_line;
  if (count > 0) return count;
  throw ConfigError(end.exit_code == 0
                        ? std::string("Slurm has no node that answers; allowed: --nodes N, to queue for nodes to come")
                        : fmt::format("sinfo ended with {} and said: {}", end.exit_code, first_line(end.output)));
}

std::vector<std::string> active(const Submission& submission, const std::vector<std::string>& jobs) {
  std::vector<std::string> active;
  for (const std::string& job : jobs) {
    // A job that Slurm has forgotten is an error of squeue's.
    const ProgramEnd end = run_program({"squeue", "--noheader", "--jobs=" + job, "--format=%i"});
    if (end.exit_code == 0 && !end.output.empty()) active.push_back(job);
  }
  // What an interrupted `submit` has handed over, and not written down.
  const ProgramEnd end = run_program({"squeue", "--noheader", fmt::format("--user={}", ::geteuid()), "--format=%F %k"});
  std::istringstream lines(end.exit_code == 0 ? end.output : "");
  const std::string comment = comment_of(submission);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string job = line.substr(0, space);
    const bool is_ours = line.substr(space) == " " + comment;
    if (is_ours && std::find(active.begin(), active.end(), job) == active.end()) active.push_back(job);
  }
  return active;
}

std::vector<std::string> sbatch_command(const Submission& submission) {
  const bool array = submission.first.kind == PartKind::shard;
  const std::string script = shell_quoted((submission.directory / "part.sh").string());
  std::vector<std::string> command{"sbatch", "--parsable", "--exclusive", "--requeue", "--open-mode=append"};
  command.push_back(fmt::format("--time={}", minutes(submission.limit)));
  command.push_back("--job-name=poolbench-" + submission.suite);
  command.push_back("--comment=" + comment_of(submission));
  const std::string logs = (submission.directory / "logs").string();
  // In --output a % or a backslash would be a pattern, wherever in the path: then the script says where its words go, and Slurm's own are lost.
  const bool plain = shell_quoted(logs) == logs && logs.find('%') == std::string::npos;
  if (array) {
    std::string listed;
    for (const int part : submission.parts) listed += fmt::format("{}{}", listed.empty() ? "" : ",", part);
    command.emplace_back("--nodes=1");
    command.push_back("--array=" + listed);
    command.push_back(plain ? fmt::format("--output={}/%aof{}.log", logs, submission.first.count) : "--output=/dev/null");
  } else {
    command.push_back(fmt::format("--nodes={}", submission.parts.size()));
    command.emplace_back("--ntasks-per-node=1");
    if (!submission.avoided.empty()) command.push_back(fmt::format("--exclude={}", fmt::join(submission.avoided, ",")));
    command.push_back(plain ? "--output=" + logs + "/replicates.log" : "--output=/dev/null");
  }
  command.insert(command.end(), submission.extra.begin(), submission.extra.end());
  if (array) {
    const std::string into =
        plain ? "" : fmt::format(" >> {}/\"$SLURM_ARRAY_TASK_ID\"of{}.log 2>&1", shell_quoted(logs), submission.first.count);
    command.push_back(fmt::format("--wrap=exec sh {} \"$SLURM_ARRAY_TASK_ID\"{}", script, into));
  } else {
    // The srun task of number k measures the k-th of the parts; one node's end is no other's.
    std::string listed;
    for (const int part : submission.parts) listed += fmt::format("{} ", part);
    command.push_back(fmt::format(
        "--wrap=exec srun --no-kill --kill-on-bad-exit=0 --wait=0 sh -c 'shift \"$SLURM_PROCID\"; exec sh \"$0\" \"$1\"' {} {}{}",
        script, listed, plain ? "" : fmt::format(">> {}/replicates.log 2>&1", shell_quoted(logs))));
  }
  return command;
}

std::string submit(const Submission& submission) {
  const ProgramEnd end = run_program(sbatch_command(submission));
  std::string number;
  std::istringstream lines(end.output);  // warnings may come before it
  for (std::string line; std::getline(lines, line);) {
    // "12;cluster"; or as it is without --parsable, where a site has an sbatch of its own.
    constexpr std::string_view kInWords = "Submitted batch job ";
    const std::string candidate = line.starts_with(kInWords) ? line.substr(kInWords.size()) : line.substr(0, line.find(';'));
    if (!candidate.empty() && candidate.find_first_not_of("0123456789") == std::string::npos) number = candidate;
  }
  if (end.exit_code != 0 || number.empty()) {
    throw ConfigError(fmt::format("sbatch ended with {} and said: {}", end.exit_code, first_line(end.output)));
  }
  return number;
}

}  // namespace harness::slurm
