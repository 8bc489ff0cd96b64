#pragma once

// Boost's Asio, whose loop waits with epoll, for AsioLoop.

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace harness {

struct BoostNet {
  using Context = boost::asio::io_context;
  using Timer = boost::asio::steady_timer;
  using Tcp = boost::asio::ip::tcp;
  using Error = boost::system::error_code;
  using ConstBuffer = boost::asio::const_buffer;
  using MutableBuffer = boost::asio::mutable_buffer;
  using Guard = boost::asio::executor_work_guard<Context::executor_type>;
  static constexpr auto kEof = boost::asio::error::eof;

  static boost::asio::ip::address loopback() { return boost::asio::ip::address_v4::loopback(); }
  template <class Executor, class Handler>
  static void post(Executor& executor, Handler handler) {
    boost::asio::post(executor, std::move(handler));
  }
  template <class Socket, class Handler>
  static void async_write(Socket& socket, ConstBuffer bytes, Handler handler) {
    boost::asio::async_write(socket, bytes, std::move(handler));
  }
};

}  // namespace harness
