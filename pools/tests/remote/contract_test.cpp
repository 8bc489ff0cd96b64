// The contract of README.md over a remote pool: all of it but what one tells a pool to do to its workers (contract/control.h).

#include "pools/tests/contract/await.h"
#include "pools/tests/contract/future.h"
#include "pools/tests/contract/map.h"
#include "pools/tests/contract/pool.h"
#include "pools/tests/contract/start_by.h"
#include "pools/tests/contract/wait.h"
#include "pools/tests/remote/agents.h"

namespace pools::test {

INSTANTIATE_TYPED_TEST_SUITE_P(Remote, FutureContract, testing::Types<LoopbackPool>);
INSTANTIATE_TYPED_TEST_SUITE_P(Remote, WaitContract, testing::Types<LoopbackPool>);
INSTANTIATE_TYPED_TEST_SUITE_P(Remote, MapContract, testing::Types<LoopbackPool>);
INSTANTIATE_TYPED_TEST_SUITE_P(Remote, PoolContract, testing::Types<LoopbackPool>);
INSTANTIATE_TYPED_TEST_SUITE_P(Remote, StartByContract, testing::Types<LoopbackPool>);
INSTANTIATE_TYPED_TEST_SUITE_P(Remote, AwaitContract, testing::Types<LoopbackPool>);

}  // namespace pools::test
