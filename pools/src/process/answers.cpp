#include "pools/src/process/answers.h"

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "pools/detail/futex.h"
#include "pools/errors.h"
#include "pools/src/base/mutex.h"
#include "pools/src/process/words.h"

namespace pools::detail {
namespace {

// A worker that answers sooner than this, per task, is given more tasks at a time.
constexpr std::chrono::microseconds kShortTask{20};

using Phase = WorkerProcess::Phase;

}  // namespace

Answers::Answers(ProcessPoolState& pool, Supply& supply, CircuitBreaker& breaker)
    : pool_(pool),
      supply_(supply),
      breaker_(breaker),
      decoding_(
          pool.options.name_prefix + "_decoder", [this](DecodingThread::Answer answer) { decode(std::move(answer)); },
          [&pool] { pool.context.apply(); }) {}

bool Answers::serve(const WorkerRef& worker) noexcept {
  if (worker->condemned()) return false;  // killed; its death will be seen
  bool progress = false;
  int answers = 0;
  Clock::duration since{};
  try {
    if (worker->unsent() && !worker->terminated) {
      const Lock lock(pool_.mutex);  // what it sends belongs to what the mutex guards
      if (worker->send_some()) {
        worker->progress = Clock::now();
        worker->channel().ring();
        progress = true;
      }
    }
    while (const auto header = worker->receive()) {
      progress = true;
      if (answers++ == 0) {
        const auto now = Clock::now();
        const Lock lock(pool_.mutex);
        since = now - std::exchange(worker->progress, now);  // before it is given more
        worker->unheard = false;
        worker->channel().room();  // whether the worker's index of that ring is in bounds
      }
      handle(worker, *header);
    }
  } catch (const std::bad_alloc&) {
    supply_.condemn(*worker, "an answer that there is no memory for");
    progress = true;
  } catch (const std::exception& error) {
    supply_.condemn(*worker, error.what());
    progress = true;
  } catch (...) {
    supply_.condemn(*worker, "an answer that throws something unknown");
    progress = true;
  }
  if (answers > 0) adjust_depth(*worker, since / answers);
  return progress;
}

void Answers::adjust_depth(WorkerProcess& worker, Clock::duration per_task) const noexcept {
  worker.answers_soon = per_task <= WorkerProcess::kStuck;
  if (!pool_.prefetches) return;
  if (per_task < kShortTask) {
    worker.depth = std::min(worker.depth * 2, WorkerProcess::kMostGiven);
  } else if (per_task > WorkerProcess::kStuck) {
    worker.depth = 1;
  }
}

void Answers::handle(const WorkerRef& worker, const MessageHeader& header) {
  const auto expect_prepared = [&] {
    const bool prepared =
        worker->phase != Phase::starting || !worker->unsent();  // told to go meanwhile: what is unsent may be that
    if (!prepared || header.sequence != WorkerProcess::kPrepareSequence) throw WireError("an answer that nobody asked for");
  };
  switch (header.kind) {
    case MessageKind::ready:
      expect_prepared();
      return worker_ready(worker);
    case MessageKind::refused:
      expect_prepared();
      return initializer_failed(*worker);
    case MessageKind::result:
    case MessageKind::error:
    case MessageKind::skipped:
      return take_answer(worker, header);
    case MessageKind::prepare:
    case MessageKind::task:
    case MessageKind::stop:
      break;
  }
  throw WireError("a message that a worker does not send");
}

void Answers::worker_ready(const WorkerRef& worker) {
  {
    const Lock lock(pool_.mutex);
    pool_.fleet.ready(*worker);
  }
  if (pool_.events.observer() != nullptr) pool_.events.observer()->worker_up(worker->number(), worker->pid());
  breaker_.starts_count_anew();
  pool_.notify();
  if (supply_.supply(worker)) worker->channel().ring();
  supply_.stop_idle_workers();
}

void Answers::initializer_failed(WorkerProcess& worker) {
  Reader reader(worker.payload());
  const std::exception_ptr failure = decode_exception(reader);
  breaker_.break_pool(words([&] { return "the initializer failed: " + text_of(failure); }));
  const Lock lock(pool_.mutex);
  // It exits by itself, unless it lies: no grace for that, nor a longer one for another refusal.
  if (const Deadline soon = deadline_after(pool_.options.kill_gap); !worker.due || soon < worker.due) worker.due = soon;
}

WorkerProcess::Given Answers::take_given(WorkerProcess& worker, const MessageHeader& header) {
  if (worker.given() == 0 || worker.unsent() || header.sequence != worker.at(0).sequence) {
    throw WireError("an answer that nobody asked for");
  }
  // What is refused here stays with the worker, so that it is not lost with the message, and its death counts against it.
  const TaskRef& task = worker.at(0).task;
  if (header.kind != MessageKind::skipped) {
    if (!task) throw WireError("an answer to a task that was taken back");
    if (!worker.channel().board().begun(header.sequence)) throw WireError("an answer to a task that it has not begun");
  } else if (task) {
    // A canceller takes it back first and says so then.
    task->state().await_canceller();
    if (!task->state().cancelled()) throw WireError("a task was skipped that nobody has taken back");
  }
  WorkerProcess::Given given = worker.take_oldest();
  if (header.kind == MessageKind::skipped) {
    // That of the time limit of a task that was cancelled: the next one must not fall under it.
    if (given.task && !worker.terminated) worker.due.reset();
  } else {
    worker.due.reset();
    worker.patience = WorkerProcess::kFirstPatience;
    ++worker.tasks_answered;
  }
  return given;
}

void Answers::take_answer(const WorkerRef& worker, const MessageHeader& header) {
  WorkerProcess::Given given;
  bool more = false;
  bool permit = false;
  {
    const Lock lock(pool_.mutex);
    given = take_given(*worker, header);
    permit = given.task && pool_.backlog.give_permit_back(*given.task);
    if (given.task) pool_.events.answering_begins();
    more = worker->given() * 2 <= worker->depth;
  }
  std::exception_ptr tampered;
  try {
    if (more && supply_.supply(worker)) worker->channel().ring();
  } catch (...) {
    tampered = std::current_exception();  // only this worker's next tasks suffer
  }
  if (permit) supply_.permit_came_back();
  if (given.task) complete(*worker, given.task, header.kind);
  if (tampered) std::rethrow_exception(tampered);
  if (more) supply_.stop_idle_workers();
}

void Answers::complete(WorkerProcess& worker, TaskRef& task, MessageKind kind) noexcept {
  if (kind == MessageKind::skipped) {
    pool_.events.dropped(*task);
    return pool_.events.answering_ends();
  }
  if (!pool_.events.claim(*task, PoolObserver::kNoWorker)) return;
  pool_.events.answered(*task);
  breaker_.task_answered();
  Reader answer(worker.payload());
  pool_.events.passed(worker.attachments());
  if (worker.problem()) {
    pool_.events.finish(*task, worker.number(), worker.problem());
  } else if (kind == MessageKind::error) {
    std::exception_ptr error;
    try {
      error = decode_exception(answer);
    } catch (...) {
      error = std::current_exception();
    }
    pool_.events.finish(*task, worker.number(), std::move(error));
  } else if (task->decoded_in_place() || !decode_elsewhere(worker, task)) {
    std::exception_ptr error = task->take_answer(answer);
    worker.take_attachments();
    pool_.events.finish(*task, worker.number(), std::move(error));
  }
}

bool Answers::decode_elsewhere(WorkerProcess& worker, TaskRef& task) noexcept {
  DecodingThread::Answer answer{.task = nullptr, .payload = {}, .attachments = {}, .worker = worker.number()};
  try {
    answer.payload = worker.take_payload();
    answer.attachments = worker.take_attachments();
  } catch (const std::bad_alloc&) {
    return false;
  }
  answer.task = std::move(task);
  if (!decoding_.deliver(answer)) decode(std::move(answer));
  return true;
}

void Answers::decode(DecodingThread::Answer answer) noexcept {
  std::exception_ptr error = answer.task->take_answer(Reader(answer.payload.view(), answer.attachments));
  answer.attachments.clear();
  pool_.events.finish(*answer.task, answer.worker, std::move(error));
}

}  // namespace pools::detail
