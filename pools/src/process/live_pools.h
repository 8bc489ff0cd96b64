#pragma once

// The process pools that have been opened and are there, by address: a thread that waits for a task knows no more of its pool, which may go as soon as the task
// is done.

#include <memory>

namespace pools::detail {

class CallbackSink;
class ProcessPoolCore;

// Thread-safe, also beside forks.
class LivePools {
 public:
  static void add(const std::shared_ptr<ProcessPoolCore>& pool);  // Throws std::bad_alloc
  static void remove(const ProcessPoolCore& pool) noexcept;
  // Null if there is none, or none any more. That at an address which was another's before is another pool.
  static std::shared_ptr<ProcessPoolCore> find(const CallbackSink* sink) noexcept;
};

}  // namespace pools::detail
