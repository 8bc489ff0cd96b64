// What the program loads only when it is used: each worker process of each pool would load it, too, and take twice as long to start.

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "harness/engine/backends/backend.h"
#include "harness/tests/engine/cells.h"
#include "harness/tests/engine/own_process.h"
#include "pools/process_pool.h"

namespace harness {
namespace {

using testing_engine::in_a_process_of_its_own;
using testing_engine::make_prepared;

// Of other executors' libraries.
std::set<std::string> loaded_libraries() {
  std::set<std::string> loaded;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    for (const char* const library : {"libQt5Core", "libglib-2.0", "libtbb", "libgomp", "libuv", "libzmq"}) {
      if (line.find(library) != std::string::npos) loaded.insert(library);
    }
  }
  return loaded;
}

TEST(OtherExecutorsLibraries, AreNotLoadedByWorkerProcesses) {
  pools::ProcessPool pool({.workers = 1});
  EXPECT_EQ(pool.submit<&loaded_libraries>().result(), std::set<std::string>());
}

TEST(OtherExecutorsLibraries, AreLoadedByWhoeverUsesThem) {
  const Backend& backend = find_backend("openmp");
  if (!backend.missing().empty()) GTEST_SKIP() << backend.missing();
  in_a_process_of_its_own([&] {
    backend.run(make_prepared({.backend = "openmp", .strategy = "none", .workers = 2, .tasks = 4}));
    EXPECT_TRUE(loaded_libraries().contains("libgomp"));
  });
}

}  // namespace
}  // namespace harness
