#include "pools/tests/contract/suite.h"
#include "pools/thread_pool.h"

namespace pools::test {

POOLS_INSTANTIATE_CONTRACT(ThreadPool);

}  // namespace pools::test
