// What a remote pool is made of, without a network: frames, clocks, pace, fences, outcomes, keys, commands.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pools/errors.h"
#include "pools/src/remote/clock_map.h"
#include "pools/src/remote/curve_keys.h"
#include "pools/src/remote/fences.h"
#include "pools/src/remote/launches.h"
#include "pools/src/remote/outcome.h"
#include "pools/src/remote/pace.h"
#include "pools/src/remote/protocol.h"
#include "pools/src/remote/stream.h"
#include "pools/tests/expectations.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

// --- the stream ---

using Frames = std::vector<std::vector<std::byte>>;

struct Received {
  std::uint64_t sequence;
  std::size_t bytes;
  friend bool operator==(const Received&, const Received&) = default;
};

auto into(Frames& frames) {
  return [&frames](std::span<const std::byte> frame) { frames.emplace_back(frame.begin(), frame.end()); };
}
std::vector<Received> read_all(const Frames& frames, detail::StreamReader& reader) {
  std::vector<Received> received;
  for (const auto& bytes : frames) {
    reader.take(detail::frame_of(bytes), [&](const detail::MessageHeader& header, std::span<const std::byte> payload) {
      EXPECT_EQ(payload.size(), header.length);
      for (const std::byte byte : payload) EXPECT_EQ(byte, static_cast<std::byte>(header.sequence));
      received.push_back({header.sequence, payload.size()});
    });
  }
  return received;
}

TEST(RemoteStream, messages_of_all_lengths_arrive_as_they_were_sent) {
  detail::FrameWriter writer(7);
  Frames frames;
  std::vector<Received> sent;
  std::uint64_t sequence = 0;
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{100}, detail::kLargestFrame - 24 - 40,
                                   detail::kLargestFrame, 3 * detail::kLargestFrame + 17, std::size_t{5}}) {
    for (int times = 0; times < 3; ++times) {
      const std::vector<std::byte> payload(length, static_cast<std::byte>(++sequence));
      writer.write(detail::RemoteKind::result, sequence, {}, {payload}, into(frames));
      sent.push_back({sequence, length});
    }
  }
  writer.flush(into(frames));
  for (const auto& frame : frames) EXPECT_LE(frame.size(), detail::kLargestFrame);
  detail::StreamReader reader;
  EXPECT_EQ(read_all(frames, reader), sent);
}

TEST(RemoteStream, short_messages_share_a_frame) {
  detail::FrameWriter writer;
  Frames frames;
  for (int message = 0; message < 100; ++message) writer.write(detail::RemoteKind::permit, 1, {}, {}, into(frames));
  writer.flush(into(frames));
  writer.flush(into(frames));
  EXPECT_EQ(frames.size(), 1U);
}

TEST(RemoteStream, a_header_that_is_cut_anywhere_is_put_together) {
  for (std::size_t cut = 1; cut < sizeof(detail::MessageHeader) + 8; ++cut) {
    detail::FrameWriter writer;
    Frames frames;
    const std::vector<std::byte> payload(8, std::byte{3});
    writer.write(detail::RemoteKind::result, 3, {}, {payload}, into(frames));
    writer.flush(into(frames));
    ASSERT_EQ(frames.size(), 1U);
    std::vector<std::byte> first(frames[0].begin(), frames[0].begin() + static_cast<std::ptrdiff_t>(24 + cut));
    std::vector<std::byte> second(frames[0].begin(), frames[0].begin() + 24);
    second.insert(second.end(), frames[0].begin() + static_cast<std::ptrdiff_t>(24 + cut), frames[0].end());
    const std::uint64_t number = 1;
    std::memcpy(second.data() + offsetof(detail::FrameHeader, number), &number, sizeof number);
    detail::StreamReader reader;
    EXPECT_EQ(read_all({first, second}, reader), (std::vector<Received>{{3, 8}})) << cut;
  }
}

TEST(RemoteStream, a_frame_that_is_missing_is_found_out) {
  detail::FrameWriter writer;
  Frames frames;
  for (int message = 0; message < 3; ++message) {
    writer.write(detail::RemoteKind::permit, 1, {}, {}, into(frames));
    writer.flush(into(frames));
  }
  frames.erase(frames.begin() + 1);
  detail::StreamReader reader;
  POOLS_EXPECT_THROW_WHAT(read_all(frames, reader), detail::WireError, testing::HasSubstr("frames were lost"));
}

TEST(RemoteStream, what_is_no_frame_or_no_message_is_refused) {
  const std::vector<std::byte> junk(200, std::byte{0x5a});
  EXPECT_THROW(detail::frame_of(junk), detail::WireError);
  EXPECT_THROW(detail::frame_of(std::span(junk).first(3)), detail::WireError);
  detail::StreamReader reader;
  const detail::Frame frame{.header = {}, .content = junk};
  EXPECT_THROW(reader.take(frame, [](const auto&, auto) {}), detail::WireError);
}

TEST(RemoteProtocol, hello_and_welcome_are_read_as_written) {
  const detail::Bytes hello =
      detail::hello_frame({.program = {.module = 1, .offset = 2}, .incarnation = 3, .pid = 4, .workers = 5, .host = "a host"});
  const detail::Hello read = detail::hello_of(detail::frame_of(hello.view()).content);
  EXPECT_EQ(read.protocol, detail::kRemoteProtocol);
  EXPECT_EQ(read.program, (detail::FunctionKey{.module = 1, .offset = 2}));
  EXPECT_EQ(read.incarnation, 3U);
  EXPECT_EQ(read.pid, 4);
  EXPECT_EQ(read.workers, 5);
  EXPECT_EQ(read.host, "a host");
  detail::Welcome welcome{.heartbeat_ns = 1, .silence_ns = 2, .workers = 3, .name_prefix = "four", .max_payload = 5};
  welcome.initializer_arguments.append("abc", 3);
  const detail::Bytes frame = detail::welcome_frame(9, welcome);
  EXPECT_EQ(detail::frame_of(frame.view()).header.session, 9U);
  const detail::Welcome again = detail::welcome_of(detail::frame_of(frame.view()).content);
  EXPECT_EQ(again.name_prefix, "four");
  EXPECT_EQ(again.initializer_arguments.size(), 3U);
  EXPECT_EQ(again.max_payload, 5U);
}

TEST(RemoteProtocol, a_hello_that_is_cut_short_or_absurd_is_refused) {
  const detail::Bytes hello = detail::hello_frame({.workers = 1, .host = "a"});
  const std::span<const std::byte> content = detail::frame_of(hello.view()).content;
  for (std::size_t length = 4; length < content.size(); ++length) {
    EXPECT_THROW(detail::hello_of(content.first(length)), detail::WireError) << length;
  }
  EXPECT_THROW(detail::hello_of(detail::frame_of(detail::hello_frame({.workers = 0}).view()).content), detail::WireError);
}

TEST(RemoteProtocol, of_a_hello_in_another_protocol_only_that_is_read) {
  EXPECT_EQ(detail::hello_of(detail::frame_of(detail::hello_frame({.protocol = 99, .workers = 0}).view()).content).protocol, 99U);
}

// --- clocks ---

TEST(RemoteClock, the_offset_is_exact_where_both_ways_are_equal) {
  detail::ClockMap clock;
  EXPECT_FALSE(clock.at(0));
  ASSERT_TRUE(clock.exchange(1'000, 501'500, 502'500, 3'000));  // there is 500,000 ahead, each way takes 500
  const auto estimate = clock.at(3'000);
  ASSERT_TRUE(estimate);
  EXPECT_EQ(estimate->offset, 500'000);
  EXPECT_EQ(estimate->round_trip, 1'000);
  EXPECT_GE(estimate->bound, 500);
}

TEST(RemoteClock, the_true_offset_is_within_the_bound_however_unequal_the_ways_are) {
  for (const std::int64_t there : {0, 100, 500, 900, 1'000}) {  // of 1,000 for both ways together
    detail::ClockMap clock;
    const std::int64_t offset = -7'000'000;
    ASSERT_TRUE(clock.exchange(10'000, 10'000 + there + offset, 10'200 + there + offset, 11'200));
    const auto estimate = clock.at(11'200);
    EXPECT_LE(std::abs(estimate->offset - offset), estimate->bound) << there;
  }
}

TEST(RemoteClock, the_shortest_of_the_latest_exchanges_counts_and_ages) {
  detail::ClockMap clock;
  clock.exchange(0, 100, 100, 200);
  const std::int64_t fresh = clock.at(200)->bound;
  for (int slow = 1; slow <= 7; ++slow)
    clock.exchange(slow * 10'000, slow * 10'000 + 4'000, slow * 10'000 + 4'000, slow * 10'000 + 9'000);
  EXPECT_EQ(clock.at(80'000)->round_trip, 200);
  EXPECT_GT(clock.at(80'000)->bound, fresh);
  clock.exchange(90'000, 94'000, 94'000, 99'000);  // now the short one is forgotten
  EXPECT_EQ(clock.at(100'000)->round_trip, 9'000);
}

TEST(RemoteClock, an_answer_that_took_its_time_is_less_exact_by_as_much_as_clocks_drift_meanwhile) {
  detail::ClockMap clock;
  constexpr std::int64_t kSecond = 1'000'000'000;
  ASSERT_TRUE(clock.exchange(0, 100, 100 + kSecond, 200 + kSecond));
  EXPECT_GE(clock.at(200 + kSecond)->bound, 100'000);  // 100 ppm
  EXPECT_EQ(clock.at(200 + kSecond)->round_trip, 200);
}

TEST(RemoteClock, what_is_usual_follows_the_latest_exchanges) {
  detail::ClockMap clock;
  EXPECT_EQ(clock.usual_round_trip(), 0);
  clock.exchange(0, 50, 50, 100);
  EXPECT_EQ(clock.usual_round_trip(), 100);
  for (int slow = 1; slow <= 20; ++slow)
    clock.exchange(slow * 10'000, slow * 10'000 + 500, slow * 10'000 + 500, slow * 10'000 + 900);
  EXPECT_GE(clock.usual_round_trip(), 895);
}

TEST(RemoteClock, stamps_in_an_impossible_order_are_dropped) {
  detail::ClockMap clock;
  EXPECT_FALSE(clock.exchange(10, 0, 0, 5));
  EXPECT_FALSE(clock.exchange(0, 10, 5, 20));
  EXPECT_FALSE(clock.exchange(0, 0, 100, 50));
  EXPECT_FALSE(clock.at(0));
}

TEST(RemoteClock, stamps_that_no_clock_has_are_dropped) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  detail::ClockMap clock;
  for (const std::int64_t absurd : {kMost, kLeast}) {
    EXPECT_FALSE(clock.exchange(absurd, 5, 5, 10));
    EXPECT_FALSE(clock.exchange(0, absurd, 5, 10));
    EXPECT_FALSE(clock.exchange(0, 5, absurd, 10));
    EXPECT_FALSE(clock.exchange(0, kLeast, kMost, 10));
  }
  EXPECT_FALSE(clock.at(0));
}

// --- how many are permitted ---

TEST(RemotePace, one_per_worker_until_it_is_known_and_where_tasks_are_long) {
  detail::Pace pace;
  EXPECT_EQ(pace.depth(200us), 1);
  detail::Pace::Clock::time_point now{};
  pace.busy_from(now);
  pace.answered(2, now += 100ms, 2);
  EXPECT_EQ(pace.task_time(), 100ms);
  EXPECT_EQ(pace.depth(200us), 1);
}

TEST(RemotePace, short_tasks_are_permitted_ahead_and_long_ones_soon_no_more) {
  detail::Pace pace;
  detail::Pace::Clock::time_point now{};
  pace.busy_from(now);
  for (int batch = 0; batch < 50; ++batch) pace.answered(20, now += 100us, 2);
  EXPECT_EQ(pace.task_time(), 10us);
  EXPECT_EQ(pace.depth(10s), 128);
  EXPECT_GT(pace.depth(0us), 100);
  pace.answered(2, now += 50ms, 2);
  EXPECT_EQ(pace.depth(100us), 1);
}

TEST(RemotePace, a_latency_that_hides_short_tasks_is_seen_through) {
  constexpr auto kLatency = 1ms;
  detail::Pace pace;
  detail::Pace::Clock::time_point now{};
  pace.busy_from(now);
  for (int trip = 0; trip < 100; ++trip) {  // all that are permitted come back after the latency, or after 5 us each
    const int depth = pace.depth(100us);
    pace.answered(depth, now += std::max<std::chrono::nanoseconds>(kLatency, depth * 5us), 1);
  }
  EXPECT_EQ(pace.depth(100us), 128);
}

TEST(RemotePace, a_time_without_work_says_nothing) {
  detail::Pace pace;
  detail::Pace::Clock::time_point now{};
  pace.busy_from(now);
  pace.answered(1, now += 1ms, 1);
  pace.busy_from(now += 10s);
  pace.answered(1, now += 1ms, 1);
  EXPECT_EQ(pace.task_time(), 1ms);
}

// --- fences ---

TEST(RemoteFences, a_host_that_is_lost_again_and_again_waits_longer_and_longer) {
  detail::Fences fences(3);
  const detail::Fences::Clock::time_point now{};
  for (int loss = 0; loss < 2; ++loss) fences.lost("a", now);
  EXPECT_FALSE(fences.fenced("a"));
  fences.lost("a", now);
  ASSERT_TRUE(fences.fenced("a"));
  EXPECT_FALSE(fences.fenced("b"));
  EXPECT_EQ(fences.until("a") - now, 1s);
  fences.lost("a", now);
  EXPECT_EQ(fences.until("a") - now, 2s);
  for (int loss = 0; loss < 20; ++loss) fences.lost("a", now);
  EXPECT_EQ(fences.until("a") - now, 30s);
}

TEST(RemoteFences, a_task_that_ends_there_is_forgiveness) {
  detail::Fences fences(2);
  fences.lost("a", {});
  fences.ended_a_task("a");
  fences.lost("a", {});
  EXPECT_FALSE(fences.fenced("a"));
}

// --- outcomes ---

std::exception_ptr there_and_back(const std::exception_ptr& error) {
  detail::Bytes bytes;
  detail::encode_outcome(bytes, error);
  detail::Reader reader(bytes.view());
  return detail::decode_outcome(reader, "a");
}

TEST(RemoteOutcome, deaths_keep_their_kind_and_details_and_name_the_host) {
  try {
    std::rethrow_exception(there_and_back(std::make_exception_ptr(WorkerDied(
        "worker process 5 died", 5, SIGSEGV, {}, "last words",
        {.cause = DeathCause::crashed, .task = "fetch", .task_time = std::chrono::milliseconds(5), .peak_memory = 4096}))));
  } catch (const WorkerDied& died) {
    EXPECT_STREQ(died.what(), "on host 'a': worker process 5 died");
    EXPECT_EQ(died.pid(), 5);
    EXPECT_EQ(died.signal(), SIGSEGV);
    EXPECT_FALSE(died.exit_code());
    EXPECT_EQ(died.stderr_tail(), "last words");
    EXPECT_EQ(died.cause(), DeathCause::crashed);
    EXPECT_EQ(died.death().task, "fetch");
    EXPECT_EQ(died.death().task_time, std::chrono::milliseconds(5));
    EXPECT_FALSE(died.death().cpu_time);
    EXPECT_EQ(died.death().peak_memory, 4096U);
  }
  EXPECT_THROW(std::rethrow_exception(there_and_back(std::make_exception_ptr(TimeLimitError("t", 1, 15, {})))), TimeLimitError);
  EXPECT_THROW(std::rethrow_exception(there_and_back(std::make_exception_ptr(QuarantinedError("q", 1, {}, 3)))),
               QuarantinedError);
  EXPECT_THROW(std::rethrow_exception(there_and_back(std::make_exception_ptr(BrokenPoolError("b")))), BrokenPoolError);
}

TEST(RemoteOutcome, exceptions_of_tasks_keep_type_and_message) {
  try {
    std::rethrow_exception(there_and_back(std::make_exception_ptr(RemoteError("std::out_of_range", "no such thing"))));
  } catch (const RemoteError& error) {
    EXPECT_EQ(error.type(), "std::out_of_range");
    EXPECT_STREQ(error.what(), "no such thing");
  }
}

TEST(RemoteOutcome, what_is_none_is_refused) {
  for (const std::size_t length : {0, 1, 5, 40}) {
    const std::vector<std::byte> junk(length, std::byte{0x77});
    detail::Reader reader(junk);
    EXPECT_THROW(detail::decode_outcome(reader, "a"), detail::WireError);
  }
}

// --- keys ---

TEST(RemoteKeys, a_key_survives_its_text_and_no_two_are_alike) {
  const detail::AgentKey key{.pool = detail::new_curve_pair().public_key, .own = detail::new_curve_pair()};
  EXPECT_NE(key.pool, key.own.public_key);
  const std::string text = detail::to_text(key);
  EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos);
  const detail::AgentKey read = detail::agent_key_of(text + "\n");
  EXPECT_EQ(read.pool, key.pool);
  EXPECT_EQ(read.own.public_key, key.own.public_key);
  EXPECT_EQ(read.own.secret_key, key.own.secret_key);
}

TEST(RemoteKeys, what_is_none_is_refused_and_not_repeated) {
  const std::string text = detail::to_text({});
  for (const std::string& wrong : {std::string(), std::string("secret"), text + "0", std::string(text.size(), 'x')}) {
    POOLS_EXPECT_THROW_WHAT(detail::agent_key_of(wrong), Error, testing::Not(testing::HasSubstr("secret")));
  }
}

// --- commands ---

TEST(RemoteCommands, host_and_agent_are_put_in_and_quoted) {
  const Launcher launcher{.command = "run {host} -- {agent}", .hosts = {"a"}, .program = "/opt/prog"};
  EXPECT_EQ(detail::command_line(launcher, "a", "tcp://10.0.0.1:5"), "run a -- /opt/prog --pool-agent tcp://10.0.0.1:5");
  EXPECT_EQ(detail::command_line(launcher, "a; rm -r x", "tcp://h:5"), "run 'a; rm -r x' -- /opt/prog --pool-agent tcp://h:5");
  const Launcher blank{.command = "ssh {host} {quoted agent}", .hosts = {"a"}, .program = "/o p/x"};
  EXPECT_EQ(detail::command_line(blank, "me@a", "tcp://h:5"), "ssh me@a ''\\''/o p/x'\\'' --pool-agent tcp://h:5'");
}

TEST(RemoteCommands, ssh_asks_nobody_and_hands_over_one_word) {
  const Launcher launcher = ssh({"a", "b"});
  EXPECT_THAT(launcher.command, testing::StartsWith("exec ssh -o BatchMode=yes"));
  EXPECT_THAT(launcher.command, testing::EndsWith("{host} {quoted agent}"));
  EXPECT_THAT(launcher.hosts, testing::ElementsAre("a", "b"));
}

TEST(RemoteCommands, slurm_wants_a_node) {
  POOLS_EXPECT_THROW_WHAT(slurm({.nodes = 0}), std::invalid_argument, testing::HasSubstr("0"));
}

}  // namespace
}  // namespace pools::test
