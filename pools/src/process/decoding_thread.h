#pragma once

// The one thread on which a process pool decodes results whose decoding runs code of the user's (in_place.h): one at a time, in the order in
// which they arrived. A decoder that blocks delays other results of that kind and no task.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "pools/detail/bytes.h"
#include "pools/detail/futex.h"
#include "pools/detail/remote_task.h"
#include "pools/src/base/mutex.h"

namespace pools::detail {

// Thread-safe. The thread starts with the first answer and ends with the object.
class DecodingThread {
 public:
  struct Answer {
    TaskRef task;  // claimed
    Bytes payload;
    Attachments attachments = {};  // that came along
    int worker = 0;                // that sent it
  };

  // `prepare`, which runs first on the thread, and `decode` must not throw. `name` is the thread's, cut to 15 characters.
  DecodingThread(std::string name, std::function<void(Answer)> decode, std::function<void()> prepare = {});
  ~DecodingThread() { stop(); }
  DecodingThread(const DecodingThread&) = delete;
  DecodingThread& operator=(const DecodingThread&) = delete;

  // False: there is no thread, or no memory, for it, and it is the caller's still.
  bool deliver(Answer& answer) noexcept;
  // Returns when everything delivered so far has been decoded.
  void drain() noexcept;
  // Decodes what is left, and ends the thread. Idempotent. REQUIRES: no delivery after it; not called on the thread itself
  void stop() noexcept;
  bool is_this_thread() const noexcept;

 private:
  void run();

  const std::string name_;
  const std::function<void(Answer)> decode_;
  const std::function<void()> prepare_;

  Mutex mutex_;
  std::vector<Answer> answers_ GUARDED_BY(mutex_);
  std::uint32_t delivered_ GUARDED_BY(mutex_) = 0;  // wraps; only differences count
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_ GUARDED_BY(mutex_);

  Parker parker_;
  // Answers decoded, wraps. drain() sleeps on it.
  std::atomic<std::uint32_t> decoded_{0};
};

}  // namespace pools::detail
