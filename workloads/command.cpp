// Runs a command of the user's once per input, as a child process: no shell, standard input and output from and to /dev/null,
// standard error kept for the message if it fails. Where a callback is to have what it prints, that is kept, too; the callback, another
// command, has it as its standard input.

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
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "os/boost_process.h"
#include "os/descriptor.h"
#include "workloads/catalogue.h"
#include "workloads/digest.h"
#include "workloads/named_workloads.h"

namespace workloads {
namespace {

constexpr std::size_t kLastWords = 400;                      // bytes of standard error in a message
constexpr std::size_t kMostPrinted = std::size_t{64} << 20;  // bytes that a callback is given

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
  std::int64_t delayed_ns = 0;
};

// For how long the process, which has ended and is not reaped, was ready and had no CPU: its first thread, without children of its own. 0 where
// the kernel does not say.
std::int64_t run_delay_ns(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/schedstat");  // time on a CPU, time ready without one, time slices
  std::int64_t on_cpu = 0;
  std::int64_t ready = 0;
  return file >> on_cpu >> ready ? ready : 0;
}

// A file in memory and not a pipe: nobody has to empty it while the command runs.
os::Descriptor memory_file(const char* name) {
  os::Descriptor file(::memfd_create(name, MFD_CLOEXEC));
  if (!file) throw std::runtime_error(std::string("command: no memory for its output: ") + std::strerror(errno));
  return file;
}

// What a command reads and writes; -1: /dev/null.
struct Streams {
  int input = -1;
  int output = -1;
  int errors = -1;
};

// Runs `arguments` to its end. Throws std::runtime_error when it cannot be started.
Ended run_child(std::vector<std::string>& arguments, const Streams& streams) {
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
        ::dup2(streams.errors, STDERR_FILENO);
        if (streams.input >= 0) ::dup2(streams.input, STDIN_FILENO);
        if (streams.output >= 0) ::dup2(streams.output, STDOUT_FILENO);
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
  siginfo_t end{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &end, WEXITED | WNOWAIT) < 0 && errno == EINTR) continue;
  const std::int64_t delayed_ns = run_delay_ns(pid);
  int status = 0;
  rusage usage{};
  while (::wait4(pid, &status, 0, &usage) < 0) {
    if (errno != EINTR) throw std::runtime_error(std::string("command: cannot wait for a process: ") + std::strerror(errno));
  }
  int exec_error = 0;
  if (::read(reason.get(), &exec_error, sizeof exec_error) == sizeof exec_error) {
    throw std::runtime_error("command: cannot execute '" + arguments.front() + "': " + std::strerror(exec_error));
  }
  return {failure_of(status), cpu_ns_of(usage), delayed_ns};
}

// All that was written to the file, as the standard output of `program`. Throws std::runtime_error.
std::string printed(int file, const std::string& program) {
  const off_t size = ::lseek(file, 0, SEEK_END);
  if (static_cast<std::size_t>(std::max<off_t>(0, size)) > kMostPrinted) {
    throw std::runtime_error("'" + program + "' printed " + std::to_string(size) + " bytes; a callback is given at most " +
                             std::to_string(kMostPrinted));
  }
  std::string text(static_cast<std::size_t>(std::max<off_t>(0, size)), '\0');
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t got = ::pread(file, text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw std::runtime_error("command: what '" + program + "' printed cannot be read");
    at += static_cast<std::size_t>(got);
  }
  return text;
}

// A file from which a command reads `text`. Throws std::runtime_error.
os::Descriptor input_file(std::string_view text) {
  os::Descriptor file = memory_file("poolbench-stdin");
  while (!text.empty()) {
    const ssize_t put = ::write(file.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw std::runtime_error(std::string("command: no memory for its input: ") + std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

// Runs the command for one of the subject's inputs. Throws std::runtime_error when it fails.
Ended run_for(const std::vector<std::string>& command, const std::string& input, Streams streams) {
  std::vector<std::string> arguments;
  for (const std::string& argument : command) arguments.push_back(replaced(argument, input));
  const os::Descriptor errors = memory_file("poolbench-stderr");
  streams.errors = errors.get();
  Ended ended = run_child(arguments, streams);
  if (ended.failure.empty()) return ended;
  const std::string words = last_words(errors.get());
  throw std::runtime_error("'" + arguments.front() + "' " + ended.failure + " for the input '" + input + "'" +
                           (words.empty() ? "" : "; its standard error ends: " + words));
}

// "command", or "command:./convert {}": which it is stands in the Subject.
class Command : public Workload {
 public:
  explicit Command(std::string name) : name_(std::move(name)) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override {
    return "runs a command of the user's per input, no shell: poolbench recommend -- COMMAND {}";
  }
  Needs needs() const override { return {.subject = true}; }

  Work make(const Request& request, const Calibration&) const override {
    return {.resource = request.index, .seed = request.seed};
  }
  Demand demand(const Work&, const Calibration&) const override { return {}; }
  std::string_view callback(const Work&) const override { return "sleep"; }
  const Workload& in_catalogue() const override { return command_workload(); }
  const Workload& as_callback() const override { return command_callback_workload(); }

  std::string_view blocks() const override { return "it holds its thread until the process has ended"; }

  Product run(const Work& work, const RunContext& context, std::string_view) const override {
    const Subject& subject = context.subject;
    if (subject.command.empty()) throw std::runtime_error("command: no command was given");
    if (subject.inputs.empty()) throw std::runtime_error("command: no inputs were given");
    const std::string& input = subject.inputs[work.resource % subject.inputs.size()];
    const std::uint64_t digest = combine(work.resource, "command");
    if (!subject.has_callback()) {
      const Ended ended = run_for(subject.command, input, {});
      return {.digest = digest, .body = {}, .children_cpu_ns = ended.cpu_ns, .children_delayed_ns = ended.delayed_ns};
    }
    const os::Descriptor output = memory_file("poolbench-stdout");
    const Ended ended = run_for(subject.command, input, {.output = output.get()});
    return {.digest = digest,
            .body = printed(output.get(), subject.command.front()),
            .children_cpu_ns = ended.cpu_ns,
            .children_delayed_ns = ended.delayed_ns};
  }

 private:
  const std::string name_;
};

class CommandCallback final : public Command {
 public:
  CommandCallback() : Command("command_callback") {}

  std::string_view summary() const override {
    return "runs a command of the user's on what the task has printed, its standard input: poolbench recommend --callback";
  }
  const Workload& in_catalogue() const override { return *this; }

  Product run(const Work& work, const RunContext& context, std::string_view input) const override {
    const Subject& subject = context.subject;
    if (subject.callback_command.empty()) throw std::runtime_error("command_callback: no command was given");
    if (subject.inputs.empty()) throw std::runtime_error("command_callback: no inputs were given");
    const os::Descriptor given = input_file(input);
    const Ended ended =
        run_for(subject.callback_command, subject.inputs[work.resource % subject.inputs.size()], {.input = given.get()});
    return {.digest = combine(work.resource, "command_callback"),
            .body = {},
            .children_cpu_ns = ended.cpu_ns,
            .children_delayed_ns = ended.delayed_ns};
  }
};

}  // namespace

const Workload& command_workload() {
  static const Command kCommand("command");
  return kCommand;
}

const Workload& command_callback_workload() {
  static const CommandCallback kCallback;
  return kCallback;
}

const Workload* find_command_workload(std::string_view name) {
  constexpr std::string_view kPrefix = "command:";
  static NamedWorkloads<Command> all;
  return name.starts_with(kPrefix) && name.size() > kPrefix.size() ? &all.named(name) : nullptr;
}

}  // namespace workloads
