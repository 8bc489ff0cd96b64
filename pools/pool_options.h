#pragma once

// What both pools' calls take besides the work itself.

#include <chrono>
#include <cstddef>
#include <optional>

namespace pools {

struct ShutdownOptions {
  bool wait = true;              // return only when every task and every callback has run and all workers are gone
  bool cancel_futures = false;   // cancel what has not started; what runs is finished
};

struct MapOptions {
  std::optional<std::chrono::nanoseconds> timeout = {};   // for the whole map, counted from the call; none: wait for ever
  int chunksize = 1;           // >= 1; consecutive items per task of a ProcessPool; a ThreadPool ignores it
  std::size_t buffersize = 0;  // at most so many tasks submitted ahead of the item being read; 0: all at once
};

}  // namespace pools
