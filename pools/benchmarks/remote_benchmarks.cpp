// remote_benchmarks: a RemotePool with one agent on this machine beside what it stands on, in one run: a ROUTER and a DEALER of ZeroMQ in two
// processes, with and without encryption, back and forth and as a stream, and a TCP stream. Real time.

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "pools/remote_pool.h"
#include "pools/src/process/os/file_descriptor.h"
#include "pools/src/process/os/spawn.h"
#include "pools/src/remote/curve_keys.h"
#include "pools/src/remote/zmq_sockets.h"

namespace pools::benchmarks {
namespace {

constexpr const char* kEcho = "--zmq-echo";
constexpr const char* kSink = "--zmq-sink";
constexpr int kBurst = 10'000;
constexpr std::size_t kFrame = std::size_t{256} << 10;  // as a RemotePool has them
constexpr int kFramesPerAnswer = 4;                     // a task's arguments of 1 MiB
constexpr int kTasksAtATime = 16;

int same(int value) { return value; }
std::uint64_t length_of(const std::vector<std::uint8_t>& bytes) { return bytes.size(); }

// --- bare ZeroMQ ---

// What is started as another process: sends back what comes, or a word for each 1 MiB of it.
int serve_echo(const std::string& address, const std::string& key, bool sink) {
  zmq::context_t context;
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  if (!key.empty()) {
    const detail::AgentKey keys = detail::agent_key_of(key);
    detail::set_key(dealer, ZMQ_CURVE_SERVERKEY, keys.pool);
    detail::set_key(dealer, ZMQ_CURVE_PUBLICKEY, keys.own.public_key);
    detail::set_key(dealer, ZMQ_CURVE_SECRETKEY, keys.own.secret_key);
  }
  dealer.connect(address);
  dealer.send(zmq::str_buffer("hello"), zmq::send_flags::none);
  int received = 0;
  for (zmq::message_t message; dealer.recv(message, zmq::recv_flags::none);) {
    if (!sink) {
      dealer.send(message, zmq::send_flags::none);
    } else if (++received % kFramesPerAnswer == 0) {
      dealer.send(zmq::str_buffer("there"), zmq::send_flags::none);
    }
  }
  return 0;
}

class ZmqPair {
 public:
  ZmqPair(bool encrypted, const char* peer) : router_(context_, zmq::socket_type::router) {
    std::string key;
    if (encrypted) {
      const detail::CurvePair own = detail::new_curve_pair();
      detail::set_option(router_, ZMQ_CURVE_SERVER, 1);
      detail::set_key(router_, ZMQ_CURVE_SECRETKEY, own.secret_key);
      key = detail::to_text({.pool = own.public_key, .own = detail::new_curve_pair()});
    }
    router_.bind("tcp://127.0.0.1:*");
    peer_ = spawn({.arguments = {peer, router_.get(zmq::sockopt::last_endpoint), key}});
    static_cast<void>(router_.recv(identity_, zmq::recv_flags::none));
    static_cast<void>(router_.recv(content_, zmq::recv_flags::none));
  }
  void send(const std::vector<char>& bytes) {
    zmq::message_t to;
    to.copy(identity_);
    router_.send(to, zmq::send_flags::sndmore);
    router_.send(zmq::buffer(bytes), zmq::send_flags::none);
  }
  void receive() {
    zmq::message_t from;
    static_cast<void>(router_.recv(from, zmq::recv_flags::none));
    static_cast<void>(router_.recv(content_, zmq::recv_flags::none));
  }

 private:
  zmq::context_t context_;
  zmq::socket_t router_;
  Child peer_;
  zmq::message_t identity_;
  zmq::message_t content_;
};

void zmq_round_trip(benchmark::State& state) {
  ZmqPair pair(state.range(0) != 0, kEcho);
  const std::vector<char> bytes(64);
  for (auto _ : state) {
    pair.send(bytes);
    pair.receive();
  }
}

// As remote_arguments carries its arguments, without a pool.
void zmq_stream(benchmark::State& state) {
  ZmqPair pair(state.range(0) != 0, kSink);
  const std::vector<char> bytes(kFrame);
  for (auto _ : state) {
    for (int frame = 0; frame < kTasksAtATime * kFramesPerAnswer; ++frame) pair.send(bytes);
    for (int task = 0; task < kTasksAtATime; ++task) pair.receive();
  }
  state.SetBytesProcessed(state.iterations() * kTasksAtATime * kFramesPerAnswer * static_cast<std::int64_t>(kFrame));
}

// --- the pool ---

std::unique_ptr<RemotePool> pool_of(int workers) {
  auto pool = std::make_unique<RemotePool>(RemotePoolOptions{.launcher = command("exec {agent}", {"here"}), .workers = workers});
  pool->start_all();
  for (int task = 0; task < 10 * workers; ++task) pool->submit<&same>(task).result();
  return pool;
}

void remote_round_trip(benchmark::State& state) {
  const auto pool = pool_of(1);
  for (auto _ : state) benchmark::DoNotOptimize(pool->submit<&same>(1).result());
}

void remote_pipelined(benchmark::State& state) {
  const auto pool = pool_of(static_cast<int>(state.range(0)));
  std::vector<Future<int>> futures;
  futures.reserve(kBurst);
  for (auto _ : state) {
    for (int task = 0; task < kBurst; ++task) futures.push_back(pool->submit<&same>(task));
    for (const auto& future : futures) benchmark::DoNotOptimize(future.result());
    futures.clear();
  }
  state.SetItemsProcessed(state.iterations() * kBurst);
}

void remote_arguments(benchmark::State& state) {
  const auto pool = pool_of(1);
  const std::vector<std::uint8_t> bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    std::vector<Future<std::uint64_t>> futures;
    for (int task = 0; task < kTasksAtATime; ++task) futures.push_back(pool->submit<&length_of>(bytes));
    for (const auto& future : futures) benchmark::DoNotOptimize(future.result());
  }
  state.SetBytesProcessed(state.iterations() * kTasksAtATime * state.range(0));
}

// --- a TCP stream over loopback, to a thread that reads ---

void tcp_stream(benchmark::State& state) {
  const detail::FileDescriptor listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const detail::FileDescriptor writing(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(listening.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listening.get(), 1) != 0 ||
      ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::connect(writing.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) {
    state.SkipWithError("no loopback");
    return;
  }
  const detail::FileDescriptor reading(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  std::thread reader([&] {
    std::vector<char> buffer(std::size_t{1} << 20);
    while (::read(reading.get(), buffer.data(), buffer.size()) > 0) {
    }
  });
  const std::vector<char> bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t some = ::write(writing.get(), bytes.data() + sent, bytes.size() - sent);
      if (some <= 0) break;
      sent += static_cast<std::size_t>(some);
    }
  }
  ::shutdown(writing.get(), SHUT_WR);
  reader.join();
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(zmq_round_trip)->ArgName("encrypted")->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(zmq_stream)->ArgName("encrypted")->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(remote_round_trip)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(remote_pipelined)->ArgName("workers")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(tcp_stream)->ArgName("bytes")->Arg(1 << 20)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(remote_arguments)->ArgName("bytes")->Arg(1 << 20)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pools::benchmarks

int main(int argc, char** argv) {
  pools::init(argc, argv);
  using pools::benchmarks::kEcho;
  using pools::benchmarks::kSink;
  for (const char* const peer : {kEcho, kSink}) {
    if (argc > 2 && std::strcmp(argv[1], peer) == 0)
      return pools::benchmarks::serve_echo(argv[2], argc > 3 ? argv[3] : "", peer == kSink);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
