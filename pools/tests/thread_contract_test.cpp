#include "pools/tests/contract_suite.h"
#include "pools/thread_pool.h"

namespace pools::test {

POOLS_INSTANTIATE_CONTRACT(ThreadPool);

}  // namespace pools::test
