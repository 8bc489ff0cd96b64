// main() of the remote pool's tests. Started with kRemoteOwnerArgument it is the owner of a pool that a test is going to kill.

#include <gtest/gtest.h>

#include <cstring>

#include "pools/remote_pool.h"
#include "pools/tests/remote/owner.h"

int main(int argc, char** argv) {
  pools::init(argc, argv);
  if (argc > 3 && std::strcmp(argv[1], pools::test::kRemoteOwnerArgument) == 0) pools::test::own_remote_pool(argv[2], argv[3]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
