#include "pools/remote_pool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "pools/src/process/entry.h"
#include "pools/src/process/options_check.h"
#include "pools/src/remote/agent.h"
#include "pools/src/remote/protocol.h"
#include "pools/src/remote/remote_pool_core.h"

namespace pools {
namespace {

// Here, so that every program that has a RemotePool can be an agent.
const detail::Entry agent_entry(detail::kAgentArgument, &detail::run_agent);

RemotePoolOptions checked_remote(RemotePoolOptions options) {
  detail::require_initialised("a RemotePool starts this program again on other hosts");
  using detail::require;
  if (options.queue.when_full == WhenFull::caller_runs) {
    throw std::invalid_argument(
        "a remote pool cannot let the caller run tasks: WhenFull::block and WhenFull::reject are allowed");
  }
  if (options.workers.bounds()) {
    throw std::invalid_argument(
        "a remote pool cannot size itself: the number of workers per host is what its tasks are permitted by; a number is allowed, or none");
  }
  if (options.workers) require(*options.workers >= 1, "the number of workers per host", *options.workers, "1 and more");
  require(options.heartbeat.count() > 0, "the time between heartbeats in ns", options.heartbeat.count(), "more than 0");
  require(options.missed_heartbeats >= 1, "the number of missed heartbeats", options.missed_heartbeats, "1 and more");
  require(options.silence > options.heartbeat, "the silence after which agents end in ns", options.silence.count(),
          "more than that between heartbeats");
  require(options.fence_after >= 1, "the number of losses before a fence", options.fence_after, "1 and more");
  require(options.patience.count() >= 0, "the patience without hosts in ns", options.patience.count(), "0 (for ever) and more");
  require(options.farewell.count() >= 0, "the time for the agents' end in ns", options.farewell.count(), "0 and more");
  detail::require_sane_retries_and_deaths(options);
  return options;
}

}  // namespace

std::uint64_t agent_incarnation() noexcept {
  static const std::uint64_t own = [] {
    const char* const text = std::getenv(detail::kIncarnationVariable);
    return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
  }();
  return own;
}

RemotePool::RemotePool(RemotePoolOptions options)
    : RemotePool(Made::yes, std::make_shared<detail::RemotePoolCore>(checked_remote(std::move(options)))) {}

RemotePool::RemotePool(Made, std::shared_ptr<detail::RemotePoolCore> core)
    : RemoteExecutor(detail::TaskPoolRef(core, core->options().max_payload)), core_(std::move(core)) {
  core_->open();
}

RemotePool::~RemotePool() {
  if (!core_->process().is_this()) detail::keep_for_ever(core_);
  core_->close();
}

std::string RemotePool::address() const { return core_->address(); }
std::string RemotePool::agent_key() { return core_->new_agent_key(); }

void RemotePool::write_agent_key(const std::string& path) {
  const std::string line = agent_key() + "\n";
  const auto failed = [&] {
    throw std::system_error(errno, std::generic_category(), "cannot write the agents' key to '" + path + "'");
  };
  ::unlink(path.c_str());  // whoever may read the old file may go on reading that
  const detail::FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file || ::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) failed();
}

void RemotePool::await_hosts(int hosts, std::optional<std::chrono::nanoseconds> timeout) {
  core_->await_hosts(hosts, timeout ? detail::deadline_after(*timeout) : detail::Deadline{});
}

void RemotePool::start_all() {
  const Launcher& launcher = core_->options().launcher;
  const int launched = launcher.agents > 0 ? launcher.agents : static_cast<int>(launcher.hosts.size());
  core_->start_all(std::max(1, launched));
}

void RemotePool::shutdown(ShutdownOptions options) { core_->shutdown(options); }
PoolMetrics RemotePool::metrics() const { return core_->metrics(); }
std::vector<HostInfo> RemotePool::hosts() const { return core_->hosts(); }
RemoteIncidents RemotePool::incidents() const { return core_->incidents(); }

}  // namespace pools
