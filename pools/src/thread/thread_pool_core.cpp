#include "pools/src/thread/thread_pool_core.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "pools/detail/forced_unwind.h"
#include "pools/detail/stack.h"
#include "pools/detail/thread_pool_ref.h"
#include "pools/src/base/affinity.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/own_thread.h"
#include "pools/src/base/thread_name.h"
#include "pools/src/base/worker_count.h"
#include "pools/src/thread/waits_for.h"

namespace pools::detail {
namespace {

constinit thread_local const ThreadPoolCore* this_pool = nullptr;  // whose worker this thread is; also in a fork

// REQUIRES: an exception is being handled, that of the initializer. The std::bad_alloc where there is no memory to say it.
std::exception_ptr broken_by_an_initializer() noexcept {
  try {
    try {
      throw;
    } catch (const std::exception& error) {
      const char* const what = error.what();
      throw BrokenPoolError(std::string("the pool is broken: its initializer threw: ") + (what == nullptr ? "" : what));
    } catch (...) {
      throw BrokenPoolError("the pool is broken: its initializer threw no std::exception");
    }
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace

ThreadPoolCore::ThreadPoolCore(ThreadPoolOptions options)
    : options_(std::move(options)),
      deadlines_(options_.name_prefix + "_dl"),
      events_(options_.observer, options_.timing, options_.queue.limit, deadlines_),
      dispatch_(first_size(options_.workers), events_, options_.groups),
      callers_{.latencies = events_.make_latencies()},
      wanted_(first_size(options_.workers)),
      callback_thread_(options_.callbacks == CallbackOn::callback_thread
                           ? std::make_unique<CallbackThread>(options_.name_prefix + "_cb", options_.initializer)
                           : nullptr) {
  slots_.reserve(static_cast<std::size_t>(wanted_));
}

ThreadPoolCore::~ThreadPoolCore() {
  for (const auto& slot : slots_) {  // left behind by a pool that did not wait; they have dropped the core, and so end
    join_unless_this(slot->before);
    join_unless_this(slot->thread);
  }
}

void ThreadPoolCore::end(std::shared_ptr<ThreadPoolCore> core) {
  ThreadPoolCore& self = *core;
  if (this_pool == &self) return self.close_and_wait({.wait = false});
  const bool on_callback_thread = self.callback_thread_ && self.callback_thread_->is_this_thread();
  if (on_callback_thread || self.deadlines_.is_this_thread()) keep_until_this_thread_ends(std::move(core));
  self.close_and_wait({});
  if (on_callback_thread) self.callback_thread_->stop();
}

void ThreadPoolCore::refuse_in_fork() const { process_.refuse("the pool '" + options_.name_prefix + "'"); }

int ThreadPoolCore::workers() const {
  if (!process_.is_this()) return 0;
  const Lock lock(mutex_);
  return wanted_;
}

void ThreadPoolCore::Sink::deliver(StateRef state) noexcept {
  // In a fork: a submitter's that runs its own job and has forked there.
  if (core_.callback_thread_ && core_.process_.is_this()) {
    core_.callback_thread_->deliver(std::move(state));
    return;
  }
  // While it runs callbacks the worker is as good as busy: a job that is queued meanwhile may need another one.
  if (this_worker != nullptr && this_worker->pool() == this && this_worker->busy_again()) {
    try {
      core_.start_needed(Dispatch::Need::queued);
    } catch (const std::exception&) {
      report_error("starting a worker", std::current_exception());
    }
  }
  state->run_delivered_callbacks();
}

void ThreadPoolCore::refuse() const {
  const Lock lock(mutex_);
  if (broken_) std::rethrow_exception(broken_);
  throw ShutdownError();
}

// --- submitting -------------------------------------------------------------------------------------------------------

void ThreadPoolRef::submit_job(ThreadPoolCore& core, Job& job, FutureState* state, const TaskOptions* options) {
  core.submit(job, state, options);
}

void ThreadPoolCore::enqueue_otherwise(Job& job, Dispatch::Pushed pushed) {
  while (pushed != Dispatch::Pushed::queued) {
    if (pushed == Dispatch::Pushed::refused) refuse();
    // Each time around a worker is started for this job or another one, unless it is the last time.
    pushed = dispatch_.push(&job, !start_needed(Dispatch::Need::another));
  }
}

void ThreadPoolCore::enqueue_with_extras(Job& job, FutureState* state, const TaskOptions* options) {
  job.extras = std::make_unique<JobExtras>();
  std::optional<DeadlineTimer::Entry> start_by;
  if (options != nullptr) {
    job.extras->priority = options->priority;
    if (!options->group.empty()) job.extras->group = &find_group(options->group);
    if (options->start_by) {
      job.extras->start_by = deadline_after(*options->start_by);
      start_by = deadlines_.make(*state, *job.extras->start_by);
    }
  }
  events_.submitting(job);
  if (events_.permits() != nullptr && !find_permit(job, state)) return;  // it has been run here
  try {
    enqueue(job);
  } catch (...) {
    if (events_.permits() != nullptr) events_.permits()->give_back();
    throw;
  }
  if (!start_by) return;
  deadlines_.add(std::move(*start_by));
  // Started, or cancelled, in the meantime: either this sees it, or whoever forgets it comes after the timer's lock and finds it.
  if (state->running() || state->done()) deadlines_.forget(*state);
}

bool ThreadPoolCore::called_by_worker() const noexcept {
  return this_pool == this || (this_runner != nullptr && this_runner->pool() == &sink_);
}

bool ThreadPoolCore::called_from_inside() const noexcept {
  return called_by_worker() || deadlines_.is_this_thread() || (callback_thread_ && callback_thread_->is_this_thread());
}

// False: the job has been run instead.
bool ThreadPoolCore::find_permit(Job& job, FutureState* state) {
  QueuePermits& permits = *events_.permits();
  if (called_from_inside()) {
    permits.take_anyway();
    return true;
  }
  for (;;) {
    if (dispatch_.closed()) refuse();
    if (permits.try_take()) return true;
    switch (options_.queue.when_full) {
      case WhenFull::reject:
        // Who has seen a task cancelled may count on its place, which the canceller is about to give back.
        FutureState::await_all_cancellers();
        if (permits.try_take()) return true;
        refuse_full_queue("the pool '" + options_.name_prefix + "'", options_.queue.limit);
      case WhenFull::block:
        if (permits.take([this] { return dispatch_.closed(); })) return true;
        break;
      case WhenFull::caller_runs:
        // A task of a group runs on a worker: if it waited for others of its group no submitter could help it.
        if (job.group() != nullptr) {
          if (permits.take([this] { return dispatch_.closed(); })) return true;
          break;
        }
        if (stack_runs_low()) {  // two pools that are full may submit to each other without end
          permits.take_anyway();
          return true;
        }
        if (run_in_caller(job, state)) return false;
        // Paused: nobody may run it now.
        if (permits.take([this] { return dispatch_.closed() || !dispatch_.paused(); })) return true;
        break;
    }
  }
}

// False: the pool is paused.
bool ThreadPoolCore::run_in_caller(Job& job, FutureState* state) {
  // If this thread runs a task already, that one waits for this, and nobody else is to run it: it is not in the queue.
  std::optional<WaitRecord> record;
  if (this_runner != nullptr && state != nullptr) record.emplace(*this_runner, *state, WaitRecord::Kind::runs);
  switch (dispatch_.admit(&job)) {
    case Dispatch::Admitted::refused:
      refuse();
    case Dispatch::Admitted::paused:
      return false;
    case Dispatch::Admitted::admitted:
      break;
  }
  events_.permits()->take_anyway();                                 // it gives one back when it starts
  const std::shared_ptr<ThreadPoolCore> keep = shared_from_this();  // the job may destroy the pool
  Runner runner(sink_, events_, callers_, dispatch_.admitted());
  const RunnerScope scope(runner);
  job.run(runner);
  return true;
}

// --- workers ----------------------------------------------------------------------------------------------------------

bool ThreadPoolCore::start_needed(Dispatch::Need need) {
  std::exception_ptr failure;
  {
    const Lock lock(mutex_);
    try {
      while (dispatch_.lacks_worker(need)) start_worker_locked();
      return true;
    } catch (const std::exception&) {
      if (slots_.size() == ended_) throw;
      failure = std::current_exception();
    }
  }
  report_error("starting a worker", failure);  // without the mutex: the hook may ask the pool for its metrics
  return false;
}

void ThreadPoolCore::start_worker_locked() {
  Slot* slot = nullptr;
  try {
    int number = static_cast<int>(slots_.size());
    // After a shutdown those who wait for the ends of the threads have an eye on each slot.
    if (ended_ > 0 && !dispatch_.closed()) {
      for (number = 0; !slots_[static_cast<std::size_t>(number)]->ended;) ++number;
      slot = slots_[static_cast<std::size_t>(number)].get();
      if (slot->thread.joinable()) slot->before = std::move(slot->thread);
    } else {
      slots_.push_back(std::make_unique<Slot>(dispatch_, sink_, events_, number));
      slot = slots_.back().get();
      slot->ended = true;
      ++ended_;
    }
    slot->worker.renew();
    slot->thread = std::thread([self = shared_from_this(), slot, number] { self->work(*slot, number); });
  } catch (...) {
    if (slot != nullptr && slot->before.joinable()) slot->thread = std::move(slot->before);
    throw;
  }
  slot->ended = false;
  --ended_;
  ++started_;
  dispatch_.worker_started();
}

bool ThreadPoolCore::initialize() noexcept {
  if (!options_.initializer) return true;
  std::exception_ptr broken;
  try {
    options_.initializer();
    end_if_forked();
    return true;
  } catch (ForcedUnwind&) {
    refuse_to_unwind("an initializer");
  } catch (...) {
    broken = broken_by_an_initializer();
  }
  end_if_forked();
  {
    const Lock lock(mutex_);
    if (!broken_) broken_ = broken;
  }
  Job* job = dispatch_.close_and_take_all();
  if (events_.permits() != nullptr) events_.permits()->wake_all();
  while (job != nullptr) std::exchange(job, job->next)->fail(broken, events_);
  return false;
}

void ThreadPoolCore::work(Slot& slot, int number) noexcept {
  if (slot.before.joinable()) slot.before.join();  // it has said that it has ended, and is about to
  pool_thread_of = this_process();
  this_pool = this;
  const WorkerScope scope(slot.worker);
  name_this_thread(options_.name_prefix, std::string(1, '_').append(std::to_string(number)));
  // Sleeping tasks wake 50 us late by default: the kernel gathers wake-ups to save power.
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  if (!options_.cpus.empty() && !pin_this_thread(cpu_of_worker(options_.cpus, number))) {
    report_error("pinning a worker to its CPU", std::make_exception_ptr(std::system_error(errno, std::generic_category())));
  }
  PoolObserver* const observer = events_.observer();
  const pid_t id = observer != nullptr ? ::gettid() : 0;
  if (observer != nullptr) observer->worker_up(number, id);
  const bool initialized = initialize();
  // Release: start_all() returns after the initializers' effects.
  ready_.fetch_add(1, std::memory_order_release);
  futex_wake_all(ready_);
  if (initialized) {
    slot.clock.belongs_to(::gettid());
    while (Job* const job = dispatch_.next(slot.worker)) {
      if (measures_.load(std::memory_order_relaxed)) [[unlikely]] {
        run_measured(*job, slot);
      } else {
        job->run(slot.worker);
      }
    }
    slot.clock.belongs_to(0);
  }
  if (observer != nullptr) observer->worker_down(number, id);
  const Lock lock(mutex_);
  slot.ended = true;
  ++ended_;
}

void ThreadPoolCore::join_all() {
  const Lock join_lock(join_mutex_);
  for (std::size_t index = 0;; ++index) {
    std::thread* thread = nullptr;
    {
      // Workers start workers, but each before its own end, and after the pool has closed always in new slots: once all
      // have been joined there are no new ones.
      const Lock lock(mutex_);
      if (index == slots_.size()) return;
      thread = &slots_[index]->thread;
    }
    if (thread->joinable()) thread->join();
  }
}

}  // namespace pools::detail
