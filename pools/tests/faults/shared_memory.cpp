// Memory that processes share, and those of them that die, lie or have no room for it.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "pools/shared_buffer.h"
#include "pools/src/process/os/file_descriptor.h"
#include "pools/tests/faults/aftermath.h"
#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/faults/sabotage.h"
#include "pools/tests/gate.h"
#include "pools/tests/shared_memory_checks.h"
#include "pools/tests/soft_limit.h"

namespace pools::faults {
namespace {

namespace fs = std::filesystem;
using test::shared_memory_held;
using test::shared_memory_held_by;
using Numbers = SharedArray<std::uint64_t>;
using SealedNumbers = SharedArray<const std::uint64_t>;

constexpr std::size_t kCount = std::size_t{1} << 18;  // 2 MiB

std::uint64_t sum_of(const Numbers& numbers) {
  std::uint64_t sum = 0;
  for (const std::uint64_t number : numbers) sum += number;
  return sum;
}
Numbers all_ones() {
  Numbers numbers(kCount);
  for (std::uint64_t& number : numbers) number = 1;
  return numbers;
}

// Nobody else has it, and none of it was lost.
void expect_ours_alone(Numbers numbers) {
  FAULT_EXPECT_EQ(sum_of(numbers), kCount);
  const SealedNumbers sealed = std::move(numbers).seal();
  FAULT_EXPECT_EQ(sealed[kCount - 1], 1U);
}

// Killed as soon as it has mapped what it was sent, and before it has called anything.
struct Deadly {
  Numbers numbers;

  template <class Archive>
  void save(Archive& archive) const {
    archive(numbers);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(numbers);
    die_of(SIGKILL);
  }
};
std::uint64_t sum_of_deadly(const Deadly& deadly) { return sum_of(deadly.numbers); }

POOLS_FAULT(killed_while_mapping_shared_memory) {
  BusyPool pool({.retry = {.retries = 1}});
  Numbers numbers = all_ones();
  const auto future = pool->submit<&sum_of_deadly>(Deadly{.numbers = numbers});
  FAULT_EXPECT(thrown_by<WorkerDied>([&] { future.result(); }).signal() == SIGKILL);
  FAULT_EXPECT_EQ(pool->metrics().retried, 1U);
  FAULT_EXPECT_EQ(pool->submit<&sum_of>(numbers).result(), kCount);
  pool.finish();
  expect_ours_alone(std::move(numbers));
}

// --- the last handle ---

std::optional<Numbers> last_handle;
int keep_numbers(Numbers numbers) {
  last_handle = std::move(numbers);
  return ::getpid();
}
int make_and_keep() { return keep_numbers(all_ones()); }
std::uint64_t sum_of_kept() { return last_handle ? sum_of(*last_handle) : 0; }

// The memory has no name: it is gone when nobody has it.
POOLS_FAULT(killed_while_holding_the_last_handle) {
  ProcessPool pool({.workers = 1});
  const Numbers other = all_ones();
  {
    Numbers numbers = all_ones();
    pool.submit<&keep_numbers>(numbers).result();
  }
  FAULT_EXPECT_EQ(pool.submit<&sum_of_kept>().result(), kCount);  // it outlives the handle here
  const int worker = pool.worker_pids().front();
  FAULT_EXPECT_EQ(shared_memory_held_by(worker), test::kHandle);
  ::kill(worker, SIGKILL);
  wait_until([&] { return shared_memory_held_by(worker) == 0; });
  FAULT_EXPECT_EQ(pool.submit<&sum_of_kept>().result(), 0U);  // by another worker
  const int next = pool.submit<&make_and_keep>().result();    // nobody else has ever had it
  FAULT_EXPECT_EQ(shared_memory_held_by(next), test::kHandle);
  pool.shutdown();
  FAULT_EXPECT_EQ(shared_memory_held_by(next), 0U);
  FAULT_EXPECT_EQ(shared_memory_held(), test::kHandle);
  FAULT_EXPECT_EQ(sum_of(other), kCount);
  expect_balance(pool);
}

POOLS_ACTOR(owner_whose_worker_has_the_last_handle) {
  Conversation talk(3);
  ProcessPool pool({.workers = 1});
  talk.say(std::to_string(pool.submit<&keep_numbers>(all_ones()).result()));
  talk.hear();  // nothing comes but its end
  return 0;
}

POOLS_FAULT(owner_killed_while_a_worker_has_the_last_handle) {
  Conversation talk;
  Child owner = talk.start("owner_whose_worker_has_the_last_handle");
  const pid_t worker = std::stoi(talk.hear());
  FAULT_EXPECT_EQ(shared_memory_held_by(worker), test::kHandle);
  owner.kill(SIGKILL);
  owner.wait();
  wait_until([&] { return shared_memory_held_by(worker) == 0; });
  FAULT_EXPECT(reap_all() >= 2);  // the worker, the guard
}

Numbers ones_before_death() {
  die_when_answered();
  return all_ones();
}

POOLS_FAULT(killed_just_after_returning_shared_memory) {
  BusyPool pool;
  for (std::uint64_t round = 1; round <= 3; ++round) {
    FAULT_EXPECT_EQ(sum_of(pool->submit<&ones_before_death>().result()), kCount);
    wait_until([&] { return pool->metrics().crashed >= round; });
  }
  pool.finish(3);  // the worker may have begun another task by then
}

// --- limits ---

// The lowest number that no descriptor has: with that as the limit there is none left.
rlim_t next_descriptor() {
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next);
  return static_cast<rlim_t>(next);
}

void set_limit_of_descriptors(rlim_t limit) {
  rlimit now{};
  ::getrlimit(RLIMIT_NOFILE, &now);
  now.rlim_cur = limit;
  if (::setrlimit(RLIMIT_NOFILE, &now) != 0) throw std::system_error(errno, std::generic_category(), "setrlimit");
}
std::uint64_t take_all_descriptors() {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  set_limit_of_descriptors(next_descriptor());
  return before.rlim_cur;
}
void give_descriptors_back(std::uint64_t limit) { set_limit_of_descriptors(limit); }

template <class Call>
void expect_limit_named(Call&& call) {
  FAULT_EXPECT(mentions(thrown_by<SharedMemoryError>(call), "RLIMIT_NOFILE"));
}

POOLS_FAULT(descriptor_limit_reached_by_shared_memory) {
  ProcessPool pool({.workers = 1});
  Numbers numbers = all_ones();
  FAULT_EXPECT_EQ(pool.submit<&sum_of>(numbers).result(), kCount);
  // There: as argument, as result. The task fails, and nothing else.
  const std::uint64_t there = pool.submit<&take_all_descriptors>().result();
  expect_limit_named([&] { pool.submit<&sum_of>(numbers).result(); });
  expect_limit_named([&] { pool.submit<&all_ones>().result(); });
  pool.submit<&give_descriptors_back>(there).result();
  FAULT_EXPECT_EQ(pool.submit<&sum_of>(numbers).result(), kCount);
  // Here.
  {
    const auto ready = pool.submit<&test::square>(2);
    FAULT_EXPECT_EQ(ready.result(), 4);
    const test::SoftLimit limit(RLIMIT_NOFILE, next_descriptor());
    expect_limit_named([] { static_cast<void>(all_ones()); });
    expect_limit_named([&] { pool.submit<&all_ones>().result(); });
    FAULT_EXPECT_EQ(pool.submit<&sum_of>(numbers).result(), kCount);  // sent: that takes no descriptor here
  }
  FAULT_EXPECT_EQ(sum_of(pool.submit<&all_ones>().result()), kCount);
  FAULT_EXPECT_EQ(pool.metrics().crashed, 0U);
  pool.shutdown();
  expect_balance(pool);
  expect_ours_alone(std::move(numbers));
}

// False: only root can.
bool become(uid_t user) {
  if (::geteuid() != 0) return false;
  detail::post_to_spawner([] {});
  if (::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0) return false;
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  return true;
}

// Descriptors in a socket, as many of these as the kernel allows this process; until the end of it.
class OnTheirWay {
 public:
  explicit OnTheirWay(int most) {
    const detail::FileDescriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    int sent = 0;
    for (; sent < most; ++sent) {
      const std::byte content{};
      const int descriptor = null.get();
      if (detail::send_packet(ends_.first.get(), std::span(&content, 1), std::span(&descriptor, 1), MSG_DONTWAIT) != 0) break;
    }
    refused_ = sent < most;
  }
  bool refused() const noexcept { return refused_; }

 private:
  detail::DescriptorPair ends_ = detail::make_socket_pair(SOCK_STREAM);
  bool refused_ = false;
};

// What is on its way between processes is limited, too, but for root.
POOLS_ACTOR(with_descriptors_on_their_way) {
  if (!become(static_cast<uid_t>(std::stoul(arguments.at(0))))) return kSkipped;
  ProcessPool pool({.workers = 1});
  Numbers numbers = all_ones();
  FAULT_EXPECT_EQ(pool.submit<&sum_of>(numbers).result(), kCount);
  const test::SoftLimit limit(RLIMIT_NOFILE, 64);
  {
    const OnTheirWay full(100);
    if (!full.refused()) return kSkipped;
    for (int task = 0; task < 10; ++task) {
      const auto unsent = pool.submit<&sum_of>(numbers);
      expect_limit_named([&] { unsent.result(); });
      FAULT_EXPECT_EQ(pool.submit<&test::square>(3).result(), 9);
    }
  }
  FAULT_EXPECT_EQ(pool.submit<&sum_of>(numbers).result(), kCount);
  FAULT_EXPECT_EQ(pool.metrics().crashed, 0U);
  FAULT_EXPECT_EQ(pool.metrics().failed, 10U);
  pool.shutdown();
  expect_balance(pool);
  expect_ours_alone(std::move(numbers));
  return 0;
}

POOLS_FAULT_REPEATED(too_many_descriptors_on_their_way, 1) {
  play("with_descriptors_on_their_way", {std::to_string(60'000 + ::getpid() % 5'000)});
}

int own_pid() { return ::getpid(); }
// It waits for a time, and for nothing else.
bool sleeps(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/syscall");
  long call = -1;
  file >> call;
  return call == SYS_clock_nanosleep || call == SYS_nanosleep;
}

POOLS_ACTOR(worker_whose_result_finds_no_room) {
  if (!become(static_cast<uid_t>(std::stoul(arguments.at(0))))) return kSkipped;
  ProcessPool pool({.workers = 1});
  const pid_t worker = pool.submit<&own_pid>().result();
  Future<Numbers> ones;
  {
    const test::SoftLimit limit(RLIMIT_NOFILE, 64);
    const OnTheirWay full(100);
    if (!full.refused()) return kSkipped;
    rlimit theirs{};
    ::prlimit(worker, RLIMIT_NOFILE, nullptr, &theirs);
    theirs.rlim_cur = 64;
    if (::prlimit(worker, RLIMIT_NOFILE, &theirs, nullptr) != 0) return kSkipped;
    ones = pool.submit<&all_ones>();
    wait_until([&] { return sleeps(worker); });
    FAULT_EXPECT(!ones.done());
  }
  FAULT_EXPECT_EQ(sum_of(ones.result()), kCount);
  FAULT_EXPECT_EQ(pool.metrics().failed, 0U);
  pool.shutdown();
  expect_balance(pool);
  return 0;
}

POOLS_FAULT_REPEATED(result_that_waits_for_descriptors_on_their_way, 1) {
  play("worker_whose_result_finds_no_room", {std::to_string(60'000 + ::getpid() % 5'000)});
}

// --- sealed ---

std::uint64_t write_to(const SealedNumbers& numbers) {
  *const_cast<volatile std::uint64_t*>(&numbers[0]) = 7;
  return numbers[0];
}
// How many of the descriptors of shared memory that the worker has can be written to.
int descriptors_written_to(const SealedNumbers& numbers) {
  int written = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (!fs::read_symlink(entry.path(), gone).string().starts_with(test::kSharedMemory)) continue;
    const int descriptor = std::stoi(entry.path().filename());
    written += ::pwrite(descriptor, "x", 1, 0) >= 0 || errno != EPERM;
    written += ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0) != MAP_FAILED;
    written += ::ftruncate(descriptor, 1) == 0;
  }
  return written + (numbers[0] == 1 ? 0 : 1);
}

POOLS_FAULT(sealed_buffer_written) {
  BusyPool pool;
  const SealedNumbers sealed = all_ones().seal();
  const auto died = thrown_by<WorkerDied>([&] { pool->submit<&write_to>(sealed).result(); });
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which exit instead
  FAULT_EXPECT(died.signal() == SIGSEGV);
#endif
  FAULT_EXPECT_EQ(sealed[0], 1U);
  FAULT_EXPECT_EQ(pool->submit<&descriptors_written_to>(sealed).result(), 0);
  pool.finish();
}

}  // namespace
}  // namespace pools::faults
