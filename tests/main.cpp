#include <gtest/gtest.h>

#include "pools/process_pool.h"

int main(int argc, char** argv) {
  pools::init(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
