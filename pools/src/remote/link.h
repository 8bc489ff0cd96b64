#pragma once

// An agent in its session, as the pool's thread sees it.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "pools/detail/remote_task.h"
#include "pools/remote_pool.h"
#include "pools/src/remote/clock_map.h"
#include "pools/src/remote/pace.h"
#include "pools/src/remote/protocol.h"
#include "pools/src/remote/stream.h"

namespace pools::detail {

// A task that an agent has, or a place where there is none any more: answered, or the pool's again.
struct Flight {
  TaskRef task;
  bool begun = false;  // the agent has said so
};

// Not thread-safe. Invariants: flights are numbered without gaps, and first_sequence is the number of the front one; first_sequence - 1 <=
// allowed < next_sequence; unanswered is how many up to `allowed` have a task, ahead how many beyond; bytes is the sum of both.
struct Link {
  using Clock = std::chrono::steady_clock;

  Link(std::string id, const Hello& hello, int ordinal, std::uint64_t session_number, Clock::time_point now)
      : identity(std::move(id)), session(session_number), writer(session_number), last_heard(now), next_beat(now) {
    info.name = hello.host;
    info.number = ordinal;
    info.incarnation = hello.incarnation;
    info.pid = hello.pid;
    info.workers = hello.workers;
  }

  // --- the window ---
  int most_permitted() const noexcept { return info.workers * pace.depth(round_trip()); }
  bool usable() const noexcept { return !info.fenced && !leaving; }
  bool may_be_permitted() const noexcept { return usable() && unanswered < most_permitted(); }
  bool has_room(std::size_t more) const noexcept {
    const int most = most_permitted();
    const int window = most + std::max(info.workers, most / 2);
    return usable() && unanswered + ahead < window && (bytes == 0 || bytes + more <= kMostBytes);
  }
  bool hungry() const noexcept { return usable() && ahead == 0 && unanswered < info.workers; }

  Flight* at(std::uint64_t sequence) noexcept {
    if (sequence < first_sequence || sequence >= next_sequence) return nullptr;
    return &flights[static_cast<std::size_t>(sequence - first_sequence)];
  }
  void push(TaskRef task) {
    const std::size_t size = size_of(*task);
    flights.push_back({.task = std::move(task)});
    ++next_sequence;
    ++ahead;
    bytes += size;
  }
  // The task of a place that has one. It counts no more.
  TaskRef take(std::uint64_t sequence, Flight& flight) noexcept {
    (sequence <= allowed ? unanswered : ahead) -= 1;
    bytes -= size_of(*flight.task);
    return std::move(flight.task);
  }
  void forget_answered() noexcept {
    while (!flights.empty() && flights.front().task == nullptr && first_sequence <= allowed) {
      flights.pop_front();
      ++first_sequence;
    }
  }
  static std::size_t size_of(RemoteTask& task) noexcept { return task.message().view().size(); }

  // The usual one, not the best: on a host that is busy tasks wait as long as heartbeats do, and are no longer for it.
  std::chrono::nanoseconds round_trip() const noexcept {
    return clock.exchanges() == 0 ? std::chrono::microseconds(200) : std::chrono::nanoseconds(clock.usual_round_trip());
  }

  static constexpr std::size_t kMostBytes = std::size_t{64}
                                            << 20;  // of arguments on their way or there, but for a single larger one

  const std::string identity;  // of the connection
  const std::uint64_t session;
  HostInfo info;
  FrameWriter writer;
  StreamReader reader;

  std::deque<Flight> flights;
  std::uint64_t first_sequence = 1;
  std::uint64_t next_sequence = 1;
  std::uint64_t written = 0;  // the highest number whose task has been sent
  std::uint64_t allowed = 0;  // the highest number that may begin
  int unanswered = 0;
  int ahead = 0;
  std::size_t bytes = 0;
  Pace pace;
  int answers = 0;  // that came while all workers had something to do, and the pace has not been told of
  Clock::time_point last_answer{};
  Clock::time_point recalled_at{};

  Clock::time_point last_heard;
  Clock::time_point next_beat;
  std::int64_t peer_sent = 0;      // of its last beat
  std::int64_t peer_received = 0;  // when that came
  ClockMap clock;

  bool probing = false;
  bool told_to_start = false;  // all its workers
  bool leaving = false;        // it takes no more tasks
  bool gone = false;           // it has said that nothing follows
  bool unreachable = false;
};

}  // namespace pools::detail
