#pragma once

// An event loop of Asio's. There are two Asios, Boost's and its own, which can be in one program and may wait in different ways; `Net` names
// one:
//   Context, Timer (of std::chrono::steady_clock), Tcp, Error, ConstBuffer, MutableBuffer, Guard (keeps a Context running), kEof
// A task costs the loop what it costs any program that is written so: a timer or socket operation with a handler, which resumes a coroutine.

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "workloads/event_loop.h"

namespace harness {

template <class Net>
class AsioLoop : public workloads::EventLoop {
 public:
  // Returns when every thread is there. REQUIRES: threads >= 1. Throws std::system_error when there cannot be so many threads or descriptors.
  explicit AsioLoop(int threads) : context_(threads), guard_(context_.get_executor()) {
    const auto ready = std::make_shared<std::latch>(threads + 1);  // the threads', too: who leaves it last is not known
    try {
      for (int thread = 0; thread < threads; ++thread) {
        threads_.emplace_back([this, ready] {
          ready->arrive_and_wait();
          context_.run();
        });
      }
    } catch (...) {
      ready->count_down(threads + 1 - static_cast<std::ptrdiff_t>(threads_.size()));
      shutdown();
      throw;
    }
    ready->arrive_and_wait();
  }
  ~AsioLoop() override { shutdown(); }
  AsioLoop(const AsioLoop&) = delete;
  AsioLoop& operator=(const AsioLoop&) = delete;

  // Returns when nothing is under way any more. Idempotent.
  void shutdown() {
    guard_.reset();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  void post(workloads::Completion& completion) override {
    typename Net::Context::executor_type executor = context_.get_executor();
    Net::post(executor, [&completion] { completion.done(completion); });
  }
  bool yield(workloads::Completion& completion) override {
    post(completion);
    return true;
  }
  bool wait_until(std::int64_t deadline_ns, workloads::Completion& completion) override {
    auto timer =
        std::make_unique<typename Net::Timer>(context_,
                                              std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline_ns)));
    auto& waiting = *timer;
    waiting.async_wait([timer = std::move(timer), &completion](const typename Net::Error&) mutable {
      timer.reset();
      completion.done(completion);
    });
    return true;
  }
  std::unique_ptr<workloads::LoopSocket> adopt(int socket) override { return std::make_unique<Socket>(context_, socket); }

 private:
  class Socket final : public workloads::LoopSocket {
   public:
    Socket(typename Net::Context& context, int descriptor) : socket_(context) {
      typename Net::Error error;
      socket_.assign(Net::Tcp::v4(), descriptor, error);
      if (error) {
        ::close(descriptor);
        throw std::system_error(error.value(), std::generic_category(), "a socket for the event loop");
      }
    }

    bool connect(std::uint16_t port, workloads::Completion& completion) override {
      socket_.async_connect({Net::loopback(), port},
                            [&completion](const typename Net::Error& error) { tell(completion, error, 0); });
      return true;
    }
    bool write(std::string_view bytes, workloads::Completion& completion) override {
      Net::async_write(socket_, typename Net::ConstBuffer(bytes.data(), bytes.size()),
                       [&completion](const typename Net::Error& error, std::size_t sent) { tell(completion, error, sent); });
      return true;
    }
    bool read_some(std::span<char> into, workloads::Completion& completion) override {
      socket_.async_read_some(typename Net::MutableBuffer(into.data(), into.size()),
                              [&completion](const typename Net::Error& error, std::size_t received) {
                                tell(completion, error, received);
                              });
      return true;
    }

   private:
    static void tell(workloads::Completion& completion, const typename Net::Error& error, std::size_t bytes) {
      completion.bytes = bytes;
      completion.error = !error || error == Net::kEof ? 0 : error.value();
      completion.done(completion);
    }

    typename Net::Tcp::socket socket_;
  };

  typename Net::Context context_;
  typename Net::Guard guard_;
  std::vector<std::thread> threads_;
};

}  // namespace harness
