#include "pools/src/remote/agent_session.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <utility>

#include "pools/remote.h"
#include "pools/src/remote/outcome.h"

namespace pools::detail {
namespace {

constexpr std::uint64_t kProbe = 0;  // its sequence number

void probe_of_an_agent() {}

// Tells the agent's thread.
struct Report final : Completion {
  Report(Ended& to, std::uint64_t of_session, std::uint64_t number) : ended(to), session(of_session), sequence(number) {}
  void run(FutureState& state) noexcept override {
    ended.push({.session = session, .sequence = sequence, .state = StateRef::share(&state)});
  }
  Ended& ended;
  const std::uint64_t session;
  const std::uint64_t sequence;
};

}  // namespace

std::unique_ptr<RawTask, DropTask> LocalPool::make(const FunctionKey& function, const TaskTerms& terms,
                                                   std::span<const std::byte> arguments) {
  std::unique_ptr<RawTask, DropTask> task(new RawTask(function));
  task->set_sink(pool_.sink());
  task->message().payload().append(arguments.data(), arguments.size());
  if (terms.time_limit_ns > 0 || terms.retries > 0 || terms.cancel_kills != 0) {
    RemoteTaskOptions options;
    if (terms.time_limit_ns > 0) options.time_limit = std::chrono::nanoseconds(terms.time_limit_ns);
    options.retries = terms.retries;
    options.cancel_kills = true;  // also for cancel_all(): a task with retries would begin again when its worker is killed
    apply(options, *task);
  }
  return task;
}

void Ended::push(Task task) noexcept {
  bool wake = false;
  {
    const Lock lock(mutex_);
    tasks_.push_back(std::move(task));  // no memory: std::terminate, and the pool loses this host
    wake = std::exchange(asleep_, false);
  }
  if (wake) dealer_.wake();
}

std::vector<Ended::Task> Ended::take() {
  const Lock lock(mutex_);
  asleep_ = false;
  return std::exchange(tasks_, {});
}

bool Ended::may_sleep() {
  const Lock lock(mutex_);
  asleep_ = tasks_.empty();
  return asleep_;
}

void AgentSession::on_task(const MessageHeader& header, std::span<const std::byte> payload) {
  if (header.sequence <= allowed_) throw WireError("a task that was permitted before it was sent");
  Reader reader(payload);
  TaskTerms terms;
  reader.read(&terms, sizeof terms);
  held_.insert_or_assign(header.sequence, pool_.make(header.function, terms, reader.take(reader.remaining())));
}

void AgentSession::permit(std::uint64_t up_to) {
  allowed_ = std::max(allowed_, up_to);
  while (!held_.empty() && held_.begin()->first <= allowed_) {
    auto next = held_.extract(held_.begin());
    if (refusing_) {
      give_back(next.key(), 0);
    } else {
      begin(next.key(), std::move(next.mapped()));
    }
  }
}

void AgentSession::begin(std::uint64_t sequence, Raw task) {
  std::unique_ptr<Completion> report = std::make_unique<Report>(ended_, number_, sequence);
  task->state().try_add_continuation(report);
  running_.emplace(sequence, Running{.state = StateRef::share(&task->state())});
  pool_.run(TaskRef(task.release()));
}

void AgentSession::skip(std::uint64_t sequence) { held_.erase(sequence); }

void AgentSession::kill(std::uint64_t sequence) {
  const auto found = running_.find(sequence);
  if (found == running_.end()) return;  // it has ended, and its answer is on its way
  killed_.insert(sequence);
  found->second.state->cancel();
}

void AgentSession::probe() { begin(kProbe, pool_.make(trampoline_key<&call_remotely<&probe_of_an_agent>>(), TaskTerms(), {})); }

void AgentSession::return_unbegun() {
  for (auto at = running_.rbegin(); at != running_.rend(); ++at) at->second.state->cancel_unless_begun();
}

void AgentSession::cancel_all() {
  for (auto at = running_.rbegin(); at != running_.rend(); ++at) at->second.state->cancel();
}

void AgentSession::report(const Ended::Task& task) {
  running_.erase(task.sequence);
  const bool was_killed = killed_.erase(task.sequence) > 0;
  FutureState& state = *task.state;
  if (task.sequence == kProbe) {
    if (state.cancelled()) return;
    if (state.error()) std::rethrow_exception(state.error());
    return say(RemoteKind::probed);
  }
  if (state.cancelled()) {
    if (was_killed) return say(RemoteKind::killed, task.sequence);
    return give_back(task.sequence, static_cast<RawTask&>(state).deaths.load(std::memory_order_relaxed));
  }
  if (const std::exception_ptr& error = state.error()) {
    try {
      std::rethrow_exception(error);
    } catch (const BrokenPoolError&) {
      throw;
    } catch (...) {
    }
    Bytes outcome;
    encode_outcome(outcome, error);
    return say(RemoteKind::error, task.sequence, outcome.view());
  }
  say(RemoteKind::result, task.sequence, static_cast<RawTask&>(state).value().view());
}

void AgentSession::report_begun() {
  std::vector<std::uint64_t> sequences;
  for (auto& [sequence, running] : running_) {
    if (running.said_begun || sequence == kProbe || !running.state->running()) continue;
    running.said_begun = true;
    sequences.push_back(sequence);
  }
  if (!sequences.empty()) say(RemoteKind::begun, 0, std::as_bytes(std::span(sequences)));
}

void AgentSession::give_back(std::uint64_t sequence, int tries) {
  const auto ended = static_cast<std::uint32_t>(tries);
  say(RemoteKind::returned, sequence, std::as_bytes(std::span(&ended, 1)));
}

void AgentSession::say(RemoteKind kind, std::uint64_t sequence, std::span<const std::byte> payload) {
  writer_.write(kind, sequence, {}, {payload}, [&](std::span<const std::byte> frame) { dealer_.send(frame); });
}

void AgentSession::flush() {
  writer_.flush([&](std::span<const std::byte> frame) { dealer_.send(frame); });
}

}  // namespace pools::detail
