#pragma once

// libuv's thread pool, which Node's file system, DNS and crypto calls share: uv_queue_work on a loop with a thread of its own. The pool is
// one for the whole process and has the size that it is first used with (UV_THREADPOOL_SIZE; 4 where nobody says).

#include <uv.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "contenders/contender.h"

namespace contenders {

class LibUv : public FuturesByPost<LibUv> {
 public:
  // Throws std::runtime_error if the process has a pool of another size already.
  explicit LibUv(int workers) {
    fix_size(workers);
    loop_.posted.data = this;
    thread_ = std::thread([this] { uv_run(&loop_.loop, UV_RUN_DEFAULT); });
  }
  ~LibUv() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    uv_async_send(&loop_.posted);
    thread_.join();
  }
  LibUv(const LibUv&) = delete;
  LibUv& operator=(const LibUv&) = delete;

  // Only uv_async_send may be called by other threads than the loop's, which queues what was posted.
  void post(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::make_unique<Work>(std::move(task)));
    }
    uv_async_send(&loop_.posted);
  }

 private:
  struct Work {
    explicit Work(std::function<void()> f) : run(std::move(f)) { request.data = this; }
    std::function<void()> run;
    uv_work_t request{};
  };

  // A loop and what wakes it.
  struct Loop {
    Loop() {
      expect("uv_loop_init", uv_loop_init(&loop));
      const int error = uv_async_init(&loop, &posted, &take_posted);
      if (error != 0) uv_loop_close(&loop);
      expect("uv_async_init", error);
    }
    ~Loop() {
      uv_close(reinterpret_cast<uv_handle_t*>(&posted), nullptr);
      uv_run(&loop, UV_RUN_DEFAULT);
      uv_loop_close(&loop);
    }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    uv_loop_t loop{};
    uv_async_t posted{};
  };

  static void expect(const char* call, int error) {
    if (error != 0) throw std::runtime_error(std::string(call) + ": " + uv_strerror(error));
  }

  static void fix_size(int workers) {
    static std::atomic<int> size{0};  // 0: no pool yet
    constexpr int kMost = 1024;       // MAX_THREADPOOL_SIZE: it would take fewer threads without a word
    if (workers > kMost) throw std::runtime_error("libuv has at most 1024 threads, not " + std::to_string(workers));
    int had = 0;
    if (size.compare_exchange_strong(had, workers)) {
      ::setenv("UV_THREADPOOL_SIZE", std::to_string(workers).c_str(), 1);
    } else if (had != workers) {
      throw std::runtime_error("libuv's pool has " + std::to_string(had) + " threads for this whole process, not " +
                               std::to_string(workers));
    }
  }

  // On the loop's thread, whose uv_run returns when nothing wakes it any more and no work is left.
  static void take_posted(uv_async_t* handle) {
    auto* const self = static_cast<LibUv*>(handle->data);
    std::vector<std::unique_ptr<Work>> posted;
    {
      const std::lock_guard lock(self->mutex_);
      posted.swap(self->waiting_);
      if (self->closing_) uv_unref(reinterpret_cast<uv_handle_t*>(handle));
    }
    for (std::unique_ptr<Work>& work : posted) {
      uv_work_t* const request = &work.release()->request;
      uv_queue_work(
          &self->loop_.loop, request, [](uv_work_t* running) { static_cast<Work*>(running->data)->run(); },
          [](uv_work_t* done, int) { delete static_cast<Work*>(done->data); });
    }
  }

  Loop loop_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Work>> waiting_;  // guarded by mutex_
  bool closing_ = false;                        // nobody posts any more; guarded by mutex_
  std::thread thread_;
};

}  // namespace contenders
