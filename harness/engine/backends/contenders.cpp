// Other libraries' thread pools (contenders/), each a backend.

#include "harness/engine/backends/contenders.h"

#include <algorithm>
#include <functional>
#include <latch>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "contenders/posting_pool.h"
#include "harness/engine/backends/missing_backend.h"
#include "harness/engine/backends/pool_backend.h"
#include "harness/engine/backends/promised_call.h"

namespace harness {
namespace {

using contenders::ExecutedBy;
using contenders::Registered;

const Registered& contender_named(std::string_view name) {
  const auto all = contenders::registered();
  return *std::find_if(all.begin(), all.end(), [name](const Registered& each) { return each.name == name; });
}

// The pools of others take functions.
class PostingExecutor {
 public:
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
    const auto call = std::make_shared<PromisedCall<Fn, std::decay_t<Args>...>>(std::forward<Args>(args)...);
    auto future = call->future();
    post(call);
    return future;
  }
  template <auto Fn, class Callback, class... Args>
  void submit_with_callback(Callback callback, Args&&... args) {
    const auto call = std::make_shared<PromisedCall<Fn, std::decay_t<Args>...>>(std::forward<Args>(args)...);
    callbacks_.attach(call->future(), std::move(callback));
    post(call);
  }

  std::vector<pid_t> worker_processes() const { return {}; }
  void shutdown() {
    pool_.reset();
    callbacks_.shutdown();
  }
  static int tasks_at_once(const Factors& factors) { return factors.workers; }

 private:
  PostingExecutor(const Registered& contender, const ExecutorOptions& options)
      : pool_(contender.make(options.workers)), callbacks_(options.callbacks) {
    if (contender.executed_by != ExecutedBy::workers) return;
    // Returns when every worker is there: none leaves the latch before all have come.
    const auto ready = std::make_shared<std::latch>(options.workers + 1);
    for (int worker = 0; worker < options.workers; ++worker) pool_->post([ready] { ready->arrive_and_wait(); });
    ready->arrive_and_wait();
  }

  template <class Call>
  void post(const std::shared_ptr<Call>& call) {
    pool_->post([call] { call->run(); });
  }

  std::unique_ptr<contenders::PostingPool> pool_;
  Callbacks callbacks_;
};

class ContenderBackend final : public PoolBackend<PostingExecutor> {
 public:
  explicit ContenderBackend(const Registered& contender)
      : PoolBackend(contender.name, contender.summary), contender_(contender) {}

  int workers(int asked, int tasks) const override { return starts_a_thread_per_task() ? tasks : asked; }
  int tasks_at_once(const Factors& factors) const override {
    if (starts_a_thread_per_task()) return factors.tasks;
    return std::min(factors.workers + (contender_.executed_by == ExecutedBy::helping ? 1 : 0), factors.tasks);
  }

 private:
  bool starts_a_thread_per_task() const { return contender_.executed_by == ExecutedBy::thread_per_task; }
  const Registered& contender_;
};

}  // namespace

std::vector<const Backend*> contender_backends() {
  return backends_of(contenders::registered(), [](const Registered& contender) -> std::unique_ptr<Backend> {
    return std::make_unique<ContenderBackend>(contender);
  });
}

}  // namespace harness
