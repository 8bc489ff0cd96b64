// Other libraries' thread pools (contenders/), each a backend.

#include "harness/engine/backends/contenders.h"

#include <algorithm>
#include <functional>
#include <latch>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "contenders/posting_pool.h"
#include "harness/engine/backends/pool_backend.h"
#include "pools/future.h"
#include "pools/thread_pool.h"

namespace harness {
namespace {

using contenders::ExecutedBy;
using contenders::Registered;

const Registered& contender_named(std::string_view name) {
  const auto all = contenders::registered();
  return *std::find_if(all.begin(), all.end(), [name](const Registered& each) { return each.name == name; });
}

// The pools of others take functions; futures, callbacks and the callback thread are this project's, the same for all.
class PostingExecutor {
 public:
  static constexpr std::string_view kName = "a library's pool";
  static constexpr std::string_view kSummary = "see its registration";
  static constexpr WorkersAre kWorkers = WorkersAre::threads;
  static constexpr bool kHasMap = false;

  explicit PostingExecutor(const ExecutorOptions& options) : PostingExecutor(contender_named(options.backend), options) {}
  ~PostingExecutor() { shutdown(); }
  PostingExecutor(const PostingExecutor&) = delete;
  PostingExecutor& operator=(const PostingExecutor&) = delete;

  // Everything that submits goes on in here.
  void within(const std::function<void()>& body) { pool_->submitting(body); }

  template <auto Fn, class... Args>
  auto submit(Args&&... args) {
    return post(std::make_shared<Call<Fn, std::decay_t<Args>...>>(std::forward<Args>(args)...));
  }
  template <auto Fn, class Callback, class... Args>
  void submit_with_callback(Callback callback, Args&&... args) {
    auto call = std::make_shared<Call<Fn, std::decay_t<Args>...>>(std::forward<Args>(args)...);
    if (callback_thread_ == nullptr) {
      call->promise.future().add_done_callback(std::move(callback));
    } else {
      call->promise.future().add_done_callback([thread = callback_thread_.get(), callback](auto done) {
        thread->post([callback, done]() mutable { callback(std::move(done)); });
      });
    }
    static_cast<void>(post(std::move(call)));
  }

  std::vector<pid_t> worker_processes() const { return {}; }
  void shutdown() {
    pool_.reset();
    if (callback_thread_) callback_thread_->shutdown();
  }
  static int tasks_at_once(const Factors& factors) { return factors.workers; }

 private:
  template <auto Fn, class... Args>
  struct Call {
    template <class... From>
    explicit Call(From&&... from) : arguments(std::forward<From>(from)...) {}

    void run() noexcept {
      if (!promise.set_running()) return;
      try {
        promise.set_value(std::apply(Fn, std::move(arguments)));
      } catch (...) {
        promise.set_exception(std::current_exception());
      }
    }

    pools::Promise<std::invoke_result_t<decltype(Fn), Args...>> promise;
    std::tuple<Args...> arguments;
  };

  PostingExecutor(const Registered& contender, const ExecutorOptions& options) : pool_(contender.make(options.workers)) {
    if (options.callbacks == CallbacksOn::callback_thread) {
      callback_thread_ = std::make_unique<pools::ThreadPool>(1);
      callback_thread_->start_all();
    }
    if (contender.executed_by != ExecutedBy::workers) return;
    // Returns when every worker is there: none leaves the latch before all have come.
    const auto ready = std::make_shared<std::latch>(options.workers + 1);
    for (int worker = 0; worker < options.workers; ++worker) pool_->post([ready] { ready->arrive_and_wait(); });
    ready->arrive_and_wait();
  }

  template <class CallOf>
  auto post(std::shared_ptr<CallOf> call) {
    auto future = call->promise.future();
    pool_->post([call = std::move(call)] { call->run(); });
    return future;
  }

  std::unique_ptr<contenders::PostingPool> pool_;
  std::unique_ptr<pools::ThreadPool> callback_thread_;  // null when callbacks run on the task's thread
};

class ContenderBackend final : public PoolBackend<PostingExecutor> {
 public:
  explicit ContenderBackend(const Registered& contender) : contender_(contender) {}

  std::string_view name() const override { return contender_.name; }
  std::string_view summary() const override { return contender_.summary; }
  int workers(int asked, int tasks) const override { return starts_a_thread_per_task() ? tasks : asked; }
  int tasks_at_once(const Factors& factors) const override {
    if (starts_a_thread_per_task()) return factors.tasks;
    return std::min(factors.workers + (contender_.executed_by == ExecutedBy::helping ? 1 : 0), factors.tasks);
  }

 private:
  bool starts_a_thread_per_task() const { return contender_.executed_by == ExecutedBy::thread_per_task; }
  const Registered& contender_;
};

// One that this build goes without: it is known, and skipped.
class MissingBackend final : public Backend {
 public:
  explicit MissingBackend(const Registered& contender) : contender_(contender) {}

  std::string_view name() const override { return contender_.name; }
  std::string_view summary() const override { return contender_.summary; }
  std::string_view missing() const override { return contender_.missing; }
  std::string skip_reason(std::string_view /*strategy*/) const override {
    return "this build goes without '" + std::string(contender_.name) + "': " + std::string(contender_.missing);
  }
  void require() const override { throw ConfigError(skip_reason("")); }
  int tasks_at_once(const Factors& factors) const override { return factors.workers; }
  Trace run(const PreparedCell& /*prepared*/) const override { throw ConfigError(skip_reason("")); }

 private:
  const Registered& contender_;
};

}  // namespace

std::vector<const Backend*> contender_backends() {
  static const std::vector<std::unique_ptr<Backend>> kAll = [] {
    std::vector<std::unique_ptr<Backend>> all;
    for (const Registered& contender : contenders::registered()) {
      if (contender.make != nullptr) {
        all.push_back(std::make_unique<ContenderBackend>(contender));
      } else {
        all.push_back(std::make_unique<MissingBackend>(contender));
      }
    }
    return all;
  }();
  std::vector<const Backend*> backends;
  for (const auto& backend : kAll) backends.push_back(backend.get());
  return backends;
}

}  // namespace harness
