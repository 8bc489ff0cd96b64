#include "workloads/servers/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "workloads/connection.h"
#include "workloads/digest.h"
#include "workloads/echo_protocol.h"
#include "workloads/page.h"
#include "workloads/page_request.h"
#include "workloads/request.h"
#include "workloads/tests/running_server.h"
#include "workloads/tests/unit_calibration.h"

namespace workloads {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;
using testing_workloads::RunningServer;

std::string echo_request(const EchoHeader& header, const std::string& payload) {
  const EchoHeaderBytes bytes = encode_echo_header(header);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) + payload;
}

std::string read_all(Connection& connection) {
  std::string all;
  std::array<char, 4096> piece;
  while (const std::size_t size = connection.read_some(piece.data(), piece.size())) all.append(piece.data(), size);
  return all;
}

std::string http_answer(std::uint16_t port, const std::string& request) {
  Connection connection("test", port);
  connection.write(request);
  return read_all(connection);
}

std::string get(const std::string& target) { return "GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"; }

// A port of 127.0.0.1 that nobody listens on while this lives: bound, not listening.
class SilentPort {
 public:
  SilentPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    number_ = ntohs(address.sin_port);
  }
  ~SilentPort() { ::close(socket_); }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  std::uint16_t number() const { return number_; }

 private:
  int socket_;
  std::uint16_t number_ = 0;
};

TEST(Server, ListensForWhatIsNeededOnly) {
  EXPECT_THAT(Server({}).ports(), testing::ElementsAre(0, 0));
  EXPECT_THAT(Server({.echo_server = true}).ports(), testing::ElementsAre(testing::Ne(0), 0));
  EXPECT_THAT(Server({.http_server = true}).ports(), testing::ElementsAre(0, testing::Ne(0)));
}

TEST(Server, RunsUntilItsStreamEnds) {
  std::array<int, 2> ends;
  ASSERT_EQ(::pipe(ends.data()), 0);
  Server server({.echo_server = true});
  std::thread running([&] { server.run(ends[0]); });
  ASSERT_EQ(::write(ends[1], "noise", 5), 5);  // only the end matters

  Connection connection("test", server.ports()[kEchoPort]);
  connection.write(echo_request({.delay_ns = 0, .bytes = 2}, "ok"));
  std::string answer(2, '\0');
  connection.read(answer.data(), answer.size());
  EXPECT_EQ(answer, "ok");

  ::close(ends[1]);
  running.join();
  ::close(ends[0]);
}

TEST(Server, StopsWithRequestsUnderWay) {
  auto server = std::make_unique<RunningServer>();
  Connection echo("test", server->echo_port());
  echo.write(echo_request({.delay_ns = kLongestDelayNs, .bytes = 1}, "x"));
  Connection http("test", server->http_port());
  http.write(get(page_target({.seed = 1, .bytes = kDefaultPage, .delay_ns = kLongestDelayNs})));
  server.reset();
  char byte = 0;
  EXPECT_THROW(echo.read(&byte, 1), std::runtime_error);
}

TEST(Server, CannotWatchADescriptorThatIsNone) {
  Server server({.echo_server = true});
  EXPECT_THAT([&] { server.run(12345); }, ThrowsMessage<std::runtime_error>(HasSubstr("cannot watch descriptor 12345")));
}

TEST(Echo, AnswersRequestAfterRequestOnOneConnection) {
  const RunningServer server;
  Connection connection("test", server.echo_port());
  for (const std::size_t size : {0, 1, 100, 100'000, 3'000'000}) {
    const std::string payload = seeded_bytes(size, size);
    connection.write(echo_request({.delay_ns = 1000, .bytes = static_cast<std::int64_t>(size)}, payload));
    std::string answer(size, '\0');
    connection.read(answer.data(), size);
    EXPECT_TRUE(answer == payload) << size;
  }
}

TEST(Echo, HoldsAThousandConnectionsAtOnce) {
  rlimit descriptors{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &descriptors), 0);
  descriptors.rlim_cur = descriptors.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &descriptors), 0);
  constexpr std::size_t kConnections = 1000;
  if (descriptors.rlim_cur < 2 * kConnections + 100) GTEST_SKIP() << "the limit of descriptors is too low";

  const RunningServer server;
  std::vector<std::unique_ptr<Connection>> connections;
  for (std::size_t index = 0; index < kConnections; ++index) {
    connections.push_back(std::make_unique<Connection>("test", server.echo_port()));
    connections.back()->write(echo_request({.delay_ns = 1'000'000, .bytes = 8}, std::to_string(10'000'000 + index)));
  }
  for (std::size_t index = 0; index < kConnections; ++index) {
    std::string answer(8, '\0');
    connections[index]->read(answer.data(), answer.size());
    EXPECT_EQ(answer, std::to_string(10'000'000 + index));
  }
}

TEST(Echo, HeadersOfNonsenseEndTheConnectionUnanswered) {
  const RunningServer server;
  for (const EchoHeader& header :
       {EchoHeader{-1, 0}, EchoHeader{0, -1}, EchoHeader{kLongestDelayNs + 1, 0}, EchoHeader{0, kLargestEcho + 1}}) {
    Connection connection("test", server.echo_port());
    connection.write(echo_request(header, ""));
    EXPECT_EQ(read_all(connection), "");
  }
  Connection connection("test", server.echo_port());
  connection.write(std::string(kEchoHeaderBytes, 'x'));
  EXPECT_EQ(read_all(connection), "");
}

TEST(TcpEcho, IsServedFromManyThreads) {
  const RunningServer server;
  const Workload& workload = *find_workload("tcp_echo");
  std::vector<std::uint64_t> digests(16);
  {
    std::vector<std::jthread> threads;
    for (std::size_t index = 0; index < digests.size(); ++index) {
      threads.emplace_back([&, index] {
        for (int round = 0; round < 20; ++round) {
          digests[index] = execute(make_work(workload, {.duration = 100us, .seed = index}, kUnit), server.context()).digest;
        }
      });
    }
  }
  for (std::size_t index = 0; index < digests.size(); ++index) {
    EXPECT_EQ(digests[index], execute(make_work(workload, {.seed = index}, kUnit), server.context()).digest);
  }
}

TEST(TcpEcho, SaysWhoRefusedTheConnection) {
  const SilentPort silent;
  const RunContext context{.scratch_directory = {}, .ports = {silent.number(), silent.number()}};
  for (const char* name : {"tcp_echo", "http_page"}) {
    EXPECT_THAT([&] { execute(make_work(*find_workload(name), {}, kUnit), context); },
                ThrowsMessage<std::runtime_error>(std::string(name) + ": 127.0.0.1:" + std::to_string(silent.number()) +
                                                  ": cannot connect: Connection refused"));
  }
}

TEST(TcpEcho, SaysThatNoServerRuns) {
  for (const char* name : {"tcp_echo", "http_page"}) {
    for (const RunContext& context : {RunContext{}, RunContext{.scratch_directory = {}, .ports = {0, 0}}}) {
      EXPECT_THAT([&] { execute(make_work(*find_workload(name), {}, kUnit), context); },
                  ThrowsMessage<std::runtime_error>(HasSubstr(": no server runs for it")));
    }
  }
}

TEST(TcpEcho, NoticesAServerThatIsNotAnEchoServer) {
  const RunningServer server;
  const RunContext crossed{.scratch_directory = {}, .ports = {server.http_port(), server.echo_port()}};
  EXPECT_THROW(execute(make_work(*find_workload("tcp_echo"), {}, kUnit), crossed), std::runtime_error);
  EXPECT_THROW(execute(make_work(*find_workload("http_page"), {}, kUnit), crossed), std::runtime_error);
}

TEST(HttpPage, FetchesThePageOfItsSeedAndSize) {
  const RunningServer server;
  for (std::uint64_t seed = 20; seed < 24; ++seed) {
    for (const std::int64_t bytes : {std::int64_t{0}, kSmallestPage, std::int64_t{1'000'003}}) {
      const Work work = make_work(*find_workload("http_page"), {.payload_bytes = bytes, .seed = seed}, kUnit);
      EXPECT_TRUE(execute(work, server.context()).body == served_page(seed, bytes == 0 ? kDefaultPage : bytes));
    }
  }
}

TEST(HttpPage, IsParsedByItsCallbackAsTheParsersOwnText) {
  const RunningServer server;
  const Workload& workload = *find_workload("http_page");
  for (std::uint64_t seed = 30; seed < 34; ++seed) {
    const Work page = make_work(workload, {.duration = 100us, .seed = seed}, kUnit);
    const Work parse = make_work(*find_workload(workload.callback(page)), {.seed = seed}, kUnit);
    EXPECT_EQ(execute(parse, server.context(), execute(page, server.context()).body).digest,
              execute(parse, server.context()).digest);
  }
}

TEST(HttpServer, AnswersNonsenseWithTheStatusThatSaysSo) {
  const RunningServer server;
  const auto answer = [&](const std::string& request) { return http_answer(server.http_port(), request); };
  EXPECT_THAT(answer(get("/page?seed=2&bytes=600&delay_ns=0")), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer(get("/")), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(answer(get("/pages?seed=2&bytes=600&delay_ns=0")), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(answer(get("/page")), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer(get("/page?seed=2&bytes=99999999999&delay_ns=0")), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer("POST /page HTTP/1.1\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(answer("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer(std::string(100'000, 'x') + "\r\n\r\n"), StartsWith("HTTP/1.1 400"));
}

TEST(HttpServer, KeepsAConnectionForSeveralRequests) {
  const RunningServer server;
  const std::string keep = "GET /page?seed=2&bytes=600&delay_ns=1000 HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string all = http_answer(server.http_port(), keep + keep + get("/page?seed=3&bytes=600&delay_ns=0"));
  EXPECT_EQ(all.find(html_page(2, 600), all.find(html_page(2, 600)) + 1) != std::string::npos, true);
  EXPECT_THAT(all, testing::EndsWith(json_document(3, 600)));
}

}  // namespace
}  // namespace workloads
