#pragma once

// All agents of a remote pool, and who of them has which task: what is sent ahead, what is permitted, what an answer, a return and a loss make
// of it. The model is verification/remote.pml. For the pool's thread.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pools/src/process/decoding_thread.h"
#include "pools/src/remote/fences.h"
#include "pools/src/remote/link.h"
#include "pools/src/remote/remote_pool_state.h"

namespace pools::detail {

class Links {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Links(RemotePoolState& pool);

  // --- who is there ---
  Link* find(const std::string& identity) noexcept;
  Link& admit(const std::string& identity, const Hello& hello, std::uint64_t session, Clock::time_point now);
  // Its tasks fail, are retried, or go back to the queue. The link is gone. `fault`: it counts against the host.
  void lost(Link& link, const std::string& why, bool fault = true) noexcept;
  template <class Use>
  void for_each(Use use) {  // use(Link&) may not lose any
    for (auto& [identity, link] : links_) use(*link);
  }
  // The first of which `is` says so; null: none.
  template <class Is>
  Link* first(Is is) {
    for (auto& [identity, link] : links_) {
      if (is(*link)) return link.get();
    }
    return nullptr;
  }
  bool empty() const noexcept { return links_.empty(); }
  bool idle() const noexcept;  // no agent has a task
  bool any_room() const noexcept;
  bool short_tasks() const noexcept;              // more are under way than workers, somewhere: further answers come at once
  void publish() noexcept EXCLUDES(pool_.mutex);  // what hosts() says
  Fences& fences() noexcept { return fences_; }

  // --- tasks ---
  // From the queue to agents, from agents that have too much to such as have nothing; and permits. Frames follow with flush(). False: there was
  // nothing to be done.
  bool supply(Clock::time_point now);
  // Returns when it has to be called again although nothing has happened.
  bool wants_recalls() const noexcept { return wants_recalls_; }
  void flush();
  // A result, an error, a return or a killed one. Throws WireError.
  void answered(Link& link, const MessageHeader& header, std::span<const std::byte> payload);
  void all_answered(Link& link, Clock::time_point now) noexcept;  // that a frame has answers to
  void take_back_ahead(Link& link);                               // what it has not been permitted goes back to the queue
  void take_back_all_ahead();                                     // of every agent
  void begun(Link& link, std::span<const std::byte> payload);     // Throws WireError
  void kill(const FutureState& cancelled);
  void fail_everything(const std::exception_ptr& error) noexcept;  // the pool is broken: also what waits

  // Takes a frame to the agent, or finds out that it cannot be reached.
  auto sender(Link& link) noexcept {
    return [this, &link](std::span<const std::byte> frame) { link.unreachable |= !pool_.router.send(link.identity, frame); };
  }
  void say(Link& link, RemoteKind kind, std::uint64_t sequence = 0, std::span<const std::byte> payload = {},
           const FunctionKey& function = {});

  DecodingThread& decoding() noexcept { return decoding_; }

 private:
  struct Order {  // what is to be written to an agent, after the tasks
    Link* link;
    std::uint64_t sequence;
  };

  Link* least_loaded(std::size_t bytes) noexcept;
  bool give_from_queue() REQUIRES(pool_.mutex);
  bool balance() REQUIRES(pool_.mutex);
  bool permit(Link& link, Clock::time_point now) REQUIRES(pool_.mutex);
  void write_tasks(Link& link);
  void recall_what_lies(Clock::time_point now);
  void complete(Link& link, TaskRef task, RemoteKind kind, std::span<const std::byte> payload) noexcept;
  bool decode_elsewhere(Link& link, TaskRef& task, std::span<const std::byte> payload) noexcept;
  void decode(DecodingThread::Answer answer) noexcept;
  void end_with_host(TaskRef task, const Link& link, bool begun, const std::string& why) noexcept;

  RemotePoolState& pool_;
  Fences fences_;
  std::map<std::string, std::unique_ptr<Link>> links_;  // by identity
  int agents_ = 0;                                      // so far
  std::vector<Order> skips_;                            // of a round of supply()
  TaskList dropped_;                                    // cancelled ones of that round, to be let go without the mutex
  bool wants_recalls_ = false;
  DecodingThread decoding_;
};

}  // namespace pools::detail
