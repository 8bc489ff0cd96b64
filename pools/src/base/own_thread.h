#pragma once

// Threads of a pool's own that run users' code, and so may come to destroy the pool: a callback holds the last handle of it, or calls exit()
// in a program that has the pool as a static object. Such a thread cannot wait for its own end; what it still needs afterwards lives until
// then.

#include <memory>
#include <thread>
#include <utility>

namespace pools::detail {

// Null on other threads. Without a destructor, so that it is there while exit() runs.
extern constinit thread_local std::shared_ptr<void>* kept_by_this_thread;

// Throws std::system_error.
template <class Body>
std::thread start_own_thread(Body body) {
  return std::thread([body = std::move(body)] {
    std::shared_ptr<void> kept;  // outlives the body, whose object it may own
    kept_by_this_thread = &kept;
    body();
  });
}

// `owner` lives until the body of this thread has returned. REQUIRES: start_own_thread() has started it; once
inline void keep_until_this_thread_ends(std::shared_ptr<void> owner) noexcept { *kept_by_this_thread = std::move(owner); }

// Waits for the thread's end; on the thread itself, which is about to end, it does not.
inline void join_unless_this(std::thread& thread) {
  if (!thread.joinable()) return;
  if (thread.get_id() == std::this_thread::get_id()) {
    thread.detach();
  } else {
    thread.join();
  }
}

}  // namespace pools::detail
