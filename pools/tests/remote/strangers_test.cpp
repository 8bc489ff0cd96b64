// Who is not let in, and who says what makes no sense: a wrong key, another build, garbage, a port scan, an agent that lies.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "pools/detail/codec.h"
#include "pools/src/process/os/file_descriptor.h"
#include "pools/src/remote/curve_keys.h"
#include "pools/src/remote/dealer.h"
#include "pools/src/remote/protocol.h"
#include "pools/src/remote/stream.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"
#include "pools/tests/remote/agents.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;
using detail::FrameKind;
using detail::RemoteKind;

class RemoteStrangersTest : public ProcessTest {};

std::string output_of(const std::function<Child(int)>& start, ExitStatus& status) {
  detail::DescriptorPair pipe = detail::make_pipe();
  Child child = start(pipe.second.get());
  pipe.second.reset();
  std::string text;
  char buffer[512];
  for (ssize_t got = 0; (got = ::read(pipe.first.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  status = child.wait();
  return text;
}

ExitStatus run_agent_with(std::vector<std::string> arguments, std::vector<std::string> environment, std::string& said) {
  ExitStatus status;
  arguments.insert(arguments.begin(), "--pool-agent");
  said = output_of([&](int errors) { return spawn({.arguments = arguments, .stderr_fd = errors, .environment = environment}); },
                   status);
  return status;
}

TEST_F(RemoteStrangersTest, a_key_of_another_pools_is_refused_with_a_line_and_exit_code_2) {
  HandPool hand;
  hand.add();
  // The pool's own public key, and a pair that it has not made.
  detail::AgentKey key = detail::agent_key_of(hand.pool->agent_key());
  key.own = detail::new_curve_pair();
  std::string said;
  const ExitStatus status = run_agent_with({hand.pool->address()}, {"POOLS_AGENT_KEY=" + detail::to_text(key)}, said);
  EXPECT_EQ(status.exit_code, 2);
  EXPECT_THAT(said, testing::MatchesRegex("pool agent: the pool at tcp://[^\n]* does not know its key\n"));
  wait_until([&] { return hand.pool->incidents().keys_refused > 0; });
  EXPECT_EQ(hand.pool->submit<&square>(3).result(), 9);
}

TEST_F(RemoteStrangersTest, an_agent_without_a_key_or_an_address_says_what_it_lacks) {
  std::string said;
  EXPECT_EQ(run_agent_with({"tcp://127.0.0.1:1"}, {}, said).exit_code, 2);
  EXPECT_THAT(said, testing::HasSubstr("there is no key"));
  EXPECT_EQ(run_agent_with({"tcp://127.0.0.1:1"}, {"POOLS_AGENT_KEY=hello"}, said).exit_code, 2);
  EXPECT_THAT(said, testing::HasSubstr("not one that a pool has given out"));
  EXPECT_EQ(run_agent_with({}, {}, said).exit_code, 2);
  EXPECT_THAT(said, testing::HasSubstr("needs the pool's address"));
  for (const char* const bad :
       {"head:5", "tcp://head:", "tcp://head:0", "tcp://head:65536", "tcp://head:12a", "tcp://head:-1", "tcp://head:+1"}) {
    EXPECT_EQ(run_agent_with({bad}, {"POOLS_AGENT_KEY=" + detail::to_text({})}, said).exit_code, 2);
    EXPECT_THAT(said, testing::HasSubstr("'" + std::string(bad) + "' is not the address"));
  }
  EXPECT_EQ(run_agent_with({"tcp://127.0.0.1:1"}, {"POOLS_AGENT_KEY_FILE=/dev/null"}, said).exit_code, 2);
  EXPECT_THAT(said, testing::HasSubstr("cannot read the agent's key from '/dev/null'"));
  EXPECT_EQ(run_agent_with({"tcp://127.0.0.1:1"}, {"POOLS_AGENT_KEY_FILE=/dev/zero"}, said).exit_code, 2);
  EXPECT_THAT(said, testing::HasSubstr("not one that a pool has given out"));
  EXPECT_EQ(run_agent_with({"tcp://127.0.0.1:1", "--workers", "0"}, {}, said).exit_code, 2);
  EXPECT_THAT(said, testing::HasSubstr("--workers 0"));
  EXPECT_EQ(run_agent_with({"tcp://127.0.0.1:1", "--frob"}, {}, said).exit_code, 2);
  EXPECT_THAT(said, testing::HasSubstr("'--frob' is not known"));
}

// This program with one bit of its build-id changed. False: it has none.
bool make_another_build(const std::string& path) {
  std::ifstream self("/proc/self/exe", std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(self)), std::istreambuf_iterator<char>());
  const std::string note("\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0", 16);  // of 20 bytes, NT_GNU_BUILD_ID
  const auto at = bytes.find(note);
  if (at == std::string::npos) return false;
  bytes[at + note.size()] ^= 1;
  std::ofstream(path, std::ios::binary) << bytes;
  return ::chmod(path.c_str(), 0700) == 0;
}

TEST_F(RemoteStrangersTest, another_build_of_the_program_ends_with_a_line_and_exit_code_2) {
  const TemporaryDirectory directory;
  const std::string program = directory.file("other");
  if (!make_another_build(program)) GTEST_SKIP() << "this program has no build-id";
  HandPool hand;
  ExitStatus status;
  const std::string said = output_of(
      [&](int errors) {
        return spawn({.arguments = {"--pool-agent", hand.pool->address()},
                      .program = program,
                      .stderr_fd = errors,
                      .environment = {"POOLS_AGENT_KEY=" + hand.pool->agent_key()}});
      },
      status);
  EXPECT_EQ(status.exit_code, 2);
  EXPECT_THAT(said,
              testing::AllOf(testing::StartsWith("pool agent: "), testing::HasSubstr("it runs another build of the program")));
  EXPECT_EQ(hand.pool->incidents().builds_refused, 1U);
}

// --- connections that are none ---

detail::FileDescriptor connection_to(const std::string& address) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  to.sin_port = ::htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  detail::FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  return socket;
}

TEST_F(RemoteStrangersTest, a_port_scan_and_garbage_disturb_nobody) {
  HandPool hand;
  hand.add(2);
  std::mt19937_64 random(5);
  std::vector<detail::FileDescriptor> left_open;
  std::vector<Future<int>> futures;
  for (int round = 0; round < 200; ++round) {
    detail::FileDescriptor socket = connection_to(hand.pool->address());
    if (round % 2 == 1) {
      std::vector<std::uint64_t> junk(1 + random() % 100);
      for (std::uint64_t& word : junk) word = random();
      // The greeting of ZeroMQ's protocol first, now and then.
      if (round % 4 == 1) junk[0] = 0x01000000000000ff;
      [[maybe_unused]] const ssize_t sent = ::send(socket.get(), junk.data(), junk.size() * 8, MSG_NOSIGNAL);
    }
    if (round % 10 == 0) left_open.push_back(std::move(socket));
    futures.push_back(hand.pool->submit<&square>(round));
  }
  for (int round = 0; round < 200; ++round) EXPECT_EQ(futures[static_cast<std::size_t>(round)].result(), round * round);
  EXPECT_EQ(hand.pool->incidents().hosts_lost, 0U);
}

// --- an agent of the test's own, with a good key ---

class FakeAgent {
 public:
  explicit FakeAgent(RemotePool& pool, const std::string& identity = "fake")
      : dealer_(pool.address(), detail::agent_key_of(pool.agent_key()), identity) {}
  ~FakeAgent() { dealer_.close(0ms); }

  void hello(detail::Hello hello) { send(detail::hello_frame(hello)); }
  void hello() { hello({.program = detail::own_program(), .incarnation = 1, .pid = 1, .workers = 1, .host = "fake"}); }
  void send(const detail::Bytes& frame) {
    wait_until([&] { return dealer_.send(frame.view()); });
  }
  detail::Bytes receive() {
    zmq::message_t frame;
    wait_until([&] { return dealer_.receive(frame); });
    detail::Bytes bytes;
    bytes.append(frame.data(), frame.size());
    return bytes;
  }
  // Says hello, and is welcomed.
  void join() {
    hello();
    for (;;) {
      const detail::Bytes bytes = receive();
      const detail::Frame frame = detail::frame_of(bytes.view());
      if (frame.header.kind != FrameKind::welcome) continue;
      session_ = frame.header.session;
      writer_ = detail::FrameWriter(session_);
      reader_ = detail::StreamReader();
      allowed_ = 0;
      return;
    }
  }
  // Returns when so many tasks have been permitted.
  void await_permit(std::uint64_t up_to) {
    while (allowed_ < up_to) {
      const detail::Bytes bytes = receive();
      const detail::Frame frame = detail::frame_of(bytes.view());
      if (frame.header.kind != FrameKind::stream || frame.header.session != session_) continue;
      reader_.take(frame, [&](const detail::MessageHeader& header, std::span<const std::byte>) {
        if (detail::remote_kind(header) == RemoteKind::permit) allowed_ = header.sequence;
      });
    }
  }
  void say(RemoteKind kind, std::uint64_t sequence, const detail::Bytes& payload = {}) {
    const auto send_frame = [&](std::span<const std::byte> frame) { wait_until([&] { return dealer_.send(frame); }); };
    writer_.write(kind, sequence, {}, {payload.view()}, send_frame);
    writer_.flush(send_frame);
  }
  void answer(std::uint64_t sequence, int value) {
    detail::Bytes payload;
    detail::encode(payload, value);
    say(RemoteKind::result, sequence, payload);
  }
  std::uint64_t session() const { return session_; }
  detail::FrameWriter& writer() { return writer_; }
  detail::Dealer& dealer() { return dealer_; }

 private:
  detail::Dealer dealer_;
  std::uint64_t session_ = 0;
  std::uint64_t allowed_ = 0;
  detail::FrameWriter writer_;
  detail::StreamReader reader_;
};

TEST_F(RemoteStrangersTest, another_build_is_refused_in_words) {
  HandPool hand;
  FakeAgent agent(*hand.pool);
  agent.hello({.program = {.module = 1, .offset = 2}, .incarnation = 1, .pid = 1, .workers = 1, .host = "old"});
  const detail::Bytes bytes = agent.receive();
  const detail::Frame frame = detail::frame_of(bytes.view());
  EXPECT_EQ(frame.header.kind, FrameKind::refusal);
  EXPECT_THAT(detail::text_of_bytes(frame.content), testing::HasSubstr("another build of the program"));
  EXPECT_EQ(hand.pool->incidents().builds_refused, 1U);
  EXPECT_TRUE(hand.pool->hosts().empty());
}

TEST_F(RemoteStrangersTest, an_answer_of_an_earlier_session_is_dropped) {
  HandPool hand({.missed_heartbeats = 1000});
  FakeAgent agent(*hand.pool);
  agent.join();
  const auto first = hand.pool->submit<&square>(3);
  agent.await_permit(1);
  detail::FrameWriter old = std::move(agent.writer());
  agent.join();  // as after a connection that was lost
  EXPECT_THROW(first.result(), HostLost);
  const auto second = hand.pool->submit<&square>(4);
  agent.await_permit(1);
  detail::Bytes payload;
  detail::encode(payload, 9);
  const auto send_frame = [&](std::span<const std::byte> frame) { wait_until([&] { return agent.dealer().send(frame); }); };
  old.write(RemoteKind::result, 1, {}, {payload.view()}, send_frame);
  old.flush(send_frame);
  wait_until([&] { return hand.pool->incidents().late_frames > 0; });
  EXPECT_FALSE(second.done());
  agent.answer(1, 16);
  EXPECT_EQ(second.result(), 16);
}

TEST_F(RemoteStrangersTest, whoever_speaks_in_no_session_is_asked_for_a_hello) {
  HandPool hand;
  FakeAgent agent(*hand.pool);
  agent.say(RemoteKind::beat, 0);
  const detail::Bytes bytes = agent.receive();
  EXPECT_EQ(detail::frame_of(bytes.view()).header.kind, FrameKind::unknown);
}

TEST_F(RemoteStrangersTest, lies_cost_the_session_and_what_was_permitted_and_nothing_else) {
  HandPool hand({.missed_heartbeats = 1000, .fence_after = 100});
  FakeAgent agent(*hand.pool);
  const std::vector<std::function<void()>> lies{
      [&] { agent.answer(2, 1); },                // not permitted
      [&] { agent.answer(77, 1); },               // not sent
      [&] { agent.say(RemoteKind::probed, 0); },  // nobody asked
      [&] { agent.say(RemoteKind::started, 0); },
      [&] { agent.say(RemoteKind::task, 1); },  // the pool says that
      [&] {
        agent.say(RemoteKind::begun, 0, [] {
          detail::Bytes half;
          half.append("abc", 3);
          return half;
        }());
      },
      [&] { agent.send(detail::text_frame(FrameKind::welcome, "")); },
      [&] {
        agent.writer().write(RemoteKind::beat, 0, {}, {}, [](auto) {});
        agent.writer().flush([](auto) {});  // a frame that is lost
        agent.say(RemoteKind::beat, 0);
      },
  };
  for (const auto& lie : lies) {
    agent.join();
    const auto permitted = hand.pool->submit<&square>(3);
    const auto ahead = hand.pool->submit<&square>(4);
    agent.await_permit(1);
    wait_until([&] { return hand.pool->hosts()[0].ahead == 1; });
    lie();
    EXPECT_THROW(permitted.result(), HostLost);
    agent.join();
    agent.await_permit(1);
    agent.answer(1, 16);
    EXPECT_EQ(ahead.result(), 16);
  }
  const PoolMetrics m = hand.pool->metrics();
  EXPECT_EQ(m.failed, lies.size());
  EXPECT_EQ(m.submitted, m.done + m.failed);
  EXPECT_EQ(hand.pool->incidents().violations, lies.size());
}

// libzmq's pings from the pool's end would assert in the second after that.
TEST_F(RemoteStrangersTest, an_identity_that_was_taken_over_and_speaks_again_and_goes_ends_nothing) {
  HandPool hand({.heartbeat = 50ms, .missed_heartbeats = 1000});
  std::optional<FakeAgent> old(std::in_place, *hand.pool);
  old->join();
  FakeAgent agent(*hand.pool);
  agent.join();
  old->say(RemoteKind::beat, 0);
  old.reset();
  for (int beats = 0; beats < 60; ++beats) agent.receive();
  agent.join();  // those frames have been read past its reader
  const auto future = hand.pool->submit<&square>(3);
  agent.await_permit(1);
  agent.answer(1, 9);
  EXPECT_EQ(future.result(), 9);
}

TEST_F(RemoteStrangersTest, a_result_that_cannot_be_decoded_is_its_tasks_error) {
  HandPool hand({.missed_heartbeats = 1000});
  FakeAgent agent(*hand.pool);
  agent.join();
  const auto future = hand.pool->submit<&square>(3);
  agent.await_permit(1);
  agent.say(RemoteKind::result, 1);
  EXPECT_THROW(future.result(), detail::WireError);
}

TEST_F(RemoteStrangersTest, an_agent_that_falls_silent_is_lost) {
  HandPool hand({.heartbeat = 100ms, .missed_heartbeats = 5});  // it is not to be lost before it has got the task
  FakeAgent agent(*hand.pool);
  agent.join();
  const auto future = hand.pool->submit<&square>(3);
  agent.await_permit(1);
  POOLS_EXPECT_THROW_WHAT(future.result(), HostLost, testing::HasSubstr("nothing was heard of it"));
}

}  // namespace
}  // namespace pools::test
