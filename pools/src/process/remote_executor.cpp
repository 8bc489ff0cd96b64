#include "pools/remote_executor.h"

#include "pools/src/process/options_check.h"

namespace pools {

void RemoteExecutor::check(const RemoteTaskOptions& options) const {
  using detail::require;
  if (options.start_by) require(options.start_by->count() > 0, "start_by in ns", options.start_by->count(), "more than 0");
  if (options.time_limit)
    require(options.time_limit->count() > 0, "the time limit in ns", options.time_limit->count(), "more than 0");
  if (options.retries) require(*options.retries >= 0, "the number of retries", *options.retries, "0 and more");
  pool_.find_group(options.group);
}

void RemoteExecutor::apply(const RemoteTaskOptions& options, detail::RemoteTask& task) const {
  detail::RemoteTask::Extras& extras = task.extras();
  extras.options = options;
  extras.group = pool_.find_group(options.group);
  if (options.cancel_kills) {
    extras.pool = pool_.pool();
    task.state().allow_cancel_while_running();
  }
}

}  // namespace pools
