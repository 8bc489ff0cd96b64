#include "pools/process/process_pool_core.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "pools/errors.h"
#include "pools/futex.h"

namespace pools::detail {
namespace {

// Messages up to this size are sent by the submitting thread, with the mutex held: that takes less time than waking the
// supervisor. Any such message fits into the empty ring of an idle worker.
constexpr std::size_t kSentBySubmitter = 8192;
static_assert(kSentBySubmitter <= ChannelMemory::kRingCapacity);

}  // namespace

ProcessPoolCore::ProcessPoolCore(int workers, std::string name_prefix, RemoteCall initializer)
    : workers_limit_(workers),
      name_prefix_(std::move(name_prefix)),
      initializer_(std::move(initializer)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      numbers_(static_cast<std::size_t>(workers), false) {
  if (!epoll_ || !wake_) throw std::system_error(errno, std::generic_category(), "cannot make the descriptors of a process pool");
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot watch the descriptors of a process pool");
  }
}

ProcessPoolCore::~ProcessPoolCore() = default;

void ProcessPoolCore::open() {
  callbacks_ = std::make_unique<CallbackThread>(name_prefix_ + "_callbacks");
  supervisor_ = std::thread([this] { supervise(); });
  supervisor_id_ = supervisor_.get_id();
}

void ProcessPoolCore::close() {
  shutdown({.wait = true, .cancel_futures = false});
  supervisor_.join();
  epoll_.reset();
  wake_.reset();
  std::unique_ptr<CallbackThread> callbacks;   // destroyed, and with it joined, with no lock held
  {
    const std::lock_guard lock(callbacks_mutex_);
    callbacks.swap(callbacks_);
  }
}

void ProcessPoolCore::submit(TaskRef& task) {
  WorkerRef worker;
  int number = -1;
  {
    const std::lock_guard lock(mutex_);
    if (closing_) refuse_submission();
    if (idle_.empty()) {
      queue_.push(std::move(task));
      number = reserve_worker();
    } else {
      if (!task->state().try_start()) {
        task.reset();
        return;
      }
      worker = std::move(idle_.back());
      idle_.pop_back();
      worker->phase = WorkerProcess::Phase::busy;
      worker->task = std::move(task);
      worker->load(std::move(worker->task->message()));
      try {
        if (worker->unsent_bytes() <= kSentBySubmitter) {
          worker->send_some();
        } else {
          worker->hand_over();
          poke();
        }
      } catch (const WireError& error) {
        worker->condemn(error.what());
      }
    }
  }
  // With the mutex released: waking takes microseconds.
  if (worker) worker->channel().ring();
  if (number >= 0) start_worker(number);
}

void ProcessPoolCore::refuse_submission() {
  if (broken_) throw BrokenPoolError("the process pool is broken: " + *broken_);
  throw ShutdownError();
}

int ProcessPoolCore::reserve_worker() {
  const auto unused = std::find(numbers_.begin(), numbers_.end(), false);
  if (unused == numbers_.end()) return -1;
  *unused = true;
  ++starting_;
  return static_cast<int>(unused - numbers_.begin());
}

bool ProcessPoolCore::assign_next(const WorkerRef& worker) {
  while (!queue_.empty()) {
    TaskRef next = queue_.pop();
    if (!next->state().try_start()) continue;   // cancelled
    worker->phase = WorkerProcess::Phase::busy;
    worker->task = std::move(next);
    worker->load(std::move(worker->task->message()));
    return true;
  }
  worker->phase = WorkerProcess::Phase::idle;
  idle_.push_back(worker);
  return false;
}

// Starting takes about a millisecond and happens on the thread that starts processes; the supervisor hears of it by arrivals_.
void ProcessPoolCore::start_worker(int number) noexcept {
  const auto arrive = [](ProcessPoolCore& core, Arrival arrival) {
    const std::lock_guard lock(core.mutex_);
    core.arrivals_.push_back(std::move(arrival));
    core.poke();   // with the mutex held: without it the pool could be gone
  };
  try {
    post_to_spawner([self = shared_from_this(), number, arrive] {
      Arrival arrival{.number = number, .worker = nullptr, .failure = {}};
      try {
        arrival.worker = std::make_shared<WorkerProcess>(number, self->name_prefix_ + "_" + std::to_string(number), self->initializer_);
      } catch (const std::exception& error) {
        arrival.failure = error.what();
      }
      arrive(*self, std::move(arrival));
    });
  } catch (const std::exception& error) {
    arrive(*this, {.number = number, .worker = nullptr, .failure = error.what()});
  }
}

void ProcessPoolCore::shutdown(ShutdownOptions options) {
  if (options.wait && std::this_thread::get_id() == supervisor_id_) {
    throw Error("shutdown would wait for the thread that calls it");
  }
  std::optional<TaskQueue> cancelled;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    if (options.cancel_futures) cancelled.emplace(std::move(queue_));
    if (!finished_) poke();
  }
  if (cancelled) {
    while (!cancelled->empty()) cancelled->pop()->state().cancel();
  }
  if (!options.wait) return;
  for (;;) {
    // Acquire: before the look; a change after it changes the word, and the wait returns at once.
    const std::uint32_t before = changes_.load(std::memory_order_acquire);
    if (is_finished()) break;
    futex_wait(changes_, before);
  }
  // Outside the mutex: callbacks may submit and shut down. On the callback thread itself it does not wait.
  CallbackThread* callbacks = nullptr;
  {
    const std::lock_guard lock(callbacks_mutex_);
    callbacks = callbacks_.get();
  }
  if (callbacks != nullptr) callbacks->drain();
}

bool ProcessPoolCore::is_finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

void ProcessPoolCore::start_all() {
  std::vector<int> numbers;
  {
    const std::lock_guard lock(mutex_);
    if (closing_) refuse_submission();
    for (int number = reserve_worker(); number >= 0; number = reserve_worker()) numbers.push_back(number);
  }
  for (const int number : numbers) start_worker(number);
  {
    const std::lock_guard lock(callbacks_mutex_);
    if (callbacks_) callbacks_->start();
  }
  for (;;) {
    const std::uint32_t before = changes_.load(std::memory_order_acquire);   // Acquire: as in shutdown
    {
      const std::lock_guard lock(mutex_);
      if (ready_ == workers_limit_) return;
      if (closing_) refuse_submission();
    }
    futex_wait(changes_, before);
  }
}

std::vector<pid_t> ProcessPoolCore::worker_pids() const {
  const std::lock_guard lock(mutex_);
  std::vector<pid_t> pids;
  pids.reserve(live_.size());
  for (const WorkerRef& worker : live_) pids.push_back(worker->pid());
  return pids;
}

void ProcessPoolCore::deliver(StateRef state) noexcept {
  {
    const std::lock_guard lock(callbacks_mutex_);
    if (callbacks_) return callbacks_->deliver(std::move(state));
  }
  // After the pool's end only a then_in future is completed, with an error; there is no thread left for its callbacks.
  state->run_delivered_callbacks();
}

void ProcessPoolCore::poke() noexcept {
  // Release: what the poker prepared; pairs with the exchange in look_around().
  poked_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void ProcessPoolCore::notify() noexcept {
  changes_.fetch_add(1, std::memory_order_release);   // Release: pairs with the loads before a wait
  futex_wake_all(changes_);
}

}  // namespace pools::detail
