#include "pools/src/remote/launches.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "pools/src/remote/protocol.h"

namespace pools {
namespace detail {
namespace {

constexpr int kMostFailures = 5;    // in a row
constexpr int kCannotBeMended = 2;  // the exit code of an agent that has said why

std::string shell_word(const std::string& text) {
  const auto harmless = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./:@%+=,").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), harmless)) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

std::string user_of_launch(std::size_t index) { return "launch " + std::to_string(index); }

}  // namespace

std::string command_line(const Launcher& launcher, const std::string& host, const std::string& address) {
  const std::string program =
      launcher.program.empty() ? std::filesystem::read_symlink("/proc/self/exe").string() : launcher.program;
  const std::string agent = shell_word(program) + " " + kAgentArgument + " " + shell_word(address);
  std::string line = launcher.command;
  replace_all(line, "{quoted agent}", shell_word(agent));
  replace_all(line, "{agent}", agent);
  replace_all(line, "{host}", shell_word(host));
  return line;
}

Launches::Launches(const Launcher& launcher, Router& router) {
  if (launcher.command.empty()) return;
  if (launcher.hosts.empty()) throw std::invalid_argument("a remote pool's launcher has no hosts: name one at least");
  if (launcher.command.find("agent}") == std::string::npos) {
    throw std::invalid_argument("the command of a remote pool's launcher is '" + launcher.command + "': it starts no {agent}");
  }
  for (const std::string& host : launcher.hosts) {
    if (host.empty() || host.front() == '-')
      throw std::invalid_argument("a remote pool cannot start an agent on host '" + host + "'");
    launches_.push_back({});
    launches_.back().host = host;
    launches_.back().line = command_line(launcher, host, router.endpoint());
    launches_.back().key = to_text(router.new_agent_key(user_of_launch(launches_.size() - 1))) + "\n";
  }
  next_ = Clock::time_point::min();
}

void Launches::start(Launch& launch, Clock::time_point now) {
  try {
    auto [theirs, ours] = make_socket_pair(SOCK_STREAM);  // not a pipe: to write to one that nobody reads is a signal
    if (!theirs) throw SpawnError("make the standard input of a command", errno);
    launch.child =
        spawn({.arguments = {"-c", launch.line}, .program = "/bin/sh", .stdin_fd = theirs.get(), .own_process_group = true});
    launch.input = std::move(ours);
    launch.running = true;
    [[maybe_unused]] const ssize_t sent = ::send(launch.input.get(), launch.key.data(), launch.key.size(), MSG_NOSIGNAL);
  } catch (const std::exception& error) {
    ended(launch, error.what(), false, now);
  }
}

void Launches::ended(Launch& launch, const std::string& how, bool for_good, Clock::time_point now) {
  launch.running = false;
  launch.input.reset();
  launch.last = how;
  ++launch.failures;
  launch.given_up = for_good || launch.failures >= kMostFailures;
  launch.due = now + std::chrono::milliseconds(100) * (1 << launch.failures);
}

void Launches::look(Clock::time_point now) {
  for (Launch& launch : launches_) {
    if (launch.running) {
      if (const std::optional<ExitStatus> status = launch.child.try_wait()) {
        launch.child.kill_group(SIGKILL);
        ended(launch, status->description(), status->exit_code == kCannotBeMended, now);
      }
    }
    if (!launch.running && !launch.given_up && launch.due <= now) start(launch, now);
  }
  descriptors_.clear();
  next_.reset();
  for (const Launch& launch : launches_) {
    if (launch.running) {
      descriptors_.push_back(launch.child.pidfd());
    } else if (!launch.given_up) {
      next_ = next_ ? std::min(*next_, launch.due) : launch.due;
    }
  }
}

void Launches::started_well(const std::string& user) noexcept {
  for (std::size_t index = 0; index < launches_.size(); ++index) {
    if (user == user_of_launch(index)) launches_[index].failures = 0;
  }
}

std::string Launches::despair() const {
  std::string text;
  for (const Launch& launch : launches_) {
    if (!launch.given_up) return "";
    text += (text.empty() ? "" : ", ") + ("the command for host '" + launch.host + "' " + launch.last);
  }
  return text;
}

void Launches::farewell() noexcept {
  for (Launch& launch : launches_) {
    launch.given_up = true;
    launch.input.reset();
  }
}

bool Launches::all_ended() noexcept {
  for (Launch& launch : launches_) {
    try {
      if (launch.running && !launch.child.try_wait()) return false;
    } catch (const std::exception&) {
      return false;
    }
  }
  return true;
}

void Launches::kill() noexcept {
  for (Launch& launch : launches_) {
    launch.child.kill_group(SIGKILL);
    launch.child = Child();  // kills and reaps
  }
  descriptors_.clear();
}

}  // namespace detail

Launcher ssh(const SshOptions& options) {
  return {.command = "exec ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=1 -o ServerAliveCountMax=3 " +
                     options.flags + " {host} {quoted agent}",
          .hosts = options.hosts,
          .program = options.program};
}

Launcher slurm(const SlurmOptions& options) {
  if (options.nodes < 1) {
    throw std::invalid_argument("the number of Slurm's nodes is " + std::to_string(options.nodes) + "; allowed: 1 and more");
  }
  const std::string nodes = std::to_string(options.nodes);
  if (std::getenv("SLURM_JOB_ID") != nullptr) {
    return {.command = "exec srun --nodes=" + nodes + " --ntasks=" + nodes +
                       " --ntasks-per-node=1 --no-kill --kill-on-bad-exit=0 --wait=0 --input=all " + options.flags + " {agent}",
            .hosts = {"slurm"},
            .program = options.program,
            .agents = options.nodes};
  }
  Launcher launcher{.command =
                        "read -r POOLS_AGENT_KEY; export POOLS_AGENT_KEY; "
                        "job=$(printf '#!/bin/sh\\nexec %s\\n' {quoted agent} | sbatch --parsable --requeue --exclusive "
                        "--nodes=1 --ntasks=1 --job-name=pool-agent --open-mode=append --output=/dev/null " +
                        options.flags + ") || exit 2; cat >/dev/null; scancel \"${job%%;*}\"",
                    .program = options.program};
  for (int node = 1; node <= options.nodes; ++node) launcher.hosts.push_back("node " + std::to_string(node));
  return launcher;
}

}  // namespace pools
