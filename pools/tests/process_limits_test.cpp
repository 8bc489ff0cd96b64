// Limits that sanitizers cannot live with.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "pools/process_pool.h"
#include "pools/shared_buffer.h"
#include "pools/tests/expectations.h"
#include "pools/tests/process_checks.h"

namespace pools::test {
namespace {

class ProcessLimits : public ProcessTest {};

int try_to_allocate(int mebibytes) {
  std::vector<char> memory(static_cast<std::size_t>(mebibytes) << 20, 1);
  return memory.empty() ? 0 : memory[memory.size() - 1];
}

TEST_F(ProcessLimits, beyond_its_memory_limit_an_allocation_of_a_worker_fails_and_that_is_all) {
  ProcessPool pool({.workers = 1, .memory_limit = std::uint64_t{512} << 20});
  EXPECT_EQ(pool.submit<&try_to_allocate>(10).result(), 1);
  try {
    pool.submit<&try_to_allocate>(1024).result();
    ADD_FAILURE();
  } catch (const RemoteError& error) {
    EXPECT_EQ(error.type(), "std::bad_alloc");
  }
  EXPECT_EQ(pool.submit<&try_to_allocate>(10).result(), 1);
  EXPECT_EQ(pool.metrics().crashed, 0U);
}

std::uint8_t last_of_shared(const SharedArray<std::uint8_t>& bytes) { return bytes[bytes.size() - 1]; }

TEST_F(ProcessLimits, shared_memory_that_does_not_fit_a_workers_limit_fails_its_task_and_a_slice_of_it_passes) {
  ProcessPool pool({.workers = 1, .memory_limit = std::uint64_t{512} << 20});
  const SharedArray<std::uint8_t> bytes(std::size_t{1} << 30);
  bytes[bytes.size() - 1] = 7;
  POOLS_EXPECT_THROW_WHAT(pool.submit<&last_of_shared>(bytes).result(), SharedMemoryError,
                          testing::HasSubstr("RLIMIT_AS is 536870912"));
  EXPECT_EQ(pool.submit<&last_of_shared>(bytes.slice(bytes.size() - 10'000, 10'000)).result(), 7);
  EXPECT_EQ(pool.metrics().crashed, 0U);
}

}  // namespace
}  // namespace pools::test
