#include "harness/sweep/submit/child_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "harness/engine/drivers/programs.h"
#include "harness/sweep/interrupt.h"
#include "os/boost_process.h"
#include "os/descriptor.h"

namespace harness {
namespace {

namespace process = os::boost_process;
using ProgramClock = std::chrono::steady_clock;

constexpr int kNotFound = 127;
constexpr int kBySignal = 128;
// A signal that comes between a look at the flag and poll() is seen at the next look.
constexpr std::chrono::milliseconds kBetweenLooks{50};
constexpr std::chrono::seconds kToEnd{10};

struct ProgramStart {
  pid_t pid = -1;
  std::string why;  // it could not be started
};

// `output`: what its standard output and error go to; negative: where this program's go. `keep`: another descriptor that it has, or negative.
ProgramStart start_program(const std::vector<std::string>& argv, int output, int keep, int signal_at_our_end) {
  const auto program = drivers::find_program(argv.front());
  if (!program) return {};
  const os::Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const pid_t parent = ::getpid();
  std::error_code error;
  process::child child(process::exe = program->string(), process::args = std::vector<std::string>(argv.begin() + 1, argv.end()),
                       error, process::extend::on_exec_setup([&](auto&) {
                         ::prctl(PR_SET_PDEATHSIG, signal_at_our_end, 0, 0, 0);
                         if (::getppid() != parent) ::_exit(kNotFound);
                         if (nothing) ::dup2(nothing.get(), STDIN_FILENO);
                         if (output >= 0) {
                           ::dup2(output, STDOUT_FILENO);
                           ::dup2(output, STDERR_FILENO);
                         }
                         if (keep >= 0) ::fcntl(keep, F_SETFD, 0);
                       }));
  if (error) return {-1, error.message()};
  const pid_t pid = child.id();
  child.detach();  // waited for here
  return {pid, ""};
}

int exit_code_of_status(int status) { return WIFSIGNALED(status) ? kBySignal + WTERMSIG(status) : WEXITSTATUS(status); }

int end_of(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return exit_code_of_status(status);
}

}  // namespace

ProgramEnd run_program(const std::vector<std::string>& argv, std::optional<std::chrono::milliseconds> limit) {
  auto [output, theirs] = os::make_pipe();
  const ProgramStart started = start_program(argv, theirs.get(), -1, SIGKILL);
  theirs.reset();
  if (started.pid < 0) return {kNotFound, started.why};
  const auto until = ProgramClock::now() + limit.value_or(std::chrono::hours(24 * 365));
  ProgramEnd end;
  pollfd ready{output.get(), POLLIN, 0};
  std::array<char, 4096> buffer{};
  for (;;) {
    end.too_late = ProgramClock::now() >= until;
    if (end.too_late || interrupt_requested()) {
      ::kill(started.pid, SIGKILL);
      break;
    }
    if (::poll(&ready, 1, static_cast<int>(kBetweenLooks.count())) <= 0) continue;
    const ssize_t got = ::read(output.get(), buffer.data(), buffer.size());
    if (got == 0 || (got < 0 && errno != EINTR)) break;
    if (got > 0) end.output.append(buffer.data(), static_cast<std::size_t>(got));
  }
  end.exit_code = end_of(started.pid);
  return end;
}

int run_in_foreground(const std::vector<std::string>& argv, int inherited) {
  // To GNU parallel SIGTERM is what ends its jobs, too.
  const ProgramStart started = start_program(argv, -1, inherited, SIGTERM);
  if (started.pid < 0) return kNotFound;
  std::optional<ProgramClock::time_point> killed_at;
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(started.pid, &status, WNOHANG);
    if (ended == started.pid) return exit_code_of_status(status);
    if (ended < 0 && errno != EINTR) return kNotFound;
    if (interrupt_requested() && !killed_at) {
      ::kill(started.pid, SIGTERM);
      killed_at = ProgramClock::now() + kToEnd;
    } else if (killed_at && ProgramClock::now() >= *killed_at) {
      ::kill(started.pid, SIGKILL);
    }
    ::poll(nullptr, 0, static_cast<int>(kBetweenLooks.count()));
  }
}

}  // namespace harness
