#include "harness/engine/loopback_servers.h"

#include <poll.h>
#include <sys/prctl.h>

#include <cstdlib>
#include <exception>
#include <sstream>
#include <string>
#include <utility>

#include "harness/base/errors.h"
#include "harness/engine/frame.h"
#include "harness/engine/internal_entry.h"
#include "harness/engine/session.h"
#include "workloads/servers/server.h"

namespace harness {
namespace {

// The process's first message: 'p' and the ports in decimal, or 'e' and what is wrong.
constexpr char kPorts = 'p';

}  // namespace

std::vector<std::uint16_t> LoopbackServers::require(const workloads::Needs& needs) {
  if (child_ && !alive()) stop();
  if (!child_ && (needs.echo_server || needs.http_server)) start();
  return ports_;
}

bool LoopbackServers::alive() const {
  pollfd death{.fd = child_->pidfd(), .events = POLLIN, .revents = 0};
  return ::poll(&death, 1, 0) == 0;
}

void LoopbackServers::start() {
  os::DescriptorPair stream = os::make_stream_pair();
  child_ = spawn_internal(kServersEntry, {}, stream.theirs.get());
  stream.theirs.reset();
  stream_ = std::move(stream.ours);
  const auto answer = receive_frame(stream_.get());
  if (!answer || answer->empty() || answer->front() == kErrorFrame) {
    stop();
    throw EnvironmentError(answer && !answer->empty() ? answer->substr(1) : "the servers did not start");
  }
  std::istringstream words(answer->substr(1));
  for (std::uint16_t& port : ports_) words >> port;
}

void LoopbackServers::stop() noexcept {
  stream_.reset();
  try {
    if (child_) child_->wait();
  } catch (const std::exception&) {
    // Whoever reaped the process instead: it is gone.
  }
  child_.reset();
  ports_ = {0, 0};
}

void run_servers(int stream) {
  lead_session();  // the terminal's Ctrl-C is the program's to deal with
  os::raise_descriptor_limit();
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);  // a service delay is a measured duration
  try {
    workloads::Server server({.echo_server = true, .http_server = true});
    std::string answer(1, kPorts);
    for (const std::uint16_t port : server.ports()) answer += std::to_string(port) + ' ';
    send_frame(stream, answer);
    server.run(stream);
  } catch (const std::exception& error) {
    try {
      send_frame(stream, kErrorFrame + std::string(error.what()));
    } catch (const std::exception&) {
      // The program is gone: there is nobody left to tell.
    }
    std::exit(1);
  }
  std::exit(0);
}

}  // namespace harness
