#pragma once

// The standard output and standard error of a pool's workers, passed on line by line with a tag that says whose it is:
// "[pool_1 4711] text". One thread per pool does it. While this process's own output takes nothing, workers that write wait, and nobody
// else; once the pool is to end, whatever nobody takes for too long is dropped, and all that comes after it. Whatever bytes a worker
// writes are passed on as they are. A line longer than kLongestLine is passed on in pieces.

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pools/src/base/mutex.h"
#include "pools/src/process/os/file_descriptor.h"

namespace pools::detail {

class OutputRelay {
 public:
  static constexpr std::size_t kLongestLine = std::size_t{8} << 10;
  static constexpr std::size_t kTail = std::size_t{4} << 10;  // bytes of standard error that are kept of each worker

  // `patience`: for how long, after hurry(), it waits for somebody to take the output. Throws std::system_error
  explicit OutputRelay(std::chrono::nanoseconds patience);
  ~OutputRelay();  // after hurry(), flush()
  OutputRelay(const OutputRelay&) = delete;
  OutputRelay& operator=(const OutputRelay&) = delete;

  // One worker's two streams.
  class Source;
  // Makes them; `stdout_fd` and `stderr_fd` become the worker's, and are to be closed here once it was started. Starts the thread with
  // the first. Throws std::system_error.
  std::shared_ptr<Source> attach(std::string worker, FileDescriptor& stdout_fd, FileDescriptor& stderr_fd);
  // The worker's process id, for the tag: before it can write.
  void started(Source& source, pid_t pid);
  // The worker is dead: takes what is left in its pipes, without waiting for descendants that still hold them, and closes them. Returns the
  // end of its standard error.
  std::string finish(Source& source);
  // The pool is to end: from now on it does not wait for ever for somebody to take the output.
  void hurry();
  // Returns when everything taken so far has been written or, after hurry(), dropped.
  void flush();

 private:
  struct Stream;
  void run();
  void ensure_thread();
  void read_locked(Source& source, Stream& stream) noexcept REQUIRES(mutex_);
  void pass_on_locked(const Source& source, Stream& stream, bool all) REQUIRES(mutex_);
  void wake() noexcept;
  bool await_taker(int to) noexcept;
  void write_all(int to, const std::string& bytes) noexcept;

  const int patience_ms_;
  FileDescriptor epoll_;
  FileDescriptor wake_;  // read by the thread only, before it looks at what it was woken for
  std::atomic<bool> hurried_{false};
  Mutex mutex_;
  std::vector<std::shared_ptr<Source>> sources_ GUARDED_BY(mutex_);  // and what is in them
  std::string pending_[2] GUARDED_BY(mutex_);  // whole lines to be written, to standard output and standard error
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool writing_ GUARDED_BY(mutex_) = false;
  std::thread thread_ GUARDED_BY(mutex_);
  bool given_up_[2] = {};                  // the thread's: nobody takes this output any more
  std::atomic<std::uint32_t> written_{0};  // flush() sleeps on it
};

}  // namespace pools::detail
