// GNU parallel over ssh: what there is where there is no scheduler. One part at a time on each host; a part whose host is lost runs again elsewhere.

#include <fmt/core.h>

#include <cstdlib>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/read_file.h"
#include "harness/base/shell_words.h"
#include "harness/base/text.h"
#include "harness/engine/drivers/programs.h"
#include "harness/sweep/submit/child_program.h"
#include "harness/sweep/submit/submission.h"

namespace harness::parallel {
namespace {

constexpr std::size_t kMostHostsBytes = std::size_t{1} << 20;

// A host that answers no more is an error after 15 s, and none asks for a password.
constexpr const char* kSsh = "ssh -o BatchMode=yes -o ConnectTimeout=5 -o ServerAliveInterval=5 -o ServerAliveCountMax=3";

// $PARALLEL_SSH, as GNU parallel has it, or ssh.
std::string remote_shell() {
  const char* const own = std::getenv("PARALLEL_SSH");
  return own != nullptr && *own != '\0' ? own : kSsh;
}

}  // namespace

std::vector<std::string> read_hosts(const std::filesystem::path& file) {
  std::vector<std::string> hosts;
  for (const ListedLine& line : listed_lines(read_file(file, "list of hosts", kMostHostsBytes))) {
    const std::string& host = line.text;
    if (host.find_first_of(" \t,") != std::string::npos || host.front() == '-') {
      throw ConfigError(
          fmt::format("bad host '{}' in '{}'; allowed: one host a line, as ssh takes it", printable(host), file.string()));
    }
    hosts.push_back(host);
  }
  if (hosts.empty())
    throw ConfigError(fmt::format("'{}' names no host; allowed: one host a line, as ssh takes it", file.string()));
  return hosts;
}

void require(const std::vector<std::string>& hosts) {
  if (!drivers::find_program("parallel")) {
    throw ConfigError(
        "--on parallel: there is no parallel on the PATH; allowed: a machine with GNU parallel (apt-get install parallel)");
  }
  for (const std::string& host : hosts) {
    const ProgramEnd end = run_program({"sh", "-c", fmt::format("exec {} {} true", remote_shell(), shell_quoted(host))});
    if (end.exit_code == 0) continue;
    const std::string said = end.output.substr(0, end.output.find('\n'));
    throw ConfigError(fmt::format(
        "the host '{}' cannot be reached: ended with {}{}; allowed: hosts that `ssh HOST true` reaches without a password", host,
        end.exit_code, said.empty() ? "" : " and said: " + printable(said)));
  }
}

std::vector<std::string> command(const Submission& submission, const std::vector<std::string>& hosts) {
  std::vector<std::string> command{"parallel", "--will-cite", "--jobs=1", "--retries=3"};
  command.push_back("--joblog=" + (submission.directory / "logs" / "joblog").string());
  command.push_back("--ssh=" + remote_shell());
  for (const std::string& host : hosts) command.push_back("--sshlogin=1/" + host);
  command.insert(command.end(), submission.extra.begin(), submission.extra.end());
  command.push_back(fmt::format("sh {} {{}} >> {}/{{}}of{}.log 2>&1", shell_quoted((submission.directory / "part.sh").string()),
                                shell_quoted((submission.directory / "logs").string()), submission.first.count));
  command.emplace_back(":::");
  for (const int part : submission.parts) command.push_back(std::to_string(part));
  return command;
}

int run(const Submission& submission, const std::vector<std::string>& hosts) {
  return run_in_foreground(command(submission, hosts));
}

}  // namespace harness::parallel
