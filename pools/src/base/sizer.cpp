#include "pools/src/base/sizer.h"

#include <algorithm>
#include <exception>

#include "pools/cores.h"
#include "pools/detail/forks.h"
#include "pools/errors.h"
#include "pools/src/base/own_thread.h"
#include "pools/src/base/thread_name.h"

namespace pools::detail {
namespace {

using Clock = std::chrono::steady_clock;

// So many workers more make the time between two looks longer by itself: a look at each costs some us.
constexpr int kWorkersPerLook = 64;
constexpr std::chrono::seconds kBetweenCores{1};

}  // namespace

Sizer::~Sizer() { stop(); }

void Sizer::start(const SelfSizing& bounds, int size) {
  const Lock lock(mutex_);
  stop_locked();
  sizing_ = std::make_shared<Sizing>(bounds, size);
  sizing_->pool = pool_;
  sizing_->signals = signals_;
  sizing_->name = name_;
  sizing_->period = period;
  sizing_->cores = cores ? cores : std::function<int()>([] { return pools::usable_cores().count; });
  thread_ = start_own_thread([sizing = sizing_] { run(*sizing); });
}

void Sizer::stop() noexcept {
  const Lock lock(mutex_);
  stop_locked();
}

void Sizer::stop_locked() noexcept {
  if (!sizing_) return;
  // Relaxed: the change after it is a release, and who sleeps on the changes acquires it.
  sizing_->stopped.store(true, std::memory_order_relaxed);
  signals_->calls.changed();
  join_unless_this(thread_);
  sizing_.reset();
}

void Sizer::wake() noexcept {
  if (signals_->asleep.exchange(false, std::memory_order_seq_cst)) signals_->calls.changed();
}

std::optional<SizingMetrics> Sizer::metrics() const {
  const Lock lock(mutex_);
  if (!sizing_) return std::nullopt;
  SizingMetrics metrics;
  metrics.workers = sizing_->at.load(std::memory_order_relaxed);
  metrics.changes = sizing_->changes.load(std::memory_order_relaxed);
  metrics.waited = std::chrono::nanoseconds(sizing_->waited.load(std::memory_order_relaxed));
  metrics.computed = std::chrono::nanoseconds(sizing_->computed.load(std::memory_order_relaxed));
  return metrics;
}

void Sizer::run(Sizing& sizing) noexcept {
  pool_thread_of = this_process();
  name_this_thread(sizing.name, "");
  while (!sizing.stopped.load(std::memory_order_relaxed)) {
    try {
      look(sizing);
    } catch (const ShutdownError&) {
      return;
    } catch (const BrokenPoolError&) {
      return;
    } catch (const std::exception&) {  // no memory, no thread: the next time, perhaps
    }
    if (!sizing.pool->has_task()) sleep_without_tasks(sizing);
    sleep(sizing);  // also after a task has begun: tasks that come one by one do not make it look at each
  }
}

void Sizer::look(Sizing& sizing) {
  const Clock::time_point now = Clock::now();
  if (now >= sizing.cores_due) {
    sizing.cores_now = std::max(1, sizing.cores());
    sizing.cores_due = now + kBetweenCores;
  }
  sizing.meter.begin(now);
  sizing.pool->measure(sizing.meter);
  const WorkSample sample = sizing.meter.end(sizing.pool->tasks());
  sizing.waited.store(sizing.meter.waited().count(), std::memory_order_relaxed);
  sizing.computed.store(sizing.meter.computed().count(), std::memory_order_relaxed);
  if (sample.length <= std::chrono::nanoseconds(0)) return;
  const int before = sizing.size.size();
  const int wanted = sizing.size.next(sample, sizing.cores_now);
  if (wanted == before) return;
  const auto changed_to = [&sizing](int size) {
    sizing.size.is_now(size);
    sizing.changes.fetch_add(1, std::memory_order_relaxed);
    sizing.at.store(size, std::memory_order_relaxed);
  };
  try {
    sizing.pool->set_size(wanted);
  } catch (const ShutdownError&) {
    throw;
  } catch (const BrokenPoolError&) {
    throw;
  } catch (...) {
    const int size = sizing.pool->size();  // as many as could be started
    if (size == before) {
      sizing.size.is_now(before);
    } else {
      changed_to(size);
    }
    throw;
  }
  changed_to(wanted);
}

void Sizer::sleep(const Sizing& sizing) noexcept {
  const int looks = 1 + sizing.size.size() / kWorkersPerLook;
  const Deadline next = deadline_after(sizing.period * looks);
  for (;;) {
    const std::uint32_t seen = sizing.signals->calls.seen();
    if (sizing.stopped.load(std::memory_order_relaxed) || !sizing.signals->calls.wait(seen, next)) return;
  }
}

void Sizer::sleep_without_tasks(const Sizing& sizing) noexcept {
  Signals& signals = *sizing.signals;
  const std::uint32_t seen = signals.calls.seen();
  signals.asleep.store(true, std::memory_order_seq_cst);
  if (!sizing.stopped.load(std::memory_order_relaxed) && !sizing.pool->has_task()) {
    const bool at_rest = sizing.size.at_rest();
    signals.calls.wait(seen, at_rest ? Deadline{} : deadline_after(SelfSize::kKept));
  }
  signals.asleep.store(false, std::memory_order_relaxed);  // Relaxed: nothing is missed while it does not sleep
}

}  // namespace pools::detail
