#pragma once

// A listening port of 127.0.0.1 that holds thousands of clients which connect in the same instant.
//
// Thread safety: one thread, that of the io_context. Has to live until the io_context runs no more.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>

namespace workloads {

class Listener {
 public:
  using OnConnection = std::function<void(boost::asio::ip::tcp::socket)>;

  // Listens on a free port. Throws boost::system::system_error.
  Listener(boost::asio::io_context& context, OnConnection on_connection);

  std::uint16_t port() const { return port_; }

 private:
  // The kernel bounds the queue of connections that wait to be accepted by net.core.somaxconn (128 to 4096); what does
  // not fit is dropped and tried again by the client a whole second later. Hence several queues on one port
  // (SO_REUSEPORT), over which the kernel spreads the clients.
  struct Queue {
    explicit Queue(boost::asio::io_context& context) : acceptor(context), pause(context) {}
    boost::asio::ip::tcp::acceptor acceptor;
    boost::asio::steady_timer pause;
  };

  void open(Queue& queue);
  void accept_when_ready(Queue& queue);
  void accept_all(Queue& queue);

  const OnConnection on_connection_;
  std::deque<Queue> queues_;
  std::uint16_t port_ = 0;
};

}  // namespace workloads
