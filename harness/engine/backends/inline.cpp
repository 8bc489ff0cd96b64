#include <utility>

#include "harness/engine/backends/pool_backend.h"

namespace harness {
namespace {

// What submit leaves when the task has already run.
template <class T>
class Ready {
 public:
  explicit Ready(T value) : value_(std::move(value)) {}
  const T& result() const { return value_; }

 private:
  T value_;
};

// The serial baseline: submit runs the task on the calling thread.
class InlineExecutor {
 public:
  static constexpr WorkersAre kWorkers = WorkersAre::the_caller;
  static constexpr bool kHasMap = false;

  explicit InlineExecutor(const ExecutorOptions&) {}

  template <auto Fn, class... Args>
  auto submit(Args&&... args) {
    return Ready(Fn(std::forward<Args>(args)...));
  }

  std::vector<pid_t> worker_processes() const { return {}; }
  void shutdown() {}
  static int tasks_at_once(const Factors&) { return 1; }
};

}  // namespace

const Backend& inline_backend() {
  static const PoolBackend<InlineExecutor> kBackend("inline",
                                                    "no pool: submit runs the task in the caller (the serial baseline)");
  return kBackend;
}

}  // namespace harness
