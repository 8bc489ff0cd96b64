// Limits that sanitizers cannot live with.

#include <gtest/gtest.h>

#include <vector>

#include "pools/process_pool.h"
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

}  // namespace
}  // namespace pools::test
