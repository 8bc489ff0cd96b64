#pragma once

// An epoll set with a descriptor of its own by which any thread ends a wait of one that sleeps on it.

#include <sys/epoll.h>

#include <span>

#include "pools/src/process/os/file_descriptor.h"

namespace pools::detail {

// Thread-safe, but for close(). What happens ends the wait of one thread, of several the one that came last (as Linux has it).
class EventPoll {
 public:
  EventPoll();  // Throws std::system_error
  EventPoll(const EventPoll&) = delete;
  EventPoll& operator=(const EventPoll&) = delete;

  // The descriptor becoming readable ends a wait, once each time: it need never be read. Both return false, with errno set, on failure.
  bool add_bell(int descriptor) noexcept;
  // A pidfd: while that process is dead each wait ends with an event that has `of`, which is not null.
  bool add_process(int pidfd, void* of) noexcept;
  // Explicitly, before it is closed: what somebody else's copy keeps open would stay registered.
  void remove(int descriptor) noexcept;

  // Ends the wait that goes on, or the next one.
  void wake() noexcept;
  // Returns how many events there are. -1: no timeout. `data.ptr` is null in those of bells and of wake().
  int wait(std::span<epoll_event> events, int timeout_ms) noexcept;

  void close() noexcept;

 private:
  FileDescriptor epoll_;
  FileDescriptor wake_;  // an event descriptor
};

}  // namespace pools::detail
