#include "fuzz/played_processes.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <thread>
#include <utility>

#include "fuzz/fuzz.h"

namespace fuzz {
namespace {

struct Processes {
  std::mutex mutex;
  std::vector<std::shared_ptr<PlayedProcess>> all;
  pid_t next = 1 << 29;  // beyond any that the kernel gives, so that no signal meant for one ever arrives anywhere
};
Processes& processes() {
  static Processes instance;
  return instance;
}

std::shared_ptr<PlayedProcess> process_of(pid_t pid) {
  const std::lock_guard lock(processes().mutex);
  for (const auto& process : processes().all) {
    if (process->pid == pid) return process;
  }
  return nullptr;
}

}  // namespace

PlayedWorker::PlayedWorker(std::string its_name, pools::detail::ChannelDescriptors descriptors)
    : name(std::move(its_name)),
      memory_(std::move(descriptors.memory)),
      event_(std::move(descriptors.event)),
      requests_(memory_.layout().requests, memory_.request_bytes(), kLongestInPlace),
      responses_(memory_.layout().responses, memory_.response_bytes(), kLongestInPlace) {}

std::size_t PlayedWorker::write(std::span<const std::byte> bytes) {
  const std::size_t count = responses_.write_some(bytes);
  if (count > 0) ring_parent(pools::detail::kHasWritten);
  return count;
}

void PlayedWorker::ring_parent(std::uint32_t done) noexcept {
  pools::detail::event_ring(shared().parent_asleep, done, event_.get());
}

std::span<const std::byte> PlayedWorker::view(std::size_t done, std::size_t) {
  if (done > 0) {
    requests_.consume(done);
    ring_parent(pools::detail::kHasRead);
  }
  return requests_.view();
}

std::size_t PlayedWorker::read_some(std::span<std::byte> to) {
  const std::size_t count = requests_.read_some(to);
  if (count > 0) ring_parent(pools::detail::kHasRead);
  return count;
}

void PlayedProcess::die(pools::ExitStatus status) noexcept {
  if (claimed_.exchange(true)) return;
  status_ = status;
  dead_.store(true, std::memory_order_release);  // Release: the status
  const std::uint64_t one = 1;
  FUZZ_REQUIRE(::write(death.get(), &one, sizeof one) == sizeof one);
}

pools::ExitStatus PlayedProcess::status() const noexcept {
  while (!dead()) std::this_thread::yield();  // whoever was first to let it die may be about to say how
  return status_;
}

std::vector<std::shared_ptr<PlayedProcess>> played_processes() {
  const std::lock_guard lock(processes().mutex);
  return processes().all;
}

}  // namespace fuzz

namespace pools {

SpawnError::SpawnError(const std::string& step, int error_number)
    : Error("cannot " + step), code_(error_number, std::generic_category()) {}

std::string ExitStatus::description() const {
  if (exit_code) return "exited with status " + std::to_string(*exit_code);
  return signal ? "was killed by signal " + std::to_string(*signal) : "ended with an unknown status";
}

Child::Child(pid_t pid, detail::FileDescriptor pidfd, bool leads_group) noexcept
    : pid_(pid), pidfd_(std::move(pidfd)), leads_group_(leads_group) {}
Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      leads_group_(other.leads_group_),
      status_(std::exchange(other.status_, std::nullopt)) {}
Child& Child::operator=(Child&& other) noexcept {
  abandon();
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::move(other.pidfd_);
  leads_group_ = other.leads_group_;
  status_ = std::exchange(other.status_, std::nullopt);
  return *this;
}
Child::~Child() { abandon(); }

void Child::abandon() noexcept {
  if (pid_ < 0) return;
  kill(SIGKILL);
  wait();
  pid_ = -1;
}

// A guard exits when its pipe ends; a worker is waited for when it is dead.
ExitStatus Child::wait() {
  if (const auto process = fuzz::process_of(pid_)) {
    process->die(ExitStatus{.exit_code = 0, .signal = {}});
    status_ = process->status();
    const std::lock_guard lock(fuzz::processes().mutex);
    std::erase(fuzz::processes().all, process);
  }
  return status_.value_or(ExitStatus{});
}

std::optional<ExitStatus> Child::try_wait() {
  const auto process = fuzz::process_of(pid_);
  if (process && !process->dead()) return std::nullopt;
  return wait();
}

bool Child::kill(int signal) noexcept {
  const auto process = fuzz::process_of(pid_);
  if (!process || process->dead()) return false;
  if (signal == SIGKILL) process->die(ExitStatus{.exit_code = {}, .signal = signal});  // all others are ignored
  return true;
}

void Child::kill_group(int) noexcept {}

Child spawn(const SpawnRequest& request) {
  auto process = std::make_shared<fuzz::PlayedProcess>();
  process->death = detail::FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!process->death) throw SpawnError("make an event descriptor", errno);
  if (request.arguments.at(0) == detail::kWorkerArgument) {
    process->worker =
        std::make_unique<fuzz::PlayedWorker>(request.arguments.at(1), detail::receive_handshake(request.channel_fd));
  }
  const std::lock_guard lock(fuzz::processes().mutex);
  process->pid = fuzz::processes().next++;
  fuzz::processes().all.push_back(process);
  return Child(process->pid, detail::FileDescriptor(::fcntl(process->death.get(), F_DUPFD_CLOEXEC, 3)),
               request.own_process_group);
}

namespace detail {

// One at a time, as on the one thread that starts processes; a job may post another.
void post_to_spawner(std::function<void()> job) {  // NOLINT(performance-unnecessary-value-param): as the real one
  static std::recursive_mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  job();
}
bool on_spawner() noexcept { return true; }

}  // namespace detail
}  // namespace pools
