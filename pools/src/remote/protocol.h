#pragma once

// What a remote pool and its agents say to each other. A frame is one ZeroMQ message: a FrameHeader, then its content. A session begins with
// an agent's hello and the pool's welcome; from then on the contents of the frames of either direction, taken together, are a stream of
// messages as they are on the channel of a worker (detail/message.h), and a gap in the numbers of the frames ends the session.
//
//   agent                                    pool
//     hello    ------------------------------->      who it is, and which build
//              <------------------------------- welcome   a session, and how its pool is to be; or refusal, in words
//              <------------------------------- task n, permit up to n, skip n, kill n, recall, probe, start, stop
//     result n, error n, returned n, killed n -->
//     begun, probed, started, broken, leaving, gone ---->
//     beat     <------------------------------>  beat     both now and then: I am here; and what the clocks say. The pool's are answered at once,
//                                                       and several follow each other when a session begins, to compare the clocks
//              <------------------------------- unknown   whoever speaks in no session of mine is to say hello
//
// (N) Tasks of a session are numbered from 1 in the order in which they are sent, and begun in that order.
// (P) An agent begins no task beyond the highest number that was permitted, so that what lies beyond it is the pool's, whatever becomes of
//     the agent. What the pool takes back it skips, before it permits what comes after.
// (S) What belongs to another session is dropped, on both sides. An agent that is welcomed has ended all that it had of a session before.
//
// The model is verification/remote.pml. Neither side trusts what it reads to be well-formed: WireError.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "pools/detail/bytes.h"
#include "pools/detail/message.h"

namespace pools::detail {

inline constexpr std::uint32_t kRemoteProtocol = 3;  // changes with anything below, or in message.h
inline constexpr const char* kAgentArgument = "--pool-agent";
inline constexpr const char* kIncarnationVariable = "POOLS_AGENT_INCARNATION";  // in the environment of an agent's workers

enum class FrameKind : std::uint32_t { hello = 1, welcome, refusal, unknown, stream };

struct FrameHeader {
  static constexpr std::uint32_t kMagic = 0x504f4f4c;

  std::uint32_t magic = kMagic;
  FrameKind kind = FrameKind::stream;
  std::uint64_t session = 0;
  std::uint64_t number = 0;  // of the session and direction, from 0
};
static_assert(sizeof(FrameHeader) == 24);

// Bytes of a frame at most. Small enough that heartbeats get through between those of a large argument.
inline constexpr std::size_t kLargestFrame = std::size_t{256} << 10;

// MessageHeader::kind of a stream's messages. `sequence` is the task's number where there is one.
enum class RemoteKind : std::uint32_t {
  // to the agent
  task = 101,  // payload: TaskTerms, arguments
  permit,      // `sequence`: the highest number that may begin
  skip,        // that task is the pool's again, and will not be permitted
  kill,        // that task was cancelled while it was running
  recall,      // what has been permitted and has not begun is to be returned, and what waits for another try
  probe,       // a task of the pool's own: whether a worker can be started
  start,       // all workers are to be started, and it is to be said when they are
  stop,        // end; there is nothing left to be done
  // to the pool
  result = 201,  // payload: the value
  error,         // payload: an outcome (outcome.h)
  returned,      // not running, and not going to begin; payload: std::uint32_t, how many tries have ended with their workers
  killed,        // it was told to kill it, and did
  begun,         // payload: the numbers of tasks, std::uint64_t each, that have begun since the last one
  probed,
  started,  // all workers run, and each has run its initializer
  broken,   // payload: text. Its process pool is; it ends
  leaving,  // no more tasks, please: it has been asked to end
  gone,     // nothing follows
  // both
  beat = 301,  // payload: Beat
};
inline MessageKind on_wire(RemoteKind kind) noexcept { return static_cast<MessageKind>(kind); }
inline RemoteKind remote_kind(const MessageHeader& header) noexcept { return static_cast<RemoteKind>(header.kind); }

struct TaskTerms {
  std::int64_t time_limit_ns = 0;  // 0: none
  std::int32_t retries = 0;        // after the death of a worker
  std::uint32_t cancel_kills = 0;
};
static_assert(sizeof(TaskTerms) == 16);

// Nanoseconds of the CLOCK_MONOTONIC of whoever writes it, but for `echoed`, which is the peer's.
struct Beat {
  std::int64_t sent = 0;
  std::int64_t echoed = 0;           // `sent` of the last beat that has come; 0: none has
  std::int64_t echoed_received = 0;  // when it came
  std::uint64_t answer = 0;          // not 0: to be answered at once, by a beat
};

struct Hello {
  std::uint32_t protocol = kRemoteProtocol;
  FunctionKey program = {};  // of a function of this library: equal in two processes only if they run the same build
  std::uint64_t incarnation = 0;
  std::int32_t pid = 0;
  std::int32_t workers = 0;
  std::string host = {};
};
FunctionKey own_program();

// How the agent's pool is to be, and how often it hears of us.
struct Welcome {
  std::int64_t heartbeat_ns = 0;
  std::int64_t silence_ns = 0;
  std::int32_t workers = 0;
  std::string name_prefix = {};
  FunctionKey initializer = {};  // zero: none
  Bytes initializer_arguments = {};
  std::int64_t backoff_ns = 0;
  std::int64_t max_backoff_ns = 0;
  std::int32_t quarantine_after = 0;
  std::int32_t crash_limit = 0;
  std::int32_t max_tasks_per_child = 0;
  std::uint64_t memory_limit = 0;
  std::uint64_t recycle_above = 0;
  std::int32_t output = 0;
  std::uint64_t max_payload = 0;
};

// Whole frames.
Bytes hello_frame(const Hello& hello);
Bytes welcome_frame(std::uint64_t session, const Welcome& welcome);
Bytes text_frame(FrameKind kind, std::string_view text);  // refusal, unknown

struct Frame {
  FrameHeader header;
  std::span<const std::byte> content;
};
// All of these throw WireError.
Frame frame_of(std::span<const std::byte> bytes);
Hello hello_of(std::span<const std::byte> content);  // of another protocol only `protocol` is filled in
Welcome welcome_of(std::span<const std::byte> content);
inline std::string text_of_bytes(std::span<const std::byte> content) {
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

inline std::int64_t stamp(std::chrono::steady_clock::time_point time) noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

// Values of trivially copyable types, as they lie in memory. (Not detail/codec.h: that asks cereal about types of this namespace.)
template <class T>
void put(Bytes& to, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  to.append(&value, sizeof value);
}
template <class T>
T get(Reader& from) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  from.read(&value, sizeof value);
  return value;
}
template <class T>
T payload_as(std::span<const std::byte> payload) {
  Reader reader(payload);
  return get<T>(reader);
}

}  // namespace pools::detail
