#include "pools/src/remote/options_on_the_way.h"

#include <chrono>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <utility>

#include "pools/src/remote/raw_task.h"

namespace pools::detail {

Bytes welcome_for(const RemotePoolOptions& options) {
  Welcome welcome;
  welcome.heartbeat_ns = options.heartbeat.count();
  welcome.silence_ns = options.silence.count();
  welcome.workers = options.workers.value_or(0);
  welcome.name_prefix = options.name_prefix;
  if (options.initializer) {
    refuse_attachments(options.initializer.attachments());
    welcome.initializer = options.initializer.function();
    const std::span<const std::byte> arguments = options.initializer.arguments();
    welcome.initializer_arguments.append(arguments.data(), arguments.size());
  }
  welcome.backoff_ns = options.retry.backoff.count();
  welcome.max_backoff_ns = options.retry.max_backoff.count();
  welcome.quarantine_after = options.quarantine_after;
  welcome.crash_limit = options.crash_limit;
  welcome.max_tasks_per_child = options.max_tasks_per_child;
  welcome.memory_limit = options.memory_limit;
  welcome.recycle_above = options.recycle_above;
  welcome.output = static_cast<std::int32_t>(options.output);
  welcome.max_payload = options.max_payload;
  Bytes frame = welcome_frame(0, welcome);
  if (frame.size() > kLargestFrame)
    throw std::invalid_argument("the arguments of a remote pool's initializer are too many: 256 KiB at most");
  return frame;
}

ProcessPoolOptions process_options_of(Welcome& welcome, int workers) {
  ProcessPoolOptions options;
  options.workers = welcome.workers > 0 ? welcome.workers : workers;
  options.name_prefix = welcome.name_prefix;
  if (welcome.initializer != FunctionKey{}) {
    options.initializer = RemoteCall(welcome.initializer, std::move(welcome.initializer_arguments));
  }
  options.retry.backoff = std::chrono::nanoseconds(welcome.backoff_ns);
  options.retry.max_backoff = std::chrono::nanoseconds(welcome.max_backoff_ns);
  options.quarantine_after = welcome.quarantine_after;
  options.crash_limit = welcome.crash_limit;
  options.max_tasks_per_child = welcome.max_tasks_per_child;
  options.memory_limit = welcome.memory_limit;
  options.recycle_above = welcome.recycle_above;
  options.output = static_cast<WorkerOutput>(welcome.output);
  options.max_payload = welcome.max_payload;
  return options;
}

}  // namespace pools::detail
