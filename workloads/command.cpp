// Runs a command of the user's once per input, as a child process: no shell, standard input and output from and to /dev/null,
// standard error kept for the message if it fails.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "os/boost_process.h"
#include "os/descriptor.h"
#include "workloads/catalogue.h"
#include "workloads/digest.h"

namespace workloads {
namespace {

constexpr std::size_t kLastWords = 400;  // bytes of standard error in a message

// The end of what was written, on one line.
std::string last_words(int fd) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  const off_t start = std::max<off_t>(0, size - static_cast<off_t>(kLastWords));
  std::string words(static_cast<std::size_t>(std::max<off_t>(0, size - start)), '\0');
  const ssize_t got = ::pread(fd, words.data(), words.size(), start);
  words.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  std::replace_if(
      words.begin(), words.end(), [](char c) { return c == '\n' || c == '\r' || c == '\0'; }, ' ');
  while (!words.empty() && words.back() == ' ') words.pop_back();
  return words;
}

std::string replaced(std::string argument, const std::string& input) {
  for (std::size_t at = argument.find("{}"); at != std::string::npos; at = argument.find("{}", at + input.size())) {
    argument.replace(at, 2, input);
  }
  return argument;
}

std::int64_t cpu_ns_of(const rusage& usage) {
  const auto ns = [](const timeval& time) { return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_usec * 1'000; };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

// What the status of a child that was waited for says is wrong; empty if nothing is.
std::string failure_of(int status) {
  if (WIFSIGNALED(status)) {
    return "was killed by signal " + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ")";
  }
  const int code = WEXITSTATUS(status);
  return code == 0 ? std::string() : "exited with status " + std::to_string(code);
}

struct Ended {
  std::string failure;  // empty: status 0
  std::int64_t cpu_ns = 0;
};

// Runs `arguments` to its end. Throws std::runtime_error when it cannot be started.
Ended run_child(std::vector<std::string>& arguments, int errors) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  int fork_error = 0;
  // The child writes here why it could not execute the program. Never waited for: what is to come is there when the child has ended.
  int reasons[2];
  if (::pipe2(reasons, O_CLOEXEC | O_NONBLOCK) != 0)
    throw std::runtime_error(std::string("command: cannot start a process: ") + std::strerror(errno));
  const os::Descriptor reason(reasons[0]);
  const os::Descriptor reason_writer(reasons[1]);
  // Boost.Process's own error pipe is switched off: it is not close-on-exec, so that processes started at the same time by other
  // threads would hold it open.
  namespace process = os::boost_process;
  process::child started(
      process::ignore_error, process::posix::use_vfork, process::extend::on_setup([&](auto& executor) {
        executor.exe = argv[0];
        executor.cmd_line = argv.data();
      }),
      process::std_in<process::null, process::std_out> process::null, process::extend::on_exec_setup([&](auto&) {
        // After the redirections above: whatever else this process has open is none of the command's business.
        ::dup2(errors, STDERR_FILENO);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);  // the thread that started it waits for it: they live equally long
        if (::getppid() != parent) ::_exit(127);
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::execvp(argv[0], argv.data());  // looks along PATH
        const int error = errno;
        ::_exit(::write(reason_writer.get(), &error, sizeof error) == sizeof error ? 127 : 126);
      }),
      process::extend::on_fork_error([&](auto&, const std::error_code& error) { fork_error = error.value(); }));
  if (fork_error != 0) throw std::runtime_error(std::string("command: cannot start a process: ") + std::strerror(fork_error));
  const pid_t pid = started.id();
  started.detach();  // waited for here, since Boost.Process does not give what the child used
  int status = 0;
  rusage usage{};
  while (::wait4(pid, &status, 0, &usage) < 0) {
    if (errno != EINTR) throw std::runtime_error(std::string("command: cannot wait for a process: ") + std::strerror(errno));
  }
  int exec_error = 0;
  if (::read(reason.get(), &exec_error, sizeof exec_error) == sizeof exec_error) {
    throw std::runtime_error("command: cannot execute '" + arguments.front() + "': " + std::strerror(exec_error));
  }
  return {failure_of(status), cpu_ns_of(usage)};
}

class Command final : public Workload {
 public:
  std::string_view name() const override { return "command"; }
  std::string_view summary() const override {
    return "runs a command of the user's per input, no shell: poolbench recommend -- COMMAND {}";
  }
  Needs needs() const override { return {.subject = true}; }

  Work make(const Request& request, const Calibration&) const override {
    return {.resource = request.index, .seed = request.seed};
  }
  Demand demand(const Work&, const Calibration&) const override { return {}; }
  std::string_view callback(const Work&) const override { return "sleep"; }

  std::string_view blocks() const override { return "it holds its thread until the process has ended"; }

  Product run(const Work& work, const RunContext& context, std::string_view) const override {
    const Subject& subject = context.subject;
    if (subject.command.empty()) throw std::runtime_error("command: no command was given");
    if (subject.inputs.empty()) throw std::runtime_error("command: no inputs were given");
    const std::string& input = subject.inputs[work.resource % subject.inputs.size()];
    std::vector<std::string> arguments;
    for (const std::string& argument : subject.command) arguments.push_back(replaced(argument, input));
    // A file in memory and not a pipe: nobody has to empty it while the command runs.
    const os::Descriptor errors(::memfd_create("poolbench-stderr", MFD_CLOEXEC));
    if (!errors) throw std::runtime_error(std::string("command: no memory for its output: ") + std::strerror(errno));
    const Ended ended = run_child(arguments, errors.get());
    if (!ended.failure.empty()) {
      const std::string words = last_words(errors.get());
      throw std::runtime_error("'" + arguments.front() + "' " + ended.failure + " for the input '" + input + "'" +
                               (words.empty() ? "" : "; its standard error ends: " + words));
    }
    return {.digest = combine(work.resource, "command"), .body = {}, .children_cpu_ns = ended.cpu_ns};
  }
};

}  // namespace

const Workload& command_workload() {
  static const Command kCommand;
  return kCommand;
}

}  // namespace workloads
