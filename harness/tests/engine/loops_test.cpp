// Works on event loops against servers that lie: the same error as on a thread, and the loop ends.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/engine/backends/event_loops.h"
#include "harness/engine/prepared_cell.h"
#include "harness/tests/engine/cells.h"
#include "harness/tests/engine/own_process.h"
#include "workloads/async.h"
#include "workloads/servers/server.h"

namespace harness {
namespace {

using testing_engine::in_a_process_of_its_own;
using testing_engine::make_prepared;

// Takes every connection, and answers each with the same words: nothing that the protocol knows.
class LyingServer {
 public:
  LyingServer(std::string answer, bool reset) : answer_(std::move(answer)), reset_(reset) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 64), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~LyingServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  LyingServer(const LyingServer&) = delete;
  LyingServer& operator=(const LyingServer&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  void serve() const {
    for (;;) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      char byte = 0;
      while (::recv(client, &byte, 1, MSG_PEEK) < 0 && errno == EINTR) {
      }
      if (!answer_.empty()) (void)::send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      if (reset_) {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      } else {
        ::shutdown(client, SHUT_WR);
        std::string rest(4096, '\0');
        while (::recv(client, rest.data(), rest.size(), 0) > 0) {
        }
      }
      ::close(client);
    }
  }

  const std::string answer_;
  const bool reset_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// What a cell of that work ends with; empty if with no error.
std::string error_of(std::string_view backend, std::string_view workload, std::uint16_t port) {
  PreparedCell prepared = make_prepared({.backend = backend, .workload = workload, .workers = 1, .tasks = 2, .task_ns = 0});
  prepared.context.ports.assign(2, port);
  try {
    find_backend(backend).run(prepared);
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

struct Lie {
  std::string name;
  std::string answer;
  bool reset = false;
  std::size_t more = 0;  // bytes, made when it is told: parameters are copied many times in each process, workers included
  friend std::ostream& operator<<(std::ostream& out, const Lie& lie) { return out << lie.name; }
};
const std::vector<Lie>& lies() {
  static const std::vector<Lie> kLies{
      {"nothing", ""},
      {"a_reset", "", true},
      {"garbage", "", false, 1 << 20},
      {"half_a_page", "HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\nhalf"},
      {"another_status", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"},
      {"an_empty_page", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"an_endless_header", "HTTP/1.1 200 OK\r\nX: ", false, 1 << 20},
      {"a_page_without_end", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"},
      {"the_end_in_the_header", "HTTP/1.1 200 OK\r\nContent-Le"},
  };
  return kLies;
}

std::vector<std::string> loops() {
  std::vector<std::string> names;
  for (const RegisteredLoop& loop : registered_loops()) {
    if (loop.make != nullptr) names.emplace_back(loop.name);
  }
  return names;
}

class LoopAgainstALyingServer : public testing::TestWithParam<std::tuple<std::string, std::string, Lie>> {};

TEST_P(LoopAgainstALyingServer, EndsWithTheErrorThatAThreadHas) {
  const auto& [loop, workload, lie] = GetParam();
  in_a_process_of_its_own([&] {
    const LyingServer server(lie.answer + std::string(lie.more, 'x'), lie.reset);
    const std::string on_a_thread = error_of("thread", workload, server.port());
    EXPECT_NE(on_a_thread, "");
    const std::string on_a_loop = error_of(loop, workload, server.port());
    // A reset may be met when sending or when receiving.
    if (lie.reset) {
      EXPECT_THAT(on_a_loop, testing::HasSubstr("127.0.0.1:" + std::to_string(server.port())));
    } else {
      EXPECT_EQ(on_a_loop, on_a_thread);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Engine, LoopAgainstALyingServer,
                         testing::Combine(testing::ValuesIn(loops()), testing::Values("tcp_echo", "http_page"),
                                          testing::ValuesIn(lies())),
                         [](const auto& tested) {
                           return std::get<0>(tested.param) + "_" + std::get<1>(tested.param) + "_" +
                                  std::get<2>(tested.param).name;
                         });

// --- Async ------------------------------------------------------------------------------------------------------------

using workloads::Async;
using workloads::Detached;

Async<int> one() { co_return 1; }
Async<int> sum_of(int n) {
  int sum = 0;
  for (int i = 0; i < n; ++i) sum += co_await one();
  co_return sum;
}
Async<int> failing() {
  co_await one();
  throw std::runtime_error("it failed");
}
Async<std::unique_ptr<int>> movable_only() { co_return std::make_unique<int>(7); }

Detached run(Async<int> work, int& result, std::string& error) {
  try {
    result = co_await std::move(work);
  } catch (const std::exception& thrown) {
    error = thrown.what();
  }
}

TEST(Asynchronous, GivesItsResultOrItsErrorToWhoAwaits) {
  int result = 0;
  std::string error;
  run(sum_of(3), result, error);
  EXPECT_EQ(result, 3);
  run(failing(), result, error);
  EXPECT_EQ(error, "it failed");
  std::unique_ptr<int> moved;
  [](std::unique_ptr<int>& into) -> Detached { into = co_await movable_only(); }(moved);
  EXPECT_EQ(*moved, 7);
}

TEST(Asynchronous, BeginsWhenItIsAwaitedAndCanBeThrownAwayBefore) {
  bool begun = false;
  const auto work = [](bool& told) -> Async<int> {
    told = true;
    co_return 1;
  };
  { const Async<int> never_awaited = work(begun); }
  EXPECT_FALSE(begun);
}

}  // namespace
}  // namespace harness
