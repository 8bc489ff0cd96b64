// The same coroutines on io_uring: system calls that are asked for in a ring of memory, and answered in another. By Asio without Boost,
// which waits so from 1.22 on, and in this translation unit only (ASIO_HAS_IO_URING, ASIO_DISABLE_EPOLL).

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <utility>

#include "harness/engine/backends/loops/asio_loop.h"
#include "harness/engine/backends/loops/loop_executor.h"

namespace harness {
namespace {

struct UringNet {
  using Context = asio::io_context;
  using Timer = asio::steady_timer;
  using Tcp = asio::ip::tcp;
  using Error = asio::error_code;
  using ConstBuffer = asio::const_buffer;
  using MutableBuffer = asio::mutable_buffer;
  using Guard = asio::executor_work_guard<Context::executor_type>;
  static constexpr auto kEof = asio::error::eof;

  static asio::ip::address loopback() { return asio::ip::address_v4::loopback(); }
  template <class Executor, class Handler>
  static void post(Executor& executor, Handler handler) {
    asio::post(executor, std::move(handler));
  }
  template <class Socket, class Handler>
  static void async_write(Socket& socket, ConstBuffer bytes, Handler handler) {
    asio::async_write(socket, bytes, std::move(handler));
  }
};

using UringLoop = AsioLoop<UringNet>;

}  // namespace

std::unique_ptr<Backend> make_io_uring_loop(std::string_view name, std::string_view summary) {
  return std::make_unique<LoopBackend<UringLoop>>(name, summary);
}

}  // namespace harness
