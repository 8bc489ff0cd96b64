#pragma once

// A shared library of this program's own, loaded when it is asked for what it has.
//
// The worker processes of a pool are the program once more. What it links to, each of them loads: with Qt and ICU, which one contender
// needs, the start of a worker took twice as long, and so the start of every process pool that the program measured.

#include <filesystem>
#include <string_view>

#define POOLBENCH_MODULE_ENTRY __attribute__((visibility("default")))

namespace contenders {

// Of the library of that name: of an installed program the one in its prefix, else the one that was built with it. Loads it; it stays loaded.
// Throws std::runtime_error: it is not there, cannot be loaded or has no such function. Thread-safe.
void* find_entry(std::string_view library, const char* function);

template <class Function>
Function* entry_of(std::string_view library, const char* function) {
  return reinterpret_cast<Function*>(find_entry(library, function));
}

}  // namespace contenders
