#include "pools/process_pool.h"
#include "pools/tests/contract/suite.h"

namespace pools::test {

POOLS_INSTANTIATE_CONTRACT(ProcessPool);

}  // namespace pools::test
