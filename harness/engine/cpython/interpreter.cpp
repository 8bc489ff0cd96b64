#include "harness/engine/cpython/interpreter.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "harness/base/errors.h"
#include "os/boost_process.h"
#include "os/descriptor.h"

namespace harness::cpython {
namespace {

namespace process = os::boost_process;

constexpr std::string_view kDriver = "drivers/cpython/driver.py";
constexpr std::size_t kLastWords = 400;  // bytes of standard error in a message
constexpr std::int64_t kCalibrationBudgetNs = 250'000'000;

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

// The driver's process, which leads a group; the group is killed and the process reaped by the destructor. (The python3 of the PATH
// may be a script that starts another program.)
class Process {
 public:
  Process(const Driver& driver, int stream, int errors) {
    std::string python = driver.python.string();
    std::string script = driver.script.string();
    std::string isolated = "-I";     // no PYTHON* variable and no user's package changes what is measured
    std::string no_bytecode = "-B";  // the tree may be somebody else's
    std::array<char*, 5> argv{python.data(), isolated.data(), no_bytecode.data(), script.data(), nullptr};
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
                             sigset_t none;
                             sigemptyset(&none);
                             ::sigprocmask(SIG_SETMASK, &none, nullptr);
                             ::execv(argv[0], argv.data());
                             exec_error = errno;
                             ::_exit(127);
                           }),
                           process::extend::on_fork_error(
                               [&](auto&, const std::error_code& error) { fork_error = error.value(); }));
    if (fork_error != 0) throw std::runtime_error(fmt::format("cannot start '{}': {}", python, std::strerror(fork_error)));
    pid_ = started.id();
    started.detach();  // waited for here
    if (exec_error != 0) {
      wait();
      throw std::runtime_error(fmt::format("cannot execute '{}': {}", python, std::strerror(exec_error)));
    }
  }
  ~Process() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    wait();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Waits for its end: "exited with status 3", "was killed by signal 9 (Killed)".
  std::string wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0) {
      if (errno != EINTR) {
        pid_ = -1;
        return "ended with an unknown status";
      }
    }
    pid_ = -1;
    if (WIFSIGNALED(status)) return fmt::format("was killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
    return fmt::format("exited with status {}", WEXITSTATUS(status));
  }

 private:
  pid_t pid_ = -1;  // -1: reaped
};

class TooLate : public std::exception {};

void send_all(int stream, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(stream, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EINTR) {
      return;  // nobody reads it any more; how the driver ended says why
    }
  }
}

// One line, without its end; empty when the stream ended before. Throws TooLate at the deadline.
std::string receive_line(int stream, std::optional<std::chrono::steady_clock::time_point> deadline) {
  std::string line;
  std::array<char, 65536> buffer;
  while (true) {
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
      pollfd readable{.fd = stream, .events = POLLIN, .revents = 0};
      const int ready =
          left.count() <= 0 ? 0 : ::poll(&readable, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000)));
      if (left.count() <= 0) throw TooLate();
      if (ready <= 0) continue;
    }
    const ssize_t got = ::recv(stream, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return {};
    line.append(buffer.data(), static_cast<std::size_t>(got));
    if (line.back() == '\n') {
      line.pop_back();
      return line;
    }
  }
}

Python python_from(const Driver& driver, const std::string& question, std::chrono::milliseconds within) {
  try {
    const nlohmann::json answer = nlohmann::json::parse(ask(driver, question, within));
    Python python;
    answer.at("executable").get_to(python.executable);
    answer.at("implementation").get_to(python.implementation);
    answer.at("version").get_to(python.version);
    answer.at("gil").get_to(python.gil);
    python.spin_units_per_ns = answer.value("spin_steps_per_ns", 0.0);
    return python;
  } catch (const std::exception& error) {
    throw ConfigError(fmt::format("'{}' cannot run CPython's executors: {}", driver.python.string(), error.what()));
  }
}

}  // namespace

std::optional<std::filesystem::path> find_python(std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find(':'), path.size());
    // An empty entry means the working directory to a shell; nobody who measures means that.
    const std::filesystem::path candidate = std::filesystem::path(path.substr(0, end)) / "python3";
    std::error_code error;
    if (end > 0 && std::filesystem::is_regular_file(candidate, error) && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return std::nullopt;
}

std::optional<std::filesystem::path> find_python() {
  const char* const path = std::getenv("PATH");
  return find_python(path == nullptr ? "" : path);
}

std::optional<std::filesystem::path> find_driver() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path installed =
      program.parent_path().parent_path() / POOLBENCH_DATADIR / "poolbench" / "scripts" / kDriver;
  if (!program.empty() && std::filesystem::is_regular_file(installed, error)) return installed;
  const std::filesystem::path source = std::filesystem::path(POOLBENCH_SCRIPTS_DIRECTORY) / kDriver;
  if (std::filesystem::is_regular_file(source, error)) return source;
  return std::nullopt;
}

Driver require_driver() {
  const auto python = find_python();
  if (!python) throw ConfigError("CPython's executors need python3, and there is none on the PATH");
  const auto script = find_driver();
  if (!script) {
    throw ConfigError(fmt::format("the driver of CPython's executors is missing: {} is neither installed nor in '{}'", kDriver,
                                  POOLBENCH_SCRIPTS_DIRECTORY));
  }
  return {*python, *script};
}

std::string ask(const Driver& driver, std::string_view question, std::optional<std::chrono::milliseconds> within) {
  os::DescriptorPair stream = os::make_stream_pair();
  // A file in memory and not a pipe: nobody has to empty it meanwhile.
  const os::Descriptor errors(::memfd_create("poolbench-python-stderr", MFD_CLOEXEC));
  if (!errors) throw std::system_error(errno, std::generic_category(), "no memory for the Python driver's output");
  Process process(driver, stream.theirs.get(), errors.get());
  stream.theirs.reset();
  std::optional<std::chrono::steady_clock::time_point> deadline;
  if (within) deadline = std::chrono::steady_clock::now() + *within;
  send_all(stream.ours.get(), std::string(question) + '\n');
  std::string line;
  try {
    line = receive_line(stream.ours.get(), deadline);
  } catch (const TooLate&) {
    throw std::runtime_error(fmt::format("it has not answered within {} ms: does it hang?", within->count()));
  }
  if (line.empty()) {
    const std::string end = process.wait();
    const std::string words = last_words(errors.get());
    throw std::runtime_error(fmt::format("the Python driver ({} {}) {} before it had answered{}", driver.python.string(),
                                         driver.script.string(), end,
                                         words.empty() ? "" : "; its standard error ends: " + words));
  }
  const auto answer = nlohmann::json::parse(line, nullptr, false);
  if (!answer.is_object()) throw std::runtime_error("the Python driver's answer is not a JSON object");
  if (answer.contains("error")) throw std::runtime_error("Python: " + answer.at("error").get<std::string>());
  return line;
}

std::string Python::line() const { return fmt::format("{} {}, GIL {}", implementation, version, gil ? "enabled" : "disabled"); }

bool Python::is(const Python& other) const {
  return executable == other.executable && version == other.version && implementation == other.implementation && gil == other.gil;
}

Python describe(const Driver& driver, std::chrono::milliseconds within) {
  return python_from(driver, R"({"command": "describe"})", within);
}

Python measure(const Driver& driver, std::chrono::milliseconds within) {
  return python_from(driver, fmt::format(R"({{"command": "calibrate", "budget_ns": {}}})", kCalibrationBudgetNs), within);
}

void add_to(workloads::Calibration& calibration, const Python& python) {
  calibration.python_spin_units_per_ns = python.spin_units_per_ns;
  calibration.python_lock = python.gil;
}

}  // namespace harness::cpython
