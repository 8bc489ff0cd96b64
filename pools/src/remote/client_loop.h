#pragma once

// The thread of a remote pool: the only one that touches its sockets.

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <thread>

#include "pools/src/remote/launches.h"
#include "pools/src/remote/links.h"
#include "pools/src/remote/remote_pool_state.h"

namespace pools::detail {

class ClientLoop {
 public:
  using Clock = std::chrono::steady_clock;

  explicit ClientLoop(RemotePoolState& pool);  // Throws std::invalid_argument
  void start();                                // Throws std::system_error
  void join() noexcept;
  bool is_this_thread() const noexcept { return std::this_thread::get_id() == id_; }
  Links& links() noexcept { return links_; }

 private:
  void run() noexcept;
  void run_until_finished();
  // Each returns whether there was something.
  bool receive(Clock::time_point now);
  bool take_requests();
  void cancel_what_lies_ahead();
  void on_frame(const std::string& identity, zmq::message_t& bytes, Clock::time_point now);
  void on_hello(const std::string& identity, std::span<const std::byte> content, Clock::time_point now);
  void on_message(Link& link, const MessageHeader& header, std::span<const std::byte> payload, Clock::time_point now);
  void on_beat(Link& link, const Beat& beat, Clock::time_point now);
  void refuse(const std::string& identity, const std::string& who, const std::string& why);

  void look(Clock::time_point now);  // at what is due by the clock, and at what the network says
  void look_at_links(Clock::time_point now);
  void look_at_patience(Clock::time_point now);
  void beat(Link& link, Clock::time_point now);
  void lose_the_unreachable() noexcept;
  void probe_the_fenced(Clock::time_point now);
  void tell_to_start(Clock::time_point now);
  void sleep(Clock::time_point now);
  bool work_is_over() const;
  void say_goodbye();
  void break_pool(const std::string& why) noexcept;

  RemotePoolState& pool_;
  Links links_;
  Launches launches_;
  const Bytes welcome_;  // for session 0
  std::uint64_t sessions_ = 0;
  Clock::time_point expected_{};  // when this round was to begin at the latest
  Clock::time_point looked_{};
  Clock::time_point next_look_{};
  Clock::time_point probing_until_{};  // a connection has ended: whose, the next sends will tell
  Clock::time_point hosts_missed_since_{};
  Clock::time_point next_unknown_{};
  std::thread thread_;
  std::thread::id id_;
};

}  // namespace pools::detail
