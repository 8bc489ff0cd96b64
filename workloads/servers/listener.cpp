#include "workloads/servers/listener.h"

#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <utility>

namespace workloads {
namespace {

namespace asio = boost::asio;
using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr int kClientsAtOnce = 16'384;
constexpr int kMostQueues = 32;
constexpr std::chrono::milliseconds kPause{5};

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

// The kernel's bound of one queue; its oldest default where it cannot be read.
int longest_queue() {
  int bound = 0;
  std::ifstream("/proc/sys/net/core/somaxconn") >> bound;
  return bound > 0 ? bound : 128;
}

}  // namespace

Listener::Listener(asio::io_context& context, OnConnection on_connection) : on_connection_(std::move(on_connection)) {
  const int count = std::clamp((kClientsAtOnce + longest_queue() - 1) / longest_queue(), 1, kMostQueues);
  for (int index = 0; index < count; ++index) {
    open(queues_.emplace_back(context));
    accept_when_ready(queues_.back());
  }
}

void Listener::open(Queue& queue) {
  tcp::acceptor& acceptor = queue.acceptor;
  acceptor.open(tcp::v4());
  // Shared among sockets of this user only. The first one is given a port that nobody has: the kernel shares a port
  // only with those who name it.
  acceptor.set_option(ReusePort(true));
  acceptor.bind({asio::ip::address_v4::loopback(), port_});
  port_ = acceptor.local_endpoint().port();
  acceptor.listen(kClientsAtOnce);
  acceptor.non_blocking(true);
}

void Listener::accept_when_ready(Queue& queue) {
  queue.acceptor.async_wait(tcp::acceptor::wait_read, [this, &queue](const error_code& error) {
    if (!error) accept_all(queue);
  });
}

void Listener::accept_all(Queue& queue) {
  while (true) {
    error_code error;
    tcp::socket socket = queue.acceptor.accept(error);
    if (!error) {
      error_code ignored;  // at worst the connection is slower
      socket.set_option(tcp::no_delay(true), ignored);
      on_connection_(std::move(socket));
    } else if (error == asio::error::would_block || error == asio::error::try_again) {
      return accept_when_ready(queue);
    } else if (error != asio::error::connection_aborted && error != asio::error::interrupted) {
      break;
    }
  }
  // No descriptor or no memory is left: the clients wait in the queue until somebody else has gone.
  queue.pause.expires_after(kPause);
  queue.pause.async_wait([this, &queue](const error_code& error) {
    if (!error) accept_all(queue);
  });
}

}  // namespace workloads
