#include "workloads/loop_connection.h"

#include <unistd.h>

namespace workloads {

Async<LoopConnection> LoopConnection::open(OnLoop& on, std::string_view workload, std::uint16_t port) {
  for (std::uint32_t source = 0;; ++source) {
    int error = 0;
    const int socket = client_socket(source, error);
    if (socket < 0) throw connection_error(workload, port, "cannot make a socket", error);
    std::unique_ptr<LoopSocket> connecting;
    if (error == 0) {
      connecting = on.loop().adopt(socket);
      error = co_await on.operation([&](Completion& completion) { return connecting->connect(port, completion); },
                                    [](const Completion& ended) { return ended.error; });
    } else {
      ::close(socket);
    }
    if (error == 0) co_return LoopConnection(on, workload, port, std::move(connecting));
    if (!may_connect_from_another(source, error)) throw connection_error(workload, port, "cannot connect", error);
  }
}

void LoopConnection::fail_at_end() const {
  throw connection_error(workload_, port_, "the server ended the connection too early", 0);
}

}  // namespace workloads
