#pragma once

// The tasks of one session on an agent: those that lie ready, those that its process pool has, and what is said of them. For the agent's
// thread, but where it says otherwise.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "pools/process_pool.h"
#include "pools/src/base/mutex.h"
#include "pools/src/remote/dealer.h"
#include "pools/src/remote/raw_task.h"
#include "pools/src/remote/stream.h"

namespace pools::detail {

// A process pool that is given tasks as bytes.
class LocalPool final : public ProcessPool {
 public:
  explicit LocalPool(ProcessPoolOptions options) : ProcessPool(std::move(options)) {}
  // A task with the arguments that `payload` has; nobody else knows it yet.
  std::unique_ptr<RawTask, DropTask> make(const FunctionKey& function, const TaskTerms& terms,
                                          std::span<const std::byte> arguments);
  void run(TaskRef task) { pool_.submit(task, false); }  // Throws as submit
};

// Tasks that the process pool is done with, on their way to the agent's thread.
class Ended {
 public:
  struct Task {
    std::uint64_t session = 0;
    std::uint64_t sequence = 0;
    StateRef state;
  };

  explicit Ended(Dealer& dealer) : dealer_(dealer) {}
  void push(Task task) noexcept;  // any thread
  std::vector<Task> take();
  // The agent's thread is going to sleep: from now on a task that ends wakes it. False: there is one.
  bool may_sleep();

 private:
  Dealer& dealer_;
  AdaptiveMutex mutex_;
  std::vector<Task> tasks_ GUARDED_BY(mutex_);
  bool asleep_ GUARDED_BY(mutex_) = false;
};

class AgentSession {
 public:
  AgentSession(std::uint64_t number, LocalPool& pool, Ended& ended, Dealer& dealer)
      : number_(number), pool_(pool), ended_(ended), dealer_(dealer), writer_(number) {}

  std::uint64_t number() const noexcept { return number_; }
  StreamReader& reader() noexcept { return reader_; }
  bool short_tasks(int workers) const noexcept { return running_.size() > 2 * static_cast<std::size_t>(workers); }
  bool idle() const noexcept { return held_.empty() && running_.empty(); }

  // What the pool says of tasks. Throws WireError; BrokenPoolError.
  void on_task(const MessageHeader& header, std::span<const std::byte> payload);
  void permit(std::uint64_t up_to);
  void skip(std::uint64_t sequence);
  void kill(std::uint64_t sequence);
  void probe();
  // Nothing more begins: what has not begun is returned.
  void return_unbegun();
  // Whatever can still be kept from beginning, or from being tried once more, is.
  void cancel_all();
  // It has been told to end: what is permitted from now on is returned, too.
  void refuse_more() noexcept { refusing_ = true; }

  // Of a task of this session that has ended. Throws BrokenPoolError where the process pool is broken, Error where a probe has failed.
  void report(const Ended::Task& task);
  void report_begun();
  void say(RemoteKind kind, std::uint64_t sequence = 0, std::span<const std::byte> payload = {});
  void flush();

 private:
  using Raw = std::unique_ptr<RawTask, DropTask>;
  struct Running {
    StateRef state;
    bool said_begun = false;
  };

  void begin(std::uint64_t sequence, Raw task);
  void give_back(std::uint64_t sequence, int tries);  // `tries` of which have ended with their workers

  const std::uint64_t number_;
  LocalPool& pool_;
  Ended& ended_;
  Dealer& dealer_;
  FrameWriter writer_;
  StreamReader reader_;
  std::map<std::uint64_t, Raw> held_;         // sent ahead
  std::map<std::uint64_t, Running> running_;  // permitted
  std::set<std::uint64_t> killed_;
  std::uint64_t allowed_ = 0;
  bool refusing_ = false;
};

}  // namespace pools::detail
