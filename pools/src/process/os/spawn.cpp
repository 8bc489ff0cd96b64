#include "pools/src/process/os/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "os/boost_process.h"
#include "pools/detail/forks.h"
#include "pools/detail/futex.h"
#include "pools/src/base/mutex.h"

namespace pools {
namespace {

using detail::await_packet;
using detail::FileDescriptor;
using detail::ReceivedPacket;

constexpr int kChannel = 3;                         // the child's channel_fd
constexpr int kFirstSafe = 10;                      // descriptors from here on are not in the way of those that a child is given
constexpr const char* kProgram = "/proc/self/exe";  // itself, not what it points at: the file may be replaced or deleted

enum class Step : int { close_range, group, death_signal, pidfd, exec };

const char* description_of(Step step) {
  switch (step) {
    case Step::close_range:
      return "close inherited descriptors";
    case Step::group:
      return "make a process group";
    case Step::death_signal:
      return "ask for a signal on the parent's death";
    case Step::pidfd:
      return "open a pidfd";
    case Step::exec:
      return "execute /proc/self/exe";
  }
  return "start a process";
}

// What a child that could not be executed leaves in the status socket.
struct Failure {
  Step step = Step::exec;
  int error = 0;
};

FileDescriptor duplicate_high(int fd) {
  if (fd < 0) return FileDescriptor();
  FileDescriptor copy = detail::duplicate(fd, kFirstSafe);
  if (!copy) throw SpawnError("duplicate descriptor " + std::to_string(fd), errno);
  return copy;
}

// Runs in the child between vfork and exec, in the parent's memory: only system calls, nothing is allocated or locked.
class ChildSetup {
 public:
  ChildSetup(int status, const SpawnRequest& request)
      : status_(status), own_group_(request.own_process_group), survives_(request.survives_parent), mark_(request.mark) {}

  void prepare() const {
    // Everything is closed by exec but what is bound after this.
    if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) fail(Step::close_range);
    if (own_group_ && ::setpgid(0, 0) != 0) fail(Step::group);
    if (!survives_) {
      if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fail(Step::death_signal);
      if (::getppid() != parent_) ::_exit(EXIT_FAILURE);  // it died before the line above
    }
    if (mark_) detail::bear(*mark_);
    send_own_pidfd();
    // Ignored signals would stay ignored and blocked ones blocked across exec. First no handler, then no mask.
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &standard, nullptr);  // of some it says EINVAL
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
  }

  [[noreturn]] void fail(Step step) const {
    const Failure failure{step, errno};
    [[maybe_unused]] const ssize_t sent = ::send(status_, &failure, sizeof failure, MSG_NOSIGNAL);
    ::_exit(EXIT_FAILURE);
  }

 private:
  // The child opens its own pidfd, while it is certain that its pid is its own; the parent could be too late if the host program
  // reaps all children.
  void send_own_pidfd() const {
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
    if (pidfd < 0) fail(Step::pidfd);
    const std::byte content{};
    errno = detail::send_packet(status_, std::span(&content, 1), std::span(&pidfd, 1));
    if (errno != 0) fail(Step::pidfd);
  }

  const int status_;
  const bool own_group_;
  const bool survives_;
  const std::optional<detail::DescendantMark> mark_;
  const pid_t parent_ = ::getpid();
};

// The next packet of the status socket: a pidfd, a failure, or neither at its end.
struct StatusPacket {
  FileDescriptor pidfd;
  bool truncated = false;  // there was a pidfd, but no descriptor left for it here
  std::optional<Failure> failure;
};

StatusPacket receive_status(int status) {
  Failure failure;
  std::array<FileDescriptor, 1> pidfd;
  const ReceivedPacket got = await_packet(status, std::as_writable_bytes(std::span(&failure, 1)), pidfd);
  StatusPacket packet;
  if (got.bytes == sizeof failure) packet.failure = failure;
  packet.truncated = got.truncated;
  packet.pidfd = std::move(pidfd[0]);
  return packet;
}

// Kills a child that is still to be reaped, and reaps it. Somebody else could reap it between the two calls, and its id could be another
// process's by then; a few hundred nanoseconds do not suffice for that.
void end_without_pidfd(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0) ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& changes) {
  const auto name_of = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
  std::vector<std::string> merged = changes;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const bool replaced = std::any_of(changes.begin(), changes.end(),
                                      [&](const std::string& change) { return name_of(change) == name_of(*entry); });
    if (!replaced) merged.emplace_back(*entry);
  }
  return merged;
}

// Processes that died while somebody traced them. They are zombies until that lets go of them, and then to be reaped.
struct LeftToTracers {
  detail::Mutex mutex;
  std::vector<FileDescriptor> pidfds GUARDED_BY(mutex);

  static LeftToTracers& all() {
    static auto* const instance = new LeftToTracers;  // for as long as there are processes to be started
    return *instance;
  }
};
[[maybe_unused]] LeftToTracers& made = LeftToTracers::all();  // before there are threads, and forks beside them

// They are its parent's, and a thread that a fork does not have may have held the mutex.
const detail::AtFork forget_left([] { ::new (&LeftToTracers::all()) LeftToTracers; });

// How often a dead process that somebody traces is looked at, a millisecond apart.
#if defined(__SANITIZE_ADDRESS__)
constexpr int kLooksAtTraced =
    10'000;  // LeakSanitizer traces each process that exits, and lets go of it when the machine lets it
#else
constexpr int kLooksAtTraced = 20;
#endif

void leave_to_tracer(const FileDescriptor& pidfd) noexcept {
  try {
    FileDescriptor copy = detail::duplicate(pidfd.get(), kFirstSafe);
    LeftToTracers& left = LeftToTracers::all();
    const detail::Lock lock(left.mutex);
    if (copy) left.pidfds.push_back(std::move(copy));
  } catch (const std::exception&) {  // a zombie until this process ends
  }
}

void reap_what_tracers_left() noexcept {
  LeftToTracers& left = LeftToTracers::all();
  const detail::Lock lock(left.mutex);
  std::erase_if(left.pidfds, [](const FileDescriptor& pidfd) {
    siginfo_t info{};
    return ::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED | WNOHANG) != 0 || info.si_pid != 0;
  });
}

Child spawn_here(const SpawnRequest& request) {
  namespace process = os::boost_process;

  reap_what_tracers_left();
  auto [ours, low] = detail::make_socket_pair(SOCK_SEQPACKET);
  if (!ours) throw SpawnError("make a status socket", errno);
  FileDescriptor theirs = duplicate_high(low.get());
  const FileDescriptor channel = duplicate_high(request.channel_fd);
  const FileDescriptor output = duplicate_high(request.stdout_fd);
  const FileDescriptor errors = duplicate_high(request.stderr_fd);
  const FileDescriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing) throw SpawnError("open /dev/null", errno);
  const FileDescriptor input = duplicate_high(request.stdin_fd < 0 ? nothing.get() : request.stdin_fd);

  const std::string program = request.program.empty() ? kProgram : request.program;
  std::vector<std::string> arguments{request.program.empty() ? program_invocation_name : request.program};
  arguments.insert(arguments.end(), request.arguments.begin(), request.arguments.end());
  std::vector<char*> argv = pointers_to(arguments);
  std::vector<std::string> environment = merged_environment(request.environment);
  std::vector<char*> envp = pointers_to(environment);

  const ChildSetup setup(theirs.get(), request);
  int fork_error = 0;
  const detail::ForkThatExecutes keeps_descriptors;
  // The error handling of Boost.Process is switched off: its pipe is not close-on-exec in the parent, so that processes started
  // at the same time elsewhere would hold it open; and what it ignores here cannot fail (dup2 of an open descriptor).
  // vfork: fork copies page tables, 37 us per MiB of this process.
  process::child started(
      process::exe = program, process::ignore_error, process::posix::use_vfork, process::extend::on_setup([&](auto& executor) {
        executor.cmd_line = argv.data();
        executor.env = envp.data();
      }),
      process::extend::on_exec_setup([&](auto&) { setup.prepare(); }), process::posix::fd.bind(STDIN_FILENO, input.get()),
      process::posix::fd.bind(STDOUT_FILENO, output ? output.get() : STDOUT_FILENO),
      process::posix::fd.bind(STDERR_FILENO, errors ? errors.get() : STDERR_FILENO),
      // Without a channel, onto itself: then it keeps its close-on-exec flag.
      process::posix::fd.bind(kChannel, channel ? channel.get() : kChannel),
      process::extend::on_exec_error([&](auto&, const std::error_code&) { setup.fail(Step::exec); }),
      process::extend::on_fork_error([&](auto&, const std::error_code& error) { fork_error = error.value(); }));
  if (fork_error != 0) throw SpawnError("fork", fork_error);
  const pid_t pid = started.id();
  started.detach();  // the Child below owns it

  // The ends here must be closed, or the socket would never come to its end.
  theirs.reset();
  low.reset();
  StatusPacket first = receive_status(ours.get());
  const StatusPacket second = first.failure ? StatusPacket() : receive_status(ours.get());
  const std::optional<Failure>& failure = first.failure ? first.failure : second.failure;
  if (first.pidfd && !failure) return Child(pid, std::move(first.pidfd), request.own_process_group);
  // Dead or dying, or, when only the pidfd did not arrive, executed and to be ended.
  end_without_pidfd(pid);
  if (failure && failure->step == Step::exec && !request.program.empty()) throw SpawnError("execute " + program, failure->error);
  if (failure) throw SpawnError(description_of(failure->step), failure->error);
  if (first.truncated) throw SpawnError("receive a pidfd", EMFILE);
  throw SpawnError("start a process: it ended before it was executed", ECANCELED);
}

ExitStatus status_of(const siginfo_t& info, const rusage& usage) {
  ExitStatus status;
  (info.si_code == CLD_EXITED ? status.exit_code : status.signal) = info.si_status;
  const auto time = [](const timeval& value) {
    return std::chrono::seconds(value.tv_sec) + std::chrono::microseconds(value.tv_usec);
  };
  status.use = ResourceUse{.cpu_time = time(usage.ru_utime) + time(usage.ru_stime),
                           .peak_memory = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
  return status;
}

}  // namespace

SpawnError::SpawnError(const std::string& step, int error_number)
    : Error("cannot " + step + ": " + std::strerror(error_number)), code_(error_number, std::generic_category()) {}

std::string ExitStatus::description() const {
  if (exit_code) return "exited with status " + std::to_string(*exit_code);
  if (signal) return "was killed by signal " + std::to_string(*signal) + " (" + ::strsignal(*signal) + ")";
  return "ended with an unknown status";
}

Child::Child(pid_t pid, FileDescriptor pidfd, bool leads_group) noexcept
    : pid_(pid), pidfd_(std::move(pidfd)), leads_group_(leads_group) {}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      leads_group_(other.leads_group_),
      status_(std::exchange(other.status_, std::nullopt)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  abandon();
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::move(other.pidfd_);
  leads_group_ = other.leads_group_;
  status_ = std::exchange(other.status_, std::nullopt);
  return *this;
}

Child::~Child() { abandon(); }

void Child::abandon() noexcept {
  if (pid_ >= 0 && !status_ && pidfd_) {  // no pidfd: this is a fork, and the child its parent's
    kill_group(SIGKILL);
    kill(SIGKILL);
    try {
      wait();
    } catch (const std::exception&) {
      detail::report_error("waiting for a killed process", std::current_exception());
    }
  }
  pid_ = -1;
  pidfd_.reset();
}

ExitStatus Child::wait() {
  for (int looks = 0; !try_wait();) {
    pollfd death{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    const int dead = ::poll(&death, 1, -1);
    if (dead < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "cannot poll");
    if (dead <= 0 || try_wait()) continue;
    // Dead, and not ours to be reaped: somebody traces it, and its status is the tracer's for as long as that likes.
    if (++looks < kLooksAtTraced) {
      ::poll(nullptr, 0, 1);
      continue;
    }
    leave_to_tracer(pidfd_);
    status_ = ExitStatus{};  // unknown
  }
  return *status_;
}

std::optional<ExitStatus> Child::try_wait() {
  if (status_) return status_;
  pollfd death{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  const int dead = ::poll(&death, 1, 0);  // before waitid, which says "no child" of one that nobody has to reap
  siginfo_t info{};
  rusage usage{};
  int result = 0;
  do {
    // The C library's does not give what it has used.
    result = static_cast<int>(::syscall(SYS_waitid, P_PIDFD, pidfd_.get(), &info, WEXITED | WNOHANG, &usage));
  } while (result != 0 && errno == EINTR);
  if (result == 0 && info.si_pid != 0) {
    status_ = status_of(info, usage);
  } else if (result != 0 && errno != ECHILD) {
    throw std::system_error(errno, std::generic_category(), "cannot wait for process " + std::to_string(pid_));
  } else if (result != 0 && dead > 0) {
    status_ = ExitStatus{};  // reaped by somebody else
  }
  return status_;
}

bool Child::kill(int signal) noexcept {
  return pidfd_ && ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) == 0;
}

void Child::kill_group(int signal) noexcept {
  if (!leads_group_ || pid_ <= 0 || !pidfd_) return;
  // The kernel's own reference to the group, which never means another one, also when the leader has been reaped. Since Linux 6.9.
  constexpr unsigned kProcessGroup = 1U << 2;  // PIDFD_SIGNAL_PROCESS_GROUP
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, kProcessGroup) == 0 || errno != EINVAL) return;
  // By its id, while that cannot be given to another group: as long as the leader, dead or alive, is unreaped. What a leader has left
  // behind that a foreign waitpid has reaped is out of reach then.
  siginfo_t info{};
  if (status_) return;
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG | WNOWAIT) == 0) ::kill(-pid_, signal);
}

Child spawn(const SpawnRequest& request) {
  if (detail::on_spawner()) return spawn_here(request);
  std::optional<Child> child;
  std::exception_ptr error;
  detail::Parker finished;
  detail::post_to_spawner([&] {
    try {
      child = spawn_here(request);
    } catch (...) {
      error = std::current_exception();
    }
    finished.unpark();
  });
  finished.park();
  if (error) std::rethrow_exception(error);
  return std::move(*child);
}

}  // namespace pools
