#pragma once

// What this program does in place of its own main(), beside being a worker, when its first argument says so: for libraries that stand on
// pools, and of which pools knows nothing.

#include <cstring>

namespace pools::detail {

// Throws NotInitialisedError, which says why `what` needs it, unless pools::init() has been called. In process_pool.cpp.
void require_initialised(const char* what);

// With static storage duration. pools::init() runs the one that is chosen.
class Entry {
 public:
  // `run` does not return. Before main(), on its thread: nothing here is guarded.
  Entry(const char* argument, void (*run)(int argc, char** argv)) noexcept : argument_(argument), run_(run), next_(first()) {
    first() = this;
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  static void run_chosen(int argc, char** argv) {
    for (const Entry* entry = first(); entry != nullptr; entry = entry->next_) {
      if (argc > 1 && std::strcmp(argv[1], entry->argument_) == 0) entry->run_(argc, argv);
    }
  }

 private:
  static Entry*& first() noexcept {
    static constinit Entry* first = nullptr;
    return first;
  }

  const char* const argument_;
  void (*const run_)(int, char**);
  Entry* const next_;
};

}  // namespace pools::detail
