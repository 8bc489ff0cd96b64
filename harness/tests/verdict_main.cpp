// `case` runs repetitions: they are this program again.

#include <gtest/gtest.h>

#include "harness/engine/internal_entry.h"
#include "pools/process_pool.h"

int main(int argc, char** argv) {
  pools::init(argc, argv);
  harness::internal_entry(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
