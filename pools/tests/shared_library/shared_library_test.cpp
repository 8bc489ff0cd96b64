// The library as a shared one, and libraries that are loaded at run time and use pools.
//
// PLUGIN shares the program's pools; OWN_POOLS brings a copy of them along.

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "pools/process_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/shared_library/plugin.h"
#include "pools/thread_pool.h"

// A plugin that has a copy of the library of its own is what is tested: not what AddressSanitizer takes it for. Of another build nobody calls it.
extern "C" const char* __asan_default_options() { return "detect_odr_violation=0"; }  // NOLINT(bugprone-reserved-identifier)

namespace pools::test {

void* load(const char* path) {
  void* const library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(::dlerror());
  return library;
}

template <class Function>
Function look_up(void* library, const char* name) {
  void* const symbol = ::dlsym(library, name);
  if (symbol == nullptr) throw std::runtime_error(::dlerror());
  return reinterpret_cast<Function>(symbol);
}

// In a worker: what the plugin's functions need there.
void load_in_worker(const std::string& path) { load(path.c_str()); }
int square(int n) { return n * n; }
int refuse(int n) { throw std::out_of_range("not " + std::to_string(n)); }

TEST(SharedLibrary, both_pools_work_and_exceptions_keep_their_types) {
  Dl_info where{};
  ASSERT_NE(::dladdr(reinterpret_cast<void*>(&init), &where), 0);
  EXPECT_THAT(where.dli_fname, testing::HasSubstr(".so"));  // else this tests nothing

  ThreadPool threads{2};
  EXPECT_EQ(threads.submit([] { return 6 * 7; }).result(), 42);
  EXPECT_THROW(threads.submit([]() -> int { throw std::out_of_range("no"); }).result(), std::out_of_range);
  ProcessPool processes{2};
  EXPECT_EQ(processes.submit<&square>(7).result(), 49);
  POOLS_EXPECT_THROW_WHAT(processes.submit<&refuse>(7).result(), RemoteError, testing::HasSubstr("not 7"));
}

TEST(SharedLibrary, a_plugin_may_have_a_pool_and_be_unloaded_after_it) {
  for (const char* path : {PLUGIN, OWN_POOLS}) {
    for (int round = 0; round < 3; ++round) {
      void* const library = load(path);
      EXPECT_EQ(look_up<PluginSum>(library, "plugin_sum")(3, 1000), 500500) << path;
      EXPECT_EQ(::dlclose(library), 0);
    }
    // What the pools have registered with the process is still there to be called.
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << path;
  }
}

TEST(SharedLibrary, a_function_of_a_plugin_is_found_by_workers_whose_initializer_loads_it) {
  void* const library = load(PLUGIN);
  ProcessPool pool({.workers = 2, .initializer = remote<&load_in_worker>(std::string(PLUGIN))});
  Future<int> future;
  look_up<PluginSubmit>(library, "plugin_submit")(pool, future);
  EXPECT_NE(future.result(), ::getpid());
}

TEST(SharedLibrary, a_function_of_a_plugin_that_workers_have_not_loaded_is_an_error_of_that_task_only) {
  void* const library = load(PLUGIN);
  ProcessPool pool{1};
  Future<int> future;
  look_up<PluginSubmit>(library, "plugin_submit")(pool, future);
  POOLS_EXPECT_THROW_WHAT(future.result(), Error, testing::HasSubstr("a library that the worker process has not loaded"));
  EXPECT_EQ(pool.submit<&square>(3).result(), 9);
}

}  // namespace pools::test
