#pragma once

// What workers say, and what comes of it: that they are ready, or refuse to be; results and exceptions; what they have skipped.
//
// A worker goes on before its answer is decoded. What does not fit the pool's own account of what the worker has been given (worker_process.h) is a
// violation, and costs that worker.

#include <chrono>

#include "pools/src/base/thread_safety.h"
#include "pools/src/process/circuit_breaker.h"
#include "pools/src/process/decoding_thread.h"
#include "pools/src/process/process_pool_state.h"
#include "pools/src/process/supply.h"

namespace pools::detail {

// On the supervisor, but for decoding().
class Answers {
 public:
  Answers(ProcessPoolState& pool, Supply& supply, CircuitBreaker& breaker);
  Answers(const Answers&) = delete;
  Answers& operator=(const Answers&) = delete;

  // Sends the worker what is left to be sent, and takes what it has said. True if there was something.
  bool serve(const WorkerRef& worker) noexcept EXCLUDES(pool_.mutex);

  DecodingThread& decoding() noexcept { return decoding_; }

 private:
  using Clock = std::chrono::steady_clock;

  void handle(const WorkerRef& worker, const MessageHeader& header) EXCLUDES(pool_.mutex);
  void worker_ready(const WorkerRef& worker) EXCLUDES(pool_.mutex);
  void initializer_failed(WorkerProcess& worker) EXCLUDES(pool_.mutex);
  void take_answer(const WorkerRef& worker, const MessageHeader& header) EXCLUDES(pool_.mutex);
  // Of the oldest task that it has been given. Throws WireError: it stays with the worker.
  WorkerProcess::Given take_given(WorkerProcess& worker, const MessageHeader& header) REQUIRES(pool_.mutex);
  void complete(WorkerProcess& worker, TaskRef& task, MessageKind kind) noexcept;
  bool decode_elsewhere(WorkerProcess& worker, TaskRef& task) noexcept;  // false: it is the caller's still
  void decode(DecodingThread::Answer answer) noexcept;  // on the thread for that, or where there is none on the supervisor
  void adjust_depth(WorkerProcess& worker, Clock::duration per_task) const noexcept;  // to how long its last tasks took

  ProcessPoolState& pool_;
  Supply& supply_;
  CircuitBreaker& breaker_;
  DecodingThread decoding_;
};

}  // namespace pools::detail
