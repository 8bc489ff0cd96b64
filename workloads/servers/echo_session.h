#pragma once

#include <boost/asio/ip/tcp.hpp>

namespace workloads {

// Serves one connection by the protocol of echo_protocol.h until the client ends it or breaks the protocol. The session
// lives on in the socket's io_context, on whose thread this is called.
void start_echo_session(boost::asio::ip::tcp::socket socket);

}  // namespace workloads
