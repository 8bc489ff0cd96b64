#pragma once

// The contract of README.md, as far as both pools share it, one part per chapter. A test program instantiates all of it
// over a pool with POOLS_INSTANTIATE_CONTRACT.

#include "pools/tests/contract/await.h"
#include "pools/tests/contract/control.h"
#include "pools/tests/contract/future.h"
#include "pools/tests/contract/groups.h"
#include "pools/tests/contract/map.h"
#include "pools/tests/contract/pool.h"
#include "pools/tests/contract/shared.h"
#include "pools/tests/contract/start_by.h"
#include "pools/tests/contract/wait.h"

#define POOLS_INSTANTIATE_CONTRACT(Pool)                                       \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, FutureContract, testing::Types<Pool>);  \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, WaitContract, testing::Types<Pool>);    \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, MapContract, testing::Types<Pool>);     \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, PoolContract, testing::Types<Pool>);    \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, ControlContract, testing::Types<Pool>); \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, StartByContract, testing::Types<Pool>); \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, GroupContract, testing::Types<Pool>);   \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, SharedContract, testing::Types<Pool>);  \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, AwaitContract, testing::Types<Pool>)
