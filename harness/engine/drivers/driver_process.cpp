#include "harness/engine/drivers/driver_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>

#include "harness/base/console.h"
#include "os/boost_process.h"

namespace harness::drivers {
namespace {

namespace process = os::boost_process;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLastWords = 400;                  // bytes of standard error in a message
constexpr std::chrono::milliseconds kBetweenLooks{100};  // whether to stop
constexpr std::chrono::milliseconds kLingering{500};     // a driver that has closed its output is about to end

// Returns its process id. Throws NoDriverError.
pid_t start(const Command& command, int stream, int errors) {
  std::vector<char*> argv;
  for (const std::string& argument : command) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  int fork_error = 0;
  volatile int exec_error = 0;  // vfork: the child writes it in this thread's memory
  process::child started(process::ignore_error, process::posix::use_vfork, process::extend::on_setup([&](auto& executor) {
                           executor.exe = argv[0];
                           executor.cmd_line = argv.data();
                         }),
                         process::extend::on_exec_setup([&](auto&) {
                           ::dup2(stream, STDIN_FILENO);
                           ::dup2(stream, STDOUT_FILENO);
                           ::dup2(errors, STDERR_FILENO);
                           ::setpgid(0, 0);
                           ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
                           if (::getppid() != parent) ::_exit(127);
                           ::prctl(PR_SET_TIMERSLACK, 1, 0, 0,
                                   0);  // as the harness's own workers: inherited by all that it starts
                           ::signal(SIGPIPE, SIG_DFL);
                           ::signal(SIGCHLD, SIG_DFL);  // who ignores it has no children to wait for
                           sigset_t none;
                           sigemptyset(&none);
                           ::sigprocmask(SIG_SETMASK, &none, nullptr);
                           ::execv(argv[0], argv.data());
                           exec_error = errno;
                           ::_exit(127);
                         }),
                         process::extend::on_fork_error(
                             [&](auto&, const std::error_code& error) { fork_error = error.value(); }));
  if (fork_error != 0) throw NoDriverError(fmt::format("cannot start '{}': {}", command[0], std::strerror(fork_error)));
  const pid_t pid = started.id();
  started.detach();  // waited for here
  if (exec_error != 0) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) continue;
    throw NoDriverError(fmt::format("cannot execute '{}': {}", command[0], std::strerror(exec_error)));
  }
  return pid;
}

std::string exited(int status) { return fmt::format("exited with status {}", status); }
std::string killed(int signal) { return fmt::format("was killed by signal {} ({})", signal, ::strsignal(signal)); }

std::optional<Clock::time_point> deadline_of(std::optional<std::chrono::milliseconds> within) {
  if (!within) return std::nullopt;
  return Clock::now() + *within;
}

}  // namespace

std::string command_text(const Command& command) {
  std::string text;
  for (const std::string& argument : command) text += (text.empty() ? "" : " ") + argument;
  return text;
}

DriverProcess::DriverProcess(Command command) : command_(std::move(command)) {
  os::DescriptorPair stream = os::make_stream_pair();
  os::DescriptorPair errors = os::make_pipe();
  pid_ = start(command_, stream.theirs.get(), errors.theirs.get());
  stream_ = std::move(stream.ours);
  errors_ = std::move(errors.ours);
  process_ = os::Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!process_) {
    const int error = errno;
    reap();
    throw NoDriverError(fmt::format("cannot watch '{}': {}", command_[0], std::strerror(error)));
  }
  ::fcntl(errors_.get(), F_SETFL, O_NONBLOCK);
}

DriverProcess::~DriverProcess() {
  if (pid_ > 0) reap();
}

void DriverProcess::tell(std::string_view line) {
  unsent_ += line;
  unsent_ += '\n';
  send_some();
}

std::string DriverProcess::answer(std::size_t most_bytes, std::optional<std::chrono::milliseconds> within, const Stop& stop) {
  const auto deadline = deadline_of(within);
  std::size_t searched = 0;
  while (true) {
    if (const std::size_t end = received_.find('\n', searched); end != std::string::npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 1);
      if (line.size() <= most_bytes) return line;
      searched = line.size();
      received_ = std::move(line);
    }
    if (received_.size() > most_bytes) {
      throw DriverError(
          fmt::format("the driver ({}) says more than {} bytes in a line, which no answer has: its output is flooded",
                      command_text(command_), most_bytes));
    }
    searched = received_.size();
    if (ended_ || silent_) {
      std::string end = "has closed its output";
      if (!ended_) {
        const auto until = Clock::now() + kLingering;
        while (!ended_ && attend(until)) continue;
      }
      if (ended_) end = reap();
      const std::string words = last_words();
      throw DriverError(fmt::format("the driver ({}) {} before it had answered{}", command_text(command_), end,
                                    words.empty() ? "" : "; its standard error ends: " + words));
    }
    if (stop && stop()) throw StoppedError(fmt::format("the driver ({}) was stopped", command_text(command_)));
    // A signal may come between the question and the wait, which then does not notice it.
    const auto look =
        stop ? std::optional(std::min(deadline.value_or(Clock::time_point::max()), Clock::now() + kBetweenLooks)) : deadline;
    if (!attend(look) && deadline && Clock::now() >= *deadline) {
      throw LateError(
          fmt::format("the driver ({}) has not answered within {} ms: does it hang?", command_text(command_), within->count()));
    }
  }
}

std::optional<std::string> DriverProcess::leave(std::chrono::milliseconds within) {
  unsent_.clear();
  ::shutdown(stream_.get(), SHUT_WR);
  const auto deadline = Clock::now() + within;
  while (!ended_) {
    received_.clear();
    if (!attend(deadline)) return std::nullopt;
  }
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  return info.si_code == CLD_EXITED ? exited(info.si_status) : killed(info.si_status);
}

bool DriverProcess::attend(std::optional<Clock::time_point> deadline) {
  int wait_ms = -1;
  if (deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
    if (left.count() <= 0) return false;
    wait_ms = static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000));
  }
  // A negative descriptor is passed over.
  const short of_stream = static_cast<short>((silent_ ? 0 : POLLIN) | (unsent_.empty() || deaf_ ? 0 : POLLOUT));
  std::array<pollfd, 3> events{{{.fd = of_stream == 0 ? -1 : stream_.get(), .events = of_stream, .revents = 0},
                                {.fd = errors_ ? errors_.get() : -1, .events = POLLIN, .revents = 0},
                                {.fd = process_.get(), .events = POLLIN, .revents = 0}}};
  if (::poll(events.data(), events.size(), wait_ms) < 0 && errno != EINTR) {
    throw std::system_error(errno, std::generic_category(), "cannot wait for a driver");
  }
  if (events[0].revents & POLLOUT) send_some();
  if (events[0].revents & ~POLLOUT) receive_some();
  if (events[1].revents != 0) read_words();
  if (events[2].revents != 0) {
    ended_ = true;
    receive_some();
    read_words();
  }
  return true;
}

void DriverProcess::send_some() {
  while (!unsent_.empty() && !deaf_) {
    const ssize_t sent = ::send(stream_.get(), unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      unsent_.erase(0, static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      deaf_ = true;  // how the driver ended says why
    }
  }
}

// A piece at a time, so that a flood is seen by who counts; all that is there once the driver has ended.
void DriverProcess::receive_some() {
  std::array<char, 65536> buffer;
  while (!silent_) {
    const ssize_t got = ::recv(stream_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      silent_ = true;
      return;
    }
    received_.append(buffer.data(), static_cast<std::size_t>(got));
    if (!ended_) return;
  }
}

void DriverProcess::read_words() {
  std::array<char, 4096> buffer;
  // A piece at a time, too; what is left when it has ended fits into a pipe.
  for (int pieces = ended_ ? 64 : 1; errors_ && pieces > 0; --pieces) {
    const ssize_t got = ::read(errors_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      errors_.reset();
      return;
    }
    words_.append(buffer.data(), static_cast<std::size_t>(got));
    if (words_.size() > 2 * kLastWords) words_.erase(0, words_.size() - kLastWords);
  }
}

// Ends it, if it has not ended, and tells how it did.
std::string DriverProcess::reap() {
  ::kill(-pid_, SIGKILL);  // what is left of its group, whose id is its own until it is waited for
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) {
      pid_ = -1;
      return "ended with an unknown status";
    }
  }
  pid_ = -1;
  return WIFSIGNALED(status) ? killed(WTERMSIG(status)) : exited(WEXITSTATUS(status));
}

// The end of what it wrote, on one line.
std::string DriverProcess::last_words() const {
  std::string words = words_.substr(words_.size() - std::min(words_.size(), kLastWords));
  std::replace_if(
      words.begin(), words.end(), [](char c) { return c == '\n' || c == '\r' || c == '\0'; }, ' ');
  while (!words.empty() && words.back() == ' ') words.pop_back();
  return printable(words);
}

}  // namespace harness::drivers
