#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <thread>
#include <vector>

#include "workloads/tests/scratch_directory.h"
#include "workloads/work.h"

namespace workloads {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_workloads::ScratchDirectory;

Work file_of(std::int64_t bytes) {
  return make_work(*find_workload("file_io"), {.payload_bytes = bytes, .seed = 9}, {1, 1, 1, 1, 1});
}

TEST(FileIo, LeavesTheDirectoryEmpty) {
  const ScratchDirectory scratch;
  const RunContext context{.scratch_directory = scratch.path(), .ports = {}};
  std::vector<std::thread> threads;
  for (int index = 0; index < 8; ++index) {
    threads.emplace_back([&] { execute(file_of(100'000), context); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(scratch.entries(), 0);
}

TEST(FileIo, TakesAnySizeFromOneByteOn) {
  const ScratchDirectory scratch;
  const RunContext context{.scratch_directory = scratch.path(), .ports = {}};
  std::uint64_t earlier = 0;
  for (const std::int64_t bytes : {1, 7, 8, 9, 4096, 4097}) {
    const std::uint64_t digest = execute(file_of(bytes), context).digest;
    EXPECT_NE(digest, earlier);
    earlier = digest;
  }
}

TEST(FileIo, SaysThatItHasNoDirectory) {
  EXPECT_THAT([] { execute(file_of(10), {}); },
              ThrowsMessage<std::runtime_error>(HasSubstr("file_io: no scratch directory was given")));
  const RunContext nowhere{.scratch_directory = "/nowhere/at/all", .ports = {}};
  EXPECT_THAT([&] { execute(file_of(10), nowhere); },
              ThrowsMessage<std::runtime_error>(HasSubstr("cannot make a file in '/nowhere/at/all': No such file")));
}

TEST(FileIo, SaysThatTheFileCannotGrowAndLeavesNothing) {
  const ScratchDirectory scratch;
  const RunContext context{.scratch_directory = scratch.path(), .ports = {}};
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THAT([&] { execute(file_of(10'000), context); },
              ThrowsMessage<std::runtime_error>(HasSubstr("file_io: cannot write in '" + scratch.path())));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(scratch.entries(), 0);
}

}  // namespace
}  // namespace workloads
