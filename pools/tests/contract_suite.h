#pragma once

// The contract of README.md, as far as both pools share it, one part per chapter. A test program instantiates all of it
// over a pool with POOLS_INSTANTIATE_CONTRACT.

#include "pools/tests/contract_control.h"
#include "pools/tests/contract_future.h"
#include "pools/tests/contract_map.h"
#include "pools/tests/contract_pool.h"
#include "pools/tests/contract_wait.h"

#define POOLS_INSTANTIATE_CONTRACT(Pool)                                        \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, FutureContract, testing::Types<Pool>);   \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, WaitContract, testing::Types<Pool>);     \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, MapContract, testing::Types<Pool>);      \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, PoolContract, testing::Types<Pool>);     \
  INSTANTIATE_TYPED_TEST_SUITE_P(Pool, ControlContract, testing::Types<Pool>)
