// main() of the process pool's tests. Started with kOwnerArgument it is the owner of a pool that a test is going to kill.

#include <gtest/gtest.h>

#include <cstring>

#include "pools/process_pool.h"
#include "pools/tests/process_owner.h"

int main(int argc, char** argv) {
  pools::init(argc, argv);
  if (argc > 1 && std::strcmp(argv[1], pools::test::kOwnerArgument) == 0) pools::test::own_pool(argc > 2 ? argv[2] : "");
  if (argc > 1 && std::strcmp(argv[1], pools::test::kChildArgument) == 0) return pools::test::run_child(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
