// Shared memory between processes: who holds it when, what is refused, and in which words. What both pools have in common is contract/shared.h.

#include "pools/shared_buffer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "pools/detail/codec.h"
#include "pools/process_pool.h"
#include "pools/src/process/ipc/shared_memory.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/in_fork.h"
#include "pools/tests/process_checks.h"
#include "pools/tests/shared_memory_checks.h"
#include "pools/tests/shared_numbers.h"
#include "pools/tests/soft_limit.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

class SharedBuffers : public ProcessTest {};

std::size_t held_here() { return shared_memory_held(); }

std::optional<Numbers> kept;
void keep(Numbers numbers) { kept = std::move(numbers); }
std::int64_t sum_of_kept() { return sum_of(kept.value()); }
void forget() { kept.reset(); }

TEST_F(SharedBuffers, a_worker_holds_what_its_task_keeps_and_nothing_else) {
  ProcessPool pool{1};
  const Numbers numbers = numbers_to(1000);
  EXPECT_EQ(pool.submit<&sum_of>(numbers).result(), 500'500);
  EXPECT_EQ(pool.submit<&held_here>().result(), 0U);
  const Numbers made = pool.submit<&numbers_to>(10).result();
  EXPECT_EQ(pool.submit<&held_here>().result(), 0U);
  pool.submit<&keep>(numbers).result();
  EXPECT_EQ(pool.submit<&held_here>().result(), kHandle);
  EXPECT_EQ(shared_memory_held(), 2 * kHandle);
  numbers[0] = 11;
  EXPECT_EQ(pool.submit<&sum_of_kept>().result(), 500'510);
  pool.submit<&forget>().result();
  EXPECT_EQ(pool.submit<&held_here>().result(), 0U);
}

TEST_F(SharedBuffers, what_a_task_of_another_process_keeps_cannot_be_sealed) {
  ProcessPool pool{1};
  Numbers numbers = numbers_to(10);
  pool.submit<&keep>(numbers).result();
  POOLS_EXPECT_THROW_WHAT(std::move(numbers).seal(), SharedMemoryError, testing::HasSubstr("another process"));
  numbers[0] = 2;  // NOLINT(bugprone-use-after-move): it is as it was
  EXPECT_EQ(pool.submit<&sum_of_kept>().result(), 56);
  pool.submit<&forget>().result();
  EXPECT_EQ(sum_of_sealed(std::move(numbers).seal()), 56);
}

TEST_F(SharedBuffers, an_initializer_takes_them_and_every_worker_has_the_same) {
  const Numbers numbers = numbers_to(10);
  ProcessPool pool({.workers = 2, .initializer = remote<&keep>(numbers), .max_tasks_per_child = 3});
  std::vector<Future<std::int64_t>> sums;
  for (int task = 0; task < 20; ++task) sums.push_back(pool.submit<&sum_of_kept>());
  for (const Future<std::int64_t>& sum : sums) EXPECT_EQ(sum.result(), 55);
  numbers[0] = 11;
  EXPECT_EQ(pool.submit<&sum_of_kept>().result(), 65);
}

TEST_F(SharedBuffers, workers_that_are_replaced_all_get_theirs) {
  ProcessPool pool({.workers = 2, .max_tasks_per_child = 2});
  const Numbers numbers = numbers_to(10);
  std::vector<Future<Numbers>> futures;
  for (int task = 0; task < 30; ++task) futures.push_back(pool.submit<&send_back>(numbers));
  for (const Future<Numbers>& future : futures) EXPECT_EQ(sum_of(future.result()), 55);
}

// Its memory counts how often the task was tried.
std::int64_t die_once(const Numbers& tries) {
  if (++tries[0] == 1) die_by(SIGKILL);
  return tries[0];
}

TEST_F(SharedBuffers, a_retry_sends_them_again) {
  ProcessPool pool({.workers = 1, .retry = {.retries = 1}});
  const Numbers tries(1);
  const Future<std::int64_t> future = pool.submit<&die_once>(tries);
  EXPECT_EQ(future.result(), 2);
  EXPECT_EQ(tries[0], 2);
  EXPECT_EQ(pool.metrics().shared_buffers, 2U);
}

TEST_F(SharedBuffers, a_task_that_dies_loses_nothing_here) {
  ProcessPool pool{1};
  Numbers numbers = numbers_to(10);
  pool.submit<&keep>(numbers).result();
  EXPECT_THROW(pool.submit<&die_by>(SIGKILL).result(), WorkerDied);
  EXPECT_EQ(sum_of(numbers), 55);
  EXPECT_EQ(sum_of_sealed(std::move(numbers).seal()), 55);  // the dead one has it no longer
}

TEST_F(SharedBuffers, cancelled_tasks_let_go_of_theirs_though_their_futures_live) {
  Numbers numbers = numbers_to(10);
  std::vector<Future<std::int64_t>> cancelled;
  {
    Gate gate;
    ProcessPool pool{1};
    const Future<int> blocker = pool.submit<&pass_and_return>(gate.name(), 0);
    gate.await();
    for (int task = 0; task < 20; ++task) cancelled.push_back(pool.submit<&sum_of>(numbers));
    pool.shutdown({.wait = false, .cancel_futures = true});
    gate.open();
    pool.shutdown();
  }
  for (const Future<std::int64_t>& future : cancelled) EXPECT_TRUE(future.cancelled());
  EXPECT_EQ(sum_of_sealed(std::move(numbers).seal()), 55);
}

TEST_F(SharedBuffers, a_paused_pool_gives_none_away_and_goes_on_with_them) {
  ProcessPool pool{1};
  pool.start_all();
  pool.pause();
  const Numbers numbers = numbers_to(10);
  std::vector<Future<std::int64_t>> sums;
  for (int task = 0; task < 5; ++task) sums.push_back(pool.submit<&sum_of>(numbers));
  EXPECT_EQ(pool.metrics().shared_buffers, 0U);
  pool.resume();
  for (const Future<std::int64_t>& sum : sums) EXPECT_EQ(sum.result(), 55);
}

TEST_F(SharedBuffers, threads_hand_them_on_to_processes) {
  ThreadPool threads{1};
  ProcessPool processes{1};
  EXPECT_EQ(threads.submit<&numbers_to>(10).then_in<&sum_of>(processes).result(), 55);
}

// The other process keeps a handle and returns another, and seals its own when that has been sent and not mapped.
TEST_F(SharedBuffers, what_is_sealed_on_its_way_says_so) {
  Numbers numbers = numbers_to(4);
  detail::Bytes bytes;
  detail::encode(bytes, numbers);
  const int sent = bytes.attachments().front().memory->descriptor();
  const detail::Attachments arrived{{.memory = detail::SharedMemory::received(detail::duplicate(sent, 0)), .size = 32}};
  bytes.detach();
  const SealedNumbers sealed = std::move(numbers).seal();
  detail::Reader reader(bytes.view(), arrived);
  POOLS_EXPECT_THROW_WHAT(detail::decode<Numbers>(reader), SharedMemoryError, testing::HasSubstr("sealed on its way"));
  EXPECT_EQ(sum_of_sealed(sealed), 10);
}

TEST_F(SharedBuffers, what_comes_back_is_recognised) {
  ProcessPool pool{1};
  const Numbers numbers = numbers_to(4);
  EXPECT_TRUE(numbers.same_memory(pool.submit<&send_back>(numbers).result()));
  EXPECT_FALSE(numbers.same_memory(pool.submit<&send_back>(numbers_to(4)).result()));
}

// A task that has been cancelled is come across with the pool's mutex held.
TEST_F(SharedBuffers, cancelled_tasks_of_a_pool_that_works_on_let_go_of_theirs) {
  Numbers numbers = numbers_to(10);
  std::vector<Future<std::int64_t>> cancelled;
  Gate gate;
  ProcessPool pool{1};
  const Future<int> blocker = pool.submit<&pass_and_return>(gate.name(), 0);
  gate.await();
  for (int task = 0; task < 20; ++task) cancelled.push_back(pool.submit<&sum_of>(numbers));
  for (Future<std::int64_t>& future : cancelled) EXPECT_TRUE(future.cancel());
  gate.open();
  EXPECT_EQ(blocker.result(), 0);
  EXPECT_EQ(pool.submit<&sum_of>(numbers).result(), 55);  // behind them
  wait_until([&] {
    try {
      return sum_of_sealed(std::move(numbers).seal()) == 55;
    } catch (const SharedMemoryError&) {
      return false;  // as it was
    }
  });
}

// --- what is counted ---

TEST_F(SharedBuffers, metrics_count_what_passes_each_way_and_each_memory_of_a_message_once) {
  ProcessPool pool{1};
  const Numbers numbers = numbers_to(512);  // 4096 bytes
  pool.submit<&sum_of>(numbers).result();
  PoolMetrics metrics = pool.metrics();
  EXPECT_EQ(metrics.shared_buffers, 1U);
  EXPECT_EQ(metrics.shared_bytes, 4096U);
  pool.submit<&sum_of_all>(std::vector<Numbers>{numbers, numbers, numbers.slice(1, 2)}).result();
  metrics = pool.metrics();
  EXPECT_EQ(metrics.shared_buffers, 2U);
  EXPECT_EQ(metrics.shared_bytes, 8192U);
  static_cast<void>(pool.submit<&numbers_to>(1024).result());
  metrics = pool.metrics();
  EXPECT_EQ(metrics.shared_buffers, 3U);
  EXPECT_EQ(metrics.shared_bytes, 16384U);
}

TEST_F(SharedBuffers, their_bytes_count_against_max_payload) {
  ProcessPool pool({.workers = 1, .max_payload = 10'000});
  const Numbers numbers = numbers_to(1024);  // 8192 bytes
  EXPECT_EQ(pool.submit<&sum_of_all>(std::vector<Numbers>{numbers, numbers}).result(), 2 * 524'800);
  const Future<Numbers> too_many = pool.submit<&sum_of_two>(numbers, numbers_to(1024));
  POOLS_EXPECT_THROW_WHAT(too_many.result(), PayloadTooLargeError, testing::HasSubstr("the pool's limit is 10000 (max_payload)"));
  POOLS_EXPECT_THROW_WHAT(pool.submit<&sum_of>(numbers_to(1251)).result(), PayloadTooLargeError, testing::HasSubstr("10008"));
  POOLS_EXPECT_THROW_WHAT(pool.submit<&numbers_to>(1251).result(), PayloadTooLargeError, testing::HasSubstr("10008"));
  EXPECT_EQ(pool.metrics().crashed, 0U);
}

TEST_F(SharedBuffers, a_message_has_at_most_253_of_them) {
  ProcessPool pool{1};
  std::vector<Numbers> all;
  for (int count = 0; count < 253; ++count) all.push_back(numbers_to(1));
  EXPECT_EQ(pool.submit<&sum_of_all>(all).result(), 253);
  all.push_back(all.front().slice(0, 1));
  EXPECT_EQ(pool.submit<&sum_of_all>(all).result(), 254);
  all.push_back(numbers_to(1));
  POOLS_EXPECT_THROW_WHAT(pool.submit<&sum_of_all>(all).result(), SharedMemoryError, testing::HasSubstr("more than 253"));
}

// --- what is refused ---

TEST_F(SharedBuffers, sealed_ones_cannot_be_written_to) {
  const std::vector<std::int64_t> content{1, 2, 3};
  const SealedNumbers made = SealedNumbers::copy_of(content);
  const SealedNumbers sealed = numbers_to(3).seal();
  static_assert(std::is_same_v<decltype(sealed.data()), const std::int64_t*>);
  EXPECT_EQ(sum_of_sealed(made), 6);
  int looked_at = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (!std::filesystem::read_symlink(entry.path(), gone).string().starts_with(kSharedMemory)) continue;
    ++looked_at;
    EXPECT_EQ(::pwrite(std::stoi(entry.path().filename()), "x", 1, 0), -1);
    EXPECT_EQ(errno, EPERM);
  }
  EXPECT_EQ(looked_at, 2);
}

TEST_F(SharedBuffers, where_there_is_no_descriptor_or_no_size_left_for_one_the_message_says_so) {
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next);
  std::exception_ptr refused;  // looked at when there are descriptors again: UBSan needs some to look at an object
  {
    const SoftLimit limit(RLIMIT_NOFILE, static_cast<rlim_t>(next));
    try {
      numbers_to(10);
    } catch (...) {
      refused = std::current_exception();
    }
  }
  ASSERT_TRUE(refused);
  POOLS_EXPECT_THROW_WHAT(std::rethrow_exception(refused), SharedMemoryError,
                          testing::HasSubstr("RLIMIT_NOFILE is " + std::to_string(next)));
  {
    const SoftLimit limit(RLIMIT_FSIZE, 4096);
    EXPECT_EQ(numbers_to(512).size(), 512U);
    POOLS_EXPECT_THROW_WHAT(Numbers(513), SharedMemoryError, testing::HasSubstr("RLIMIT_FSIZE is 4096"));
  }
  EXPECT_THROW(Numbers(~std::size_t{0}), SharedMemoryError);
  EXPECT_THROW(Numbers(~std::size_t{0} / 8), SharedMemoryError);
}

TEST_F(SharedBuffers, a_fork_reads_and_writes_them_and_passes_none_on) {
  const Numbers numbers = numbers_to(10);
  const pid_t child = fork_that([&] {
    if (sum_of(numbers) != 55) throw std::runtime_error("another sum");
    numbers[0] = 2;
    detail::Bytes bytes;
    try {
      detail::encode(bytes, numbers);
    } catch (const SharedMemoryError&) {
      return;
    }
    throw std::runtime_error("it was passed on");
  });
  EXPECT_EQ(exit_status(child), 0);
  EXPECT_EQ(numbers[0], 2);
}

// What a worker says about its memory is not believed.
TEST_F(SharedBuffers, a_reference_that_does_not_fit_the_memory_is_refused) {
  const Numbers numbers = numbers_to(4);
  const SealedNumbers sealed = sealed_numbers_to(4);
  const auto refused = [](const auto& array, std::size_t field, std::uint64_t value, auto read) {
    detail::Bytes bytes;
    detail::encode(bytes, array);
    std::memcpy(bytes.data() + 8 * field, &value, sizeof value);
    detail::Reader reader(bytes);
    EXPECT_THROW(read(reader), detail::WireError) << field << " " << value;
  };
  const auto as_numbers = [](detail::Reader& reader) { static_cast<void>(detail::decode<Numbers>(reader)); };
  const auto as_sealed = [](detail::Reader& reader) { static_cast<void>(detail::decode<SealedNumbers>(reader)); };
  refused(numbers, 0, 1, as_numbers);  // no such attachment
  refused(numbers, 1, 8, as_numbers);  // begins late, ends beyond the end
  refused(numbers, 1, ~std::uint64_t{0} - 7, as_numbers);
  refused(numbers, 2, 40, as_numbers);
  refused(numbers, 2, ~std::uint64_t{0} - 7, as_numbers);
  refused(numbers, 2, 31, as_numbers);  // no whole numbers
  refused(numbers, 0, 0, as_sealed);
  refused(sealed, 0, 0, as_numbers);
  const detail::FileDescriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_THROW(detail::SharedMemory::received(detail::FileDescriptor(::dup(file.get()))), detail::WireError);
  // Each has a size, else it is refused for that, whatever its seals.
  for (const int seals : {0, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SHRINK | F_SEAL_GROW}) {
    detail::FileDescriptor memory(::memfd_create("pools-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(::ftruncate(memory.get(), 4096), 0);
    ASSERT_EQ(::fcntl(memory.get(), F_ADD_SEALS, seals), 0);
    if (seals == (F_SEAL_SHRINK | F_SEAL_GROW)) {
      EXPECT_EQ(detail::SharedMemory::received(std::move(memory))->size(), 4096U);
    } else {
      EXPECT_THROW(detail::SharedMemory::received(std::move(memory)), detail::WireError) << seals;
    }
  }
}

// A gibibyte of zeros takes none of the machine's memory.
TEST_F(SharedBuffers, the_last_reference_of_a_message_frees_what_nobody_has_mapped) {
  const std::size_t before = shared_memory_held();
  detail::SharedMemoryRef memory = detail::SharedMemory::make(std::size_t{1} << 30);
  EXPECT_EQ(shared_memory_held(), before + 1);
  memory.reset();
  EXPECT_EQ(shared_memory_held(), before);
}

TEST_F(SharedBuffers, what_came_along_and_is_in_nothing_is_noticed) {
  detail::Bytes bytes;
  detail::encode(bytes, numbers_to(4));
  detail::encode(bytes, numbers_to(5));
  detail::Reader reader(bytes);
  static_cast<void>(detail::decode<Numbers>(reader));
  EXPECT_THROW(reader.expect_all_referred_to(), detail::WireError);
  static_cast<void>(detail::decode<Numbers>(reader));
  EXPECT_NO_THROW(reader.expect_all_referred_to());
}

// Reads the reference, and nothing through it.
struct Careless {
  Numbers numbers;

  template <class Archive>
  void save(Archive& archive) const {
    archive(numbers);
  }
  template <class Archive>
  void load(Archive& archive) {
    std::uint64_t attachment = 0, offset = 0, size = 0;
    archive(attachment, offset, size);
  }
};
Careless careless_numbers() { return {numbers_to(4)}; }

TEST_F(SharedBuffers, a_result_with_memory_that_is_in_nothing_fails) {
  ProcessPool pool{1};
  POOLS_EXPECT_THROW_WHAT(pool.submit<&careless_numbers>().result(), detail::WireError, testing::HasSubstr("refers to"));
  EXPECT_EQ(shared_memory_held(), 0U);
}

TEST_F(SharedBuffers, bytes_and_structures_are_shared_like_numbers) {
  struct Texel {
    float red, green, blue;
  };
  SharedBuffer bytes(10);
  EXPECT_EQ(bytes.size(), 10U);
  const std::span<std::byte> all = bytes;
  all[9] = std::byte{7};
  const SealedBuffer sealed = std::move(bytes).seal();
  const std::span<const std::byte> view = sealed;
  EXPECT_EQ(view[9], std::byte{7});
  const SharedArray<Texel> texels(3);
  texels[2].blue = 1;
  EXPECT_EQ(texels.slice(2, 1)[0].blue, 1);
  EXPECT_TRUE(texels.same_memory(texels.slice(0, 0)));
  EXPECT_FALSE(texels.same_memory(SharedArray<Texel>()));
  EXPECT_TRUE(SharedBuffer(0).empty());
}

}  // namespace
}  // namespace pools::test
