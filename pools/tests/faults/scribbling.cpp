// Workers that write where they should not, and close what they should not.

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/faults/sabotage.h"
#include "pools/tests/gate.h"

namespace pools::faults {
namespace {

using namespace std::chrono_literals;

// The worker is ended for it, and loses nothing but its task.
template <auto Fn, class... Args>
WorkerDied expect_ended(BusyPool& pool, const Args&... args) {
  const auto vandal = pool->submit<Fn>(args...);
  const auto died = thrown_by<WorkerDied>([&] { vandal.result(); });
  pool.others().await(30);
  return died;
}

void fill(std::span<std::byte> bytes, unsigned seed) {
  std::mt19937 random(seed);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
}

// --- shared memory ---

int overwrite_the_indices(unsigned which) {
  const OwnChannel channel;
  switch (which) {
    case 0:
      channel.responses_written() = 0x7f7f7f7f7f7f7f7f;
      break;
    case 1:
      channel.responses_written() = channel.responses_consumed() - 1;
      break;  // backwards
    case 2:
      channel.requests_consumed() = 0x7f7f7f7f7f7f7f7f;
      break;
    default:
      fill(channel.control(), which);
  }
  // An answer would put its own index right again, perhaps before anybody has looked.
  while (which < 2) ::pause();
  return 1;
}

POOLS_FAULT(ring_indices_overwritten) {
  BusyPool pool;
  for (unsigned which = 0; which < 7; ++which) {
    try {
      const auto vandal = pool->submit<&overwrite_the_indices>(which);
      FAULT_EXPECT_EQ(vandal.result(), 1);
      FAULT_EXPECT(which == 2);  // the one that the worker may have put right itself meanwhile
    } catch (const WorkerDied& error) {
      FAULT_EXPECT(mentions(error, "the pool ended it because of") || which > 2);
    }
    pool.others().await(30);
  }
  // Random flags and a random board: what else was given to that worker may count as begun.
  pool.finish(4 * 24);
}

// As an answer: bytes of nonsense, or a header that is right but for one thing.
struct Header {
  std::uint32_t magic = 0x704f4f4c;
  std::uint32_t kind = 6;  // result
  std::uint64_t sequence = 0;
  std::uint64_t length = 0;
  std::uint64_t function[2] = {};
};
static_assert(sizeof(Header) == 40);

int forge_an_answer(unsigned which) {
  const OwnChannel channel;
  Header header;
  switch (which) {
    case 0:
      header.magic = 0;
      break;
    case 1:
      header.length = ~std::uint64_t{0};
      break;
    case 2:
      header.kind = 77;
      break;
    case 3:
      header.sequence = 1'000'000;
      break;
    case 4:
      header.kind = 2;
      header.sequence = 1;
      break;  // what only the pool sends
    default:
      break;  // an answer to task 0, which there never was
  }
  const auto ring = channel.responses();
  const std::uint64_t begin = channel.responses_written();
  const auto* const bytes = reinterpret_cast<const std::byte*>(&header);
  for (std::size_t at = 0; at < sizeof header; ++at) ring[begin % (ring.size() / 2) + at] = bytes[at];
  channel.responses_written() = begin + sizeof header;
  die_of(SIGKILL);  // what it has said has to be looked at all the same
  return 0;
}

POOLS_FAULT(answers_overwritten) {
  BusyPool pool;
  for (unsigned which = 0; which < 6; ++which) {
    FAULT_EXPECT(mentions(expect_ended<&forge_an_answer>(pool, which), "the pool ended it because of"));
  }
  pool.finish();
}

int overwrite_the_board(unsigned seed) {
  const OwnChannel channel;
  fill(channel.board(), seed);
  return 1;
}

POOLS_FAULT(claim_board_overwritten) {
  BusyPool pool;
  for (unsigned seed = 1; seed <= 3; ++seed) {
    FAULT_EXPECT(mentions(expect_ended<&overwrite_the_board>(pool, seed), "a task that it has not begun"));
  }
  pool.finish(24);  // what had been given to that worker may count as begun, too
}

// --- descriptors ---

int close_from(unsigned first) { return static_cast<int>(::syscall(SYS_close_range, first, ~0U, 0)); }

POOLS_FAULT(all_descriptors_closed) {
  BusyPool pool;
  std::uint64_t lost = 0;
  for (int round = 0; round < 3; ++round) {
    const std::uint64_t crashed = pool->metrics().crashed;
    try {
      FAULT_EXPECT_EQ(pool->submit<&close_from>(0U).result(), 0);
    } catch (const WorkerDied&) {
    }
    pool.others().await(50);
    lost += pool->metrics().crashed - crashed;
  }
  FAULT_EXPECT(lost <= 3);
  pool.finish(3);
}

// One descriptor of the worker's: its end of the socket, or the event descriptor that wakes the pool.
int close_one(const std::string& kind) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    const int descriptor = std::atoi(entry.path().filename().c_str());
    if (descriptor > 2 && std::filesystem::read_symlink(entry.path(), ignored).string().find(kind) != std::string::npos)
      return ::close(descriptor);
  }
  return -1;
}
int replace_one(const std::string& kind) {
  const int closed = close_one(kind);
  ::open("/dev/full", O_WRONLY);  // gets its number: another file where the event descriptor was
  return closed;
}

POOLS_FAULT(descriptor_closed_under_us) {
  for (const std::string kind : {"socket", "eventfd"}) {
    for (const bool replaced : {false, true}) {
      BusyPool pool;
      try {
        FAULT_EXPECT_EQ((replaced ? pool->submit<&replace_one>(kind) : pool->submit<&close_one>(kind)).result(), 0);
      } catch (const WorkerDied&) {  // it noticed before it had answered
      }
      pool.others().await(100);
      FAULT_EXPECT(pool->metrics().crashed <= 1);
      pool.finish(1);
    }
  }
}

// --- standard output ---

int print_garbage(unsigned seed) {
  std::mt19937 random(seed);
  for (int byte = 0; byte < 100'000; ++byte) std::putchar(static_cast<int>(random() % 256));
  std::fflush(stdout);
  return 7;
}

POOLS_FAULT(garbage_on_standard_output) {
  // This program's own output is what it goes to: kept from the terminal.
  std::fflush(stdout);
  const detail::FileDescriptor kept(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  const detail::FileDescriptor null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ::dup2(null.get(), STDOUT_FILENO);
  for (const WorkerOutput output : {WorkerOutput::tagged, WorkerOutput::inherited, WorkerOutput::discarded}) {
    BusyPool pool({.output = output});
    std::vector<Future<int>> futures;
    for (unsigned task = 0; task < 8; ++task) futures.push_back(pool->submit<&print_garbage>(task));
    for (const auto& future : futures) FAULT_EXPECT_EQ(future.result(), 7);
    FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
    pool.finish();
  }
  ::dup2(kept.get(), STDOUT_FILENO);
}

}  // namespace
}  // namespace pools::faults
