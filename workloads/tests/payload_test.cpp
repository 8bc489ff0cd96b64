// The result that carries something.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "workloads/work.h"

namespace workloads {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::ThrowsMessage;

Work payload_of_bytes(std::int64_t bytes, std::chrono::nanoseconds duration = 0ns, std::uint64_t seed = 1) {
  return make_work(*find_workload("payload"), {.duration = duration, .payload_bytes = bytes, .seed = seed}, {});
}

TEST(Payload, IsAsLargeAsAskedFor) {
  for (const std::int64_t bytes : {1, 7, 512, 1 << 20}) {
    EXPECT_EQ(execute(payload_of_bytes(bytes), {}).body.size(), static_cast<std::size_t>(bytes));
  }
  EXPECT_EQ(execute(payload_of_bytes(0), {}).body.size(), 1024U) << "its own default";
}

TEST(Payload, IsMadeFromTheSeedAlone) {
  const Outcome once = execute(payload_of_bytes(1000), {});
  const Outcome again = execute(payload_of_bytes(1000, 2ms), {});
  EXPECT_EQ(once.body, again.body);
  EXPECT_EQ(once.digest, again.digest);
  EXPECT_NE(once.digest, execute(payload_of_bytes(1000, 0ns, 2), {}).digest);
  EXPECT_NE(once.digest, execute(payload_of_bytes(1001), {}).digest);
  EXPECT_GE(again.finished_ns - again.started_ns, 2'000'000);
}

TEST(Payload, HasABound) {
  EXPECT_THAT([] { payload_of_bytes((64 << 20) + 1); }, ThrowsMessage<std::invalid_argument>(HasSubstr("67108865")));
}

}  // namespace
}  // namespace workloads
