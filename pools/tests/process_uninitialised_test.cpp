// A program that forgot pools::init.

#include <gtest/gtest.h>

#include "pools/process_pool.h"
#include "pools/tests/expectations.h"

namespace pools::test {
namespace {

TEST(ProcessPoolWithoutInit, cannot_be_made_and_says_why) {
  POOLS_EXPECT_THROW_WHAT(ProcessPool{2}, NotInitialisedError,
                          testing::HasSubstr("call pools::init(argc, argv) first in main()"));
  POOLS_EXPECT_THROW_WHAT(ProcessPool{}, NotInitialisedError, testing::HasSubstr("pools::init"));
}

}  // namespace
}  // namespace pools::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
