#include "pools/src/remote/links.h"

#include <algorithm>
#include <utility>

#include "pools/errors.h"
#include "pools/src/process/ipc/claim_board.h"
#include "pools/src/process/retry_delay.h"
#include "pools/src/process/words.h"
#include "pools/src/remote/outcome.h"

namespace pools::detail {
namespace {

// A task that is permitted may have begun, for all that anybody here can know: no canceller gets it back.
class PermittedBoard {
 public:
  PermittedBoard() noexcept {
    board_.offer(kSequence);
    board_.begin(kSequence);
  }
  void mark(RemoteTask& task) noexcept { task.offered_on(board_, kSequence); }

 private:
  static constexpr std::uint64_t kSequence = 0;
  ClaimBoard board_;
};
PermittedBoard& permitted_board() noexcept {
  static PermittedBoard board;  // without a destructor: of tasks that may outlive all else
  return board;
}

// From when on a host that has answered nothing is asked for what it has not begun, if another has nothing to do.
constexpr std::chrono::milliseconds kLies{5};
constexpr std::chrono::milliseconds kBetweenRecalls{20};

constexpr std::uint32_t kMostTries = 1'000'000;  // whatever an agent says

}  // namespace

Links::Links(RemotePoolState& pool)
    : pool_(pool),
      fences_(pool.options.fence_after),
      decoding_(pool.options.name_prefix + "_decoder", [this](DecodingThread::Answer answer) { decode(std::move(answer)); }) {}

// --- who is there ---

Link* Links::find(const std::string& identity) noexcept {
  const auto found = links_.find(identity);
  return found == links_.end() ? nullptr : found->second.get();
}

Link& Links::admit(const std::string& identity, const Hello& hello, std::uint64_t session, Clock::time_point now) {
  auto link = std::make_unique<Link>(identity, hello, agents_++, session, now);
  link->info.fenced = fences_.fenced(hello.host);
  return *(links_[identity] = std::move(link));
}

bool Links::idle() const noexcept {
  return std::all_of(links_.begin(), links_.end(),
                     [](const auto& entry) { return entry.second->unanswered + entry.second->ahead == 0; });
}

bool Links::any_room() const noexcept {
  return std::any_of(links_.begin(), links_.end(), [](const auto& entry) { return entry.second->has_room(0); });
}

bool Links::short_tasks() const noexcept {
  return std::any_of(links_.begin(), links_.end(),
                     [](const auto& entry) { return entry.second->unanswered > 2 * entry.second->info.workers; });
}

void Links::publish() noexcept {
  try {
    std::vector<HostInfo> hosts;
    for (const auto& [identity, link] : links_) {
      hosts.push_back(link->info);
      hosts.back().permitted = link->unanswered;
      hosts.back().ahead = link->ahead;
      hosts.back().last_seen = link->last_heard;
    }
    std::sort(hosts.begin(), hosts.end(), [](const HostInfo& a, const HostInfo& b) { return a.number < b.number; });
    {
      const Lock lock(pool_.mutex);
      pool_.hosts.swap(hosts);
    }
    pool_.notify();
  } catch (const std::exception&) {  // no memory: next time
  }
}

// --- tasks to agents ---

Link* Links::least_loaded(std::size_t bytes) noexcept {
  Link* best = nullptr;
  for (auto& [identity, link] : links_) {
    if (!link->has_room(bytes)) continue;
    const auto load = [](const Link& of) { return of.unanswered + of.ahead; };
    if (best == nullptr || load(*link) * best->info.workers < load(*best) * link->info.workers) best = link.get();
  }
  return best;
}

bool Links::give_from_queue() {
  bool given = false;
  while (!pool_.backlog.empty()) {
    Link* const link = least_loaded(Link::size_of(pool_.backlog.front()));
    if (link == nullptr) break;
    TaskRef task = pool_.backlog.pop();
    if (!task) break;
    link->push(std::move(task));
    given = true;
  }
  return given;
}

// What lies ahead somewhere, and is not permitted, is as good as queued.
bool Links::balance() {
  bool moved = false;
  for (auto& [identity, hungry] : links_) {
    while (hungry->hungry()) {
      Link* from = nullptr;
      for (auto& [other_identity, other] : links_) {
        if (other.get() != hungry.get() && other->ahead > 0 && (from == nullptr || other->ahead > from->ahead))
          from = other.get();
      }
      if (from == nullptr) break;
      std::uint64_t last = from->next_sequence - 1;
      while (last > from->allowed && from->at(last)->task == nullptr) --last;
      hungry->push(from->take(last, *from->at(last)));
      moved = true;
    }
  }
  return moved;
}

bool Links::permit(Link& link, Clock::time_point now) {
  const std::uint64_t before = link.allowed;
  while (link.allowed + 1 < link.next_sequence) {
    const std::uint64_t next = link.allowed + 1;
    Flight& flight = *link.at(next);
    if (flight.task != nullptr && !link.may_be_permitted()) break;
    if (flight.task != nullptr) {
      permitted_board().mark(*flight.task);
      if (flight.task->state().offer()) {  // from now on it is not to be cancelled
        link.allowed = next;
        --link.ahead;
        if (++link.unanswered == link.info.workers) link.pace.busy_from(now);
        ++pool_.permitted;
        pool_.events.given(*flight.task, link.info.number);
        continue;
      }
      dropped_.push_back(link.take(next, flight));
    }
    if (next <= link.written) skips_.push_back({.link = &link, .sequence = next});
    link.allowed = next;
  }
  link.forget_answered();
  return link.allowed != before;
}

bool Links::supply(Clock::time_point now) {
  bool progress = false;
  std::vector<Link*> permitted;
  skips_.clear();
  {
    const Lock lock(pool_.mutex);
    progress = give_from_queue();
    if (pool_.backlog.empty()) progress |= balance();
    for (auto& [identity, link] : links_) {
      if (permit(*link, now)) permitted.push_back(link.get());
    }
  }
  while (!dropped_.empty()) pool_.events.dropped(*dropped_.pop_front());
  for (auto& [identity, link] : links_) write_tasks(*link);
  for (const Order& skip : skips_) say(*skip.link, RemoteKind::skip, skip.sequence);
  for (Link* const link : permitted) say(*link, RemoteKind::permit, link->allowed);
  recall_what_lies(now);
  return progress || !permitted.empty();
}

void Links::write_tasks(Link& link) {
  for (; link.written + 1 < link.next_sequence; ++link.written) {
    const Flight* const flight = link.at(link.written + 1);
    if (flight == nullptr || flight->task == nullptr) continue;
    RemoteTask& task = *flight->task;
    TaskTerms terms;
    const int allowed = [&] {
      const RemoteTask::Extras* const extras = task.has_extras();
      if (extras == nullptr) return pool_.options.retry.retries;
      if (extras->options.time_limit) terms.time_limit_ns = extras->options.time_limit->count();
      terms.cancel_kills = extras->options.cancel_kills ? 1 : 0;
      return extras->options.retries.value_or(pool_.options.retry.retries);
    }();
    terms.retries = std::max(0, allowed - task.retried);
    const std::span<const std::byte> arguments = task.message().view().subspan(sizeof(MessageHeader));
    link.writer.write(RemoteKind::task, link.written + 1, task.message().function(),
                      {std::as_bytes(std::span(&terms, 1)), arguments}, sender(link));
  }
}

// Where a host is at long tasks and has been permitted more than it has workers, since those before were short.
void Links::recall_what_lies(Clock::time_point now) {
  wants_recalls_ = false;
  const bool some_hungry = std::any_of(links_.begin(), links_.end(), [](const auto& entry) { return entry.second->hungry(); });
  if (!some_hungry) return;
  for (auto& [identity, link] : links_) {
    if (link->unanswered <= link->info.workers) continue;
    wants_recalls_ = true;
    if (now - link->last_answer < kLies || now - link->recalled_at < kBetweenRecalls) continue;
    link->recalled_at = now;
    say(*link, RemoteKind::recall);
  }
}

void Links::say(Link& link, RemoteKind kind, std::uint64_t sequence, std::span<const std::byte> payload,
                const FunctionKey& function) {
  link.writer.write(kind, sequence, function, {payload}, sender(link));
}

void Links::flush() {
  for (auto& [identity, link] : links_) {
    link->writer.flush(sender(*link));
  }
}

// --- what agents say of them ---

void Links::answered(Link& link, const MessageHeader& header, std::span<const std::byte> payload) {
  Flight* const flight = link.at(header.sequence);
  if (flight == nullptr || flight->task == nullptr || header.sequence > link.allowed) {
    throw WireError("an answer that nobody asked for");
  }
  const RemoteKind kind = remote_kind(header);
  const bool is_returned = kind == RemoteKind::returned;
  // Read first: a lie leaves the task where it is.
  const int tries = is_returned ? static_cast<int>(std::min(payload_as<std::uint32_t>(payload), kMostTries)) : 0;
  if (link.unanswered >= link.info.workers) ++link.answers;
  TaskRef task = link.take(header.sequence, *flight);
  link.forget_answered();
  if (is_returned) {
    task->state().recall();
    const Lock lock(pool_.mutex);
    --pool_.permitted;
    task->deaths += tries;
    task->retried += tries;  // on whatever host: no more of them than were asked for
    return pool_.backlog.put_back(std::move(task));
  }
  fences_.ended_a_task(link.info.name);
  {
    const Lock lock(pool_.mutex);
    --pool_.permitted;
    pool_.events.answering_begins();
  }
  complete(link, std::move(task), kind, payload);
}

void Links::complete(Link& link, TaskRef task, RemoteKind kind, std::span<const std::byte> payload) noexcept {
  if (!pool_.events.claim(*task, link.info.number)) return;  // cancelled while it was running
  pool_.events.answered(*task);
  Reader answer(payload);
  if (kind == RemoteKind::result) {
    if (task->decoded_in_place() || !decode_elsewhere(link, task, payload)) {
      pool_.events.finish(*task, link.info.number, task->take_answer(answer));
    }
    return;
  }
  std::exception_ptr error;
  try {
    error = kind == RemoteKind::error ? decode_outcome(answer, link.info.name)
                                      : std::make_exception_ptr(WireError("a task was killed that nobody has cancelled"));
  } catch (...) {
    error = std::current_exception();
  }
  pool_.events.finish(*task, link.info.number, std::move(error));
}

bool Links::decode_elsewhere(Link& link, TaskRef& task, std::span<const std::byte> payload) noexcept {
  DecodingThread::Answer answer{.task = nullptr, .payload = {}, .worker = link.info.number};
  try {
    answer.payload.append(payload.data(), payload.size());
  } catch (const std::bad_alloc&) {
    return false;
  }
  answer.task = std::move(task);
  if (!decoding_.deliver(answer)) decode(std::move(answer));
  return true;
}

void Links::decode(DecodingThread::Answer answer) noexcept {
  pool_.events.finish(*answer.task, answer.worker, answer.task->take_answer(Reader(answer.payload.view())));
}

void Links::all_answered(Link& link, Clock::time_point now) noexcept {
  link.last_answer = now;
  if (link.answers > 0) link.pace.answered(std::exchange(link.answers, 0), now, link.info.workers);
}

void Links::begun(Link& link, std::span<const std::byte> payload) {
  for (Reader reader(payload); reader.remaining() > 0;) {
    std::uint64_t sequence = 0;
    reader.read(&sequence, sizeof sequence);
    if (Flight* const flight = link.at(sequence); flight != nullptr && sequence <= link.allowed) flight->begun = true;
  }
}

void Links::take_back_ahead(Link& link) {
  const Lock lock(pool_.mutex);
  for (std::uint64_t sequence = link.allowed + 1; sequence < link.next_sequence; ++sequence) {
    Flight& flight = *link.at(sequence);
    if (flight.task != nullptr) pool_.backlog.put_back(link.take(sequence, flight));
  }
}

void Links::take_back_all_ahead() {
  for (auto& [identity, link] : links_) take_back_ahead(*link);
}

void Links::kill(const FutureState& cancelled) {
  for (auto& [identity, link] : links_) {
    for (std::uint64_t sequence = link->first_sequence; sequence <= link->allowed; ++sequence) {
      const Flight& flight = *link->at(sequence);
      if (flight.task != nullptr && &flight.task->state() == &cancelled) return say(*link, RemoteKind::kill, sequence);
    }
  }
}

// --- losses ---

void Links::lost(Link& link, const std::string& why, bool fault) noexcept {
  const std::unique_ptr<Link> owner = std::move(links_.extract(link.identity).mapped());
  if (fault) fences_.lost(link.info.name, Clock::now());
  TaskList had_begun;  // no memory is needed, so that none is lost for want of it
  TaskList perhaps_begun;
  {
    const Lock lock(pool_.mutex);
    if (fault) ++pool_.incidents.hosts_lost;
    for (std::uint64_t sequence = link.first_sequence; sequence < link.next_sequence; ++sequence) {
      Flight& flight = *link.at(sequence);
      if (flight.task == nullptr) continue;
      if (sequence > link.allowed) {
        pool_.backlog.put_back(std::move(flight.task));  // (P): nobody has begun it, nor will
      } else {
        // Not recalled: it may have begun, and no canceller gets it before it fails or is to be tried again.
        --pool_.permitted;
        pool_.events.answering_begins();
        (flight.begun ? had_begun : perhaps_begun).push_back(std::move(flight.task));
      }
    }
  }
  publish();  // first: who hears of a loss finds it said of the hosts, too
  if (pool_.options.host_observer) pool_.options.host_observer->host_lost(link.info, why);
  for (TaskList* const tasks : {&had_begun, &perhaps_begun}) {
    while (!tasks->empty()) end_with_host(tasks->pop_front(), link, tasks == &had_begun, why);
  }
}

void Links::end_with_host(TaskRef task, const Link& link, bool begun, const std::string& why) noexcept {
  pool_.events.died_with_its_worker(*task);
  if (!task->state().cancelled()) {
    const RemoteTask::Extras* const extras = task->has_extras();
    const int allowed =
        extras != nullptr ? extras->options.retries.value_or(pool_.options.retry.retries) : pool_.options.retry.retries;
    ++task->deaths;
    if (task->retried < allowed) {
      const Lock lock(pool_.mutex);
      if (!pool_.broken && pool_.backlog.retry_at(task, *deadline_after(retry_delay(pool_.options.retry, task->deaths)))) return;
    }
  }
  if (!pool_.events.claim(*task, link.info.number)) return;
  const auto message = [&] {
    return "host '" + link.info.name + "' was lost: " + why + "; the task " +
           (begun ? "had begun there" : "may have begun there, or not");
  };
  static const std::exception_ptr spare =
      std::make_exception_ptr(HostLost("a host was lost; there is no memory to say which", "", {}, HostLost::Begun::unknown));
  pool_.events.finish(*task, link.info.number, error_or(spare, [&] {
    return HostLost(message(), link.info.name, link.last_heard, begun ? HostLost::Begun::yes : HostLost::Begun::unknown);
  }));
}

void Links::fail_everything(const std::exception_ptr& error) noexcept {
  TaskList all;
  {
    const Lock lock(pool_.mutex);
    TaskList waiting = pool_.backlog.take_all();
    for (auto& [identity, link] : links_) {
      for (std::uint64_t sequence = link->first_sequence; sequence < link->next_sequence; ++sequence) {
        Flight& flight = *link->at(sequence);
        if (flight.task == nullptr) continue;
        if (sequence <= link->allowed) --pool_.permitted;
        all.push_back(link->take(sequence, flight));
        pool_.events.answering_begins();
      }
      link->forget_answered();
    }
    while (!waiting.empty()) {
      all.push_back(waiting.pop_front());
      pool_.events.answering_begins();
    }
  }
  while (!all.empty()) {
    const TaskRef task = all.pop_front();
    if (pool_.events.claim(*task, PoolObserver::kNoWorker)) pool_.events.finish(*task, PoolObserver::kNoWorker, error);
  }
  pool_.room.made();
}

}  // namespace pools::detail
