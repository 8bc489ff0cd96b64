#pragma once

// What the plugin of shared_library_test has, looked up by name.

#include "pools/process_pool.h"

namespace pools::test {

// Makes a thread pool of so many workers, has it add up 1 to n, and ends it: the sum.
extern "C" long plugin_sum(int workers, int n);
using PluginSum = decltype(&plugin_sum);

// A task of a function that lies in the plugin: the process that it ran in.
extern "C" void plugin_submit(ProcessPool& pool, Future<int>& future);
using PluginSubmit = decltype(&plugin_submit);

}  // namespace pools::test
