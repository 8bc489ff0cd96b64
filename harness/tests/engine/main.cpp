// The engine's tests start this program again: as worker process, as repetition, as server, as guard.

#include <gtest/gtest.h>

#include "harness/engine/internal_entry.h"
#include "harness/tests/engine/backends.h"
#include "harness/tests/engine/entries.h"
#include "pools/process_pool.h"

int main(int argc, char** argv) {
  pools::init(argc, argv);
  harness::internal_entry(argc, argv, harness::testing_engine::backends_for_tests());
  harness::testing_engine::owner_entry(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
