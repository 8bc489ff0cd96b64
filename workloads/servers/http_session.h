#pragma once

#include <boost/asio/ip/tcp.hpp>

namespace workloads {

// Serves one connection: pages as page_request.h names them, 404 for other paths, 400 for a page out of bounds and for
// what is not HTTP, 405 for other methods than GET. Keeps the connection as long as HTTP allows. The session lives on
// in the socket's io_context, on whose thread this is called.
void start_http_session(boost::asio::ip::tcp::socket socket);

}  // namespace workloads
