// GNU parallel over ssh: what there is where there is no scheduler. One part at a time on each host; a part whose host is lost runs again elsewhere.

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <string_view>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/read_file.h"
#include "harness/base/shell_words.h"
#include "harness/base/text.h"
#include "harness/engine/drivers/programs.h"
#include "harness/sweep/interrupt.h"
#include "harness/sweep/submit/child_program.h"
#include "harness/sweep/submit/submission.h"

namespace harness::parallel {
namespace {

constexpr std::size_t kMostHostsBytes = std::size_t{1} << 20;

// What ssh takes for a host, GNU parallel does not take for more than one, and no shell for anything.
constexpr std::string_view kOfHosts = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@:[]%";
constexpr std::size_t kMostOfAHost = 80;  // bytes, in a message
constexpr std::chrono::seconds kPatienceWithHosts{20};

// A host that answers no more is an error after 15 s, and none asks for a password.
constexpr const char* kSsh = "ssh -o BatchMode=yes -o ConnectTimeout=5 -o ServerAliveInterval=5 -o ServerAliveCountMax=3";

// $PARALLEL_SSH, as GNU parallel has it, or ssh.
std::string remote_shell() {
  const char* const own = std::getenv("PARALLEL_SSH");
  return own != nullptr && *own != '\0' ? own : kSsh;
}

bool is_host(const std::string& text) {
  const bool begins_well =
      (std::isalnum(static_cast<unsigned char>(text.front())) != 0) || text.front() == '[' || text.front() == '_';
  return begins_well && text.find_first_not_of(kOfHosts) == std::string::npos;
}

// A path as a word for a shell in which GNU parallel finds nothing of its own: it would replace {} and {1}, and break a line in two, and with
// --hostgroups it takes what follows an @ for a group.
std::string word_of(const std::filesystem::path& path) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./";
  const std::string text = path.string();
  if (text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string escaped;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      escaped += c;
    } else {
      escaped += fmt::format("\\{:03o}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return "\"$(printf '" + escaped + "')\"";
}

// What measures a part.
std::string job(const Submission& submission, int part) {
  const std::string log = fmt::format("{}of{}.log", part, submission.first.count);
  return fmt::format("sh {} {} >> {} 2>&1", word_of(submission.directory / "part.sh"), part,
                     word_of(submission.directory / "logs" / log));
}

}  // namespace

std::vector<std::string> read_hosts(const std::filesystem::path& file) {
  std::vector<std::string> hosts;
  for (const ListedLine& line : listed_lines(read_file(file, "list of hosts", kMostHostsBytes))) {
    const std::string& host = line.text;
    if (!is_host(host)) {
      throw ConfigError(
          fmt::format("bad host '{}' in line {} of '{}'; allowed: one host a line, as ssh takes it: letters, digits and {}",
                      printable(host.substr(0, kMostOfAHost)), line.number, file.string(), kOfHosts.substr(kOfHosts.find('.'))));
    }
    if (std::find(hosts.begin(), hosts.end(), host) != hosts.end()) {
      throw ConfigError(
          fmt::format("'{}' names the host '{}' twice; allowed: each host once, for a host measures one part at a time",
                      file.string(), host));
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
    const ProgramEnd end =
        run_program({"sh", "-c", fmt::format("exec {} {} true", remote_shell(), shell_quoted(host))}, kPatienceWithHosts);
    if (interrupt_requested()) return;
    if (end.too_late) {
      throw ConfigError(fmt::format(
          "the host '{}' cannot be reached: no answer within {} s; allowed: hosts that `ssh HOST true` reaches without "
          "a password",
          host, kPatienceWithHosts.count()));
    }
    if (end.exit_code == 0) continue;
    const std::string said = end.output.substr(0, end.output.find('\n'));
    throw ConfigError(fmt::format(
        "the host '{}' cannot be reached: ended with {}{}; allowed: hosts that `ssh HOST true` reaches without a password", host,
        end.exit_code, said.empty() ? "" : " and said: " + printable(said)));
  }
}

std::vector<std::string> command(const Submission& submission, const std::vector<std::string>& hosts) {
  const bool pinned =
      submission.first.kind == PartKind::replicate;  // the second replicate to the second host, also when it is resumed
  std::vector<std::string> command{"parallel", "--will-cite", "--jobs=1"};
  // A job that has failed on the only host of its group would wait for another for ever.
  command.emplace_back(pinned ? "--retries=1" : "--retries=3");
  command.push_back("--joblog=" + (submission.directory / "logs" / "joblog").string());
  command.push_back("--ssh=" + remote_shell());
  if (pinned) command.emplace_back("--hostgroups");
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    command.push_back(fmt::format("--sshlogin={}1/{}", pinned ? fmt::format("@machine{}/", i + 1) : "", hosts[i]));
  }
  command.insert(command.end(), submission.extra.begin(), submission.extra.end());
  command.emplace_back(":::");
  for (const int part : submission.parts) {
    command.push_back(job(submission, part) + (pinned ? fmt::format("@machine{}", part) : ""));
  }
  return command;
}

int run(const Submission& submission, const std::vector<std::string>& hosts, int lock) {
  return run_in_foreground(command(submission, hosts), lock);
}

}  // namespace harness::parallel
