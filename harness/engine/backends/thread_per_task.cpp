#include <pthread.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "harness/engine/backends/pool_backend.h"
#include "harness/engine/backends/promised_call.h"

namespace harness {
namespace {

// "A client comes, a thread is started": submit starts a thread for its task, however many there are already. Submits
// come from one thread.
class ThreadPerTaskExecutor {
 public:
  static constexpr WorkersAre kWorkers = WorkersAre::threads;
  static constexpr bool kHasMap = false;

  explicit ThreadPerTaskExecutor(const ExecutorOptions& options) : tasks_(options.tasks), callbacks_(options.callbacks) {
    threads_.reserve(static_cast<std::size_t>(options.tasks));
    ::pthread_attr_init(&attributes_);
    ::pthread_attr_setstacksize(&attributes_, kStackBytes);
  }
  ~ThreadPerTaskExecutor() {
    shutdown();
    ::pthread_attr_destroy(&attributes_);
  }
  ThreadPerTaskExecutor(const ThreadPerTaskExecutor&) = delete;
  ThreadPerTaskExecutor& operator=(const ThreadPerTaskExecutor&) = delete;

  template <auto Fn, class... Args>
  auto submit(Args&&... args) {
    auto call = std::make_unique<PromisedCall<Fn, std::decay_t<Args>...>>(std::forward<Args>(args)...);
    auto future = call->future();
    start(std::move(call));
    return future;
  }
  template <auto Fn, class Callback, class... Args>
  void submit_with_callback(Callback callback, Args&&... args) {
    auto call = std::make_unique<PromisedCall<Fn, std::decay_t<Args>...>>(std::forward<Args>(args)...);
    callbacks_.attach(call->future(), std::move(callback));
    start(std::move(call));
  }

  std::vector<pid_t> worker_processes() const { return {}; }
  void shutdown() {
    for (const pthread_t thread : threads_) ::pthread_join(thread, nullptr);
    threads_.clear();
    callbacks_.shutdown();
  }
  static int tasks_at_once(const Factors& factors) { return factors.tasks; }
  static int workers_for(int tasks) { return tasks; }

 private:
  // Enough for every workload; ten thousand of them are 2.5 GiB of addresses, of which only the touched pages are
  // memory.
  static constexpr std::size_t kStackBytes = std::size_t{256} << 10;

  template <class Call>
  void start(std::unique_ptr<Call> call) {
    pthread_t thread;
    const auto run = [](void* started) -> void* {
      std::unique_ptr<Call>(static_cast<Call*>(started))->run();
      return nullptr;
    };
    if (const int error = ::pthread_create(&thread, &attributes_, run, call.get()); error != 0) {
      throw std::runtime_error("cannot start thread " + std::to_string(threads_.size() + 1) + " of " + std::to_string(tasks_) +
                               ": " + std::strerror(error));
    }
    [[maybe_unused]] Call* const started = call.release();  // the thread's from now on
    threads_.push_back(thread);
  }

  const int tasks_;
  pthread_attr_t attributes_;
  std::vector<pthread_t> threads_;
  Callbacks callbacks_;
};

}  // namespace

const Backend& thread_per_task_backend() {
  static const PoolBackend<ThreadPerTaskExecutor> kBackend("thread_per_task", "no pool: each submit starts a thread of its own");
  return kBackend;
}

}  // namespace harness
