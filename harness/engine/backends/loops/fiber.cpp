// Fibers: tasks with a stack each, of which a thread runs one until it waits. Boost.Fiber, with work stealing between the loop's threads.

#include <boost/fiber/algo/work_stealing.hpp>
#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/future.hpp>
#include <boost/fiber/operations.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "harness/engine/backends/loops/asio_loop.h"
#include "harness/engine/backends/loops/boost_net.h"
#include "harness/engine/backends/loops/loop_executor.h"

namespace harness {
namespace {

// Waits for what another thread does, and gives its own to other fibers meanwhile.
template <class Begin>
bool wait_in_fiber(workloads::Completion& completion, Begin begin) {
  struct Ended : workloads::Completion {
    boost::fibers::promise<void> promise;
  } ended;
  ended.done = [](workloads::Completion& self) {
    // A state of its own: from set_value() on the fiber may be past its wait, and `self` gone.
    boost::fibers::promise<void> promise = std::move(static_cast<Ended&>(self).promise);
    promise.set_value();
  };
  boost::fibers::future<void> future = ended.promise.get_future();
  if (begin(static_cast<workloads::Completion&>(ended))) future.wait();
  completion.error = ended.error;
  completion.bytes = ended.bytes;
  return false;
}

// Sockets wait on an event loop of one thread more, for all fibers: Boost.Fiber itself knows timers only.
class FiberSocket final : public workloads::LoopSocket {
 public:
  explicit FiberSocket(std::unique_ptr<workloads::LoopSocket> socket) : socket_(std::move(socket)) {}

  bool connect(std::uint16_t port, workloads::Completion& completion) override {
    return wait_in_fiber(completion, [&](workloads::Completion& ended) { return socket_->connect(port, ended); });
  }
  bool write(std::string_view bytes, workloads::Completion& completion) override {
    return wait_in_fiber(completion, [&](workloads::Completion& ended) { return socket_->write(bytes, ended); });
  }
  bool read_some(std::span<char> into, workloads::Completion& completion) override {
    return wait_in_fiber(completion, [&](workloads::Completion& ended) { return socket_->read_some(into, ended); });
  }

 private:
  std::unique_ptr<workloads::LoopSocket> socket_;
};

// One per process: Boost.Fiber's work stealing keeps its schedulers in a static.
class FiberLoop final : public workloads::EventLoop {
 public:
  explicit FiberLoop(int threads) : reactor_(1), posted_(kPosted) {
    const auto ready = std::make_shared<std::latch>(threads + 1);
    std::promise<bool> all_started;  // the scheduler waits for so many threads and cannot be told that there are fewer
    const auto start = [&](const std::shared_future<bool>& go) {
      threads_.emplace_back([this, ready, threads, go] {
        if (!go.get()) return;
        // A thread alone would look for another to steal from for ever. The constructor waits for the others.
        if (threads > 1) {
          boost::fibers::use_scheduling_algorithm<boost::fibers::algo::work_stealing>(static_cast<std::uint32_t>(threads), true);
        }
        ready->arrive_and_wait();
        launch_fibers();
      });
    };
    const std::shared_future<bool> go = all_started.get_future().share();
    try {
      for (int thread = 0; thread < threads; ++thread) start(go);
    } catch (...) {  // no more threads than these
      all_started.set_value(false);
      for (std::thread& thread : threads_) thread.join();
      threads_.clear();
      reactor_.shutdown();
      throw;
    }
    all_started.set_value(true);
    ready->arrive_and_wait();
  }
  ~FiberLoop() override { shutdown(); }
  FiberLoop(const FiberLoop&) = delete;
  FiberLoop& operator=(const FiberLoop&) = delete;

  void shutdown() {
    posted_.close();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    reactor_.shutdown();
  }

  void post(workloads::Completion& completion) override { posted_.push(&completion); }
  bool yield(workloads::Completion& /*completion*/) override {
    boost::this_fiber::yield();
    return false;
  }
  bool wait_until(std::int64_t deadline_ns, workloads::Completion& /*completion*/) override {
    boost::this_fiber::sleep_until(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline_ns)));
    return false;
  }
  std::unique_ptr<workloads::LoopSocket> adopt(int socket) override {
    return std::make_unique<FiberSocket>(reactor_.adopt(socket));
  }

 private:
  static constexpr std::size_t kPosted = 4096;  // a power of two; beyond it the submitter waits

  // On a thread of the loop. Returns when the loop is shut down and no fiber is left, on any thread: a fiber may be on another by then.
  void launch_fibers() {
    workloads::Completion* posted = nullptr;
    while (posted_.pop(posted) == boost::fibers::channel_op_status::success) {
      {
        const std::lock_guard lock(mutex_);
        ++fibers_;
      }
      boost::fibers::fiber([this, posted] {
        posted->done(*posted);
        const std::lock_guard lock(mutex_);
        if (--fibers_ == 0) none_left_.notify_all();
      }).detach();
    }
    std::unique_lock lock(mutex_);
    none_left_.wait(lock, [this] { return fibers_ == 0; });
  }

  AsioLoop<BoostNet> reactor_;
  boost::fibers::buffered_channel<workloads::Completion*> posted_;
  boost::fibers::mutex mutex_;
  boost::fibers::condition_variable none_left_;
  std::size_t fibers_ = 0;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Backend> make_fiber_loop(std::string_view name, std::string_view summary) {
  return std::make_unique<LoopBackend<FiberLoop>>(name, summary);
}

}  // namespace harness
