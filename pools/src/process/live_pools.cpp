#include "pools/src/process/live_pools.h"

#include <algorithm>
#include <new>
#include <vector>

#include "pools/detail/forks.h"
#include "pools/src/base/mutex.h"
#include "pools/src/process/process_pool_core.h"

namespace pools::detail {
namespace {

struct LivePool {
  const CallbackSink* sink;
  std::weak_ptr<ProcessPoolCore> pool;
};

constinit AdaptiveMutex live_pools_mutex;
std::vector<LivePool>& live_pools() {
  static auto* const pools = new std::vector<LivePool>;  // for as long as there are threads that wait
  return *pools;
}

[[maybe_unused]] const std::vector<LivePool>& made_early = live_pools();  // before there are threads, and forks beside them
// A thread that a fork does not have may have held it, and be amidst a change.
const AtFork forget_live_pools([] {
  ::new (&live_pools_mutex) AdaptiveMutex;
  ::new (&live_pools()) std::vector<LivePool>;
});

}  // namespace

void LivePools::add(const std::shared_ptr<ProcessPoolCore>& pool) {
  const Lock lock(live_pools_mutex);
  live_pools().push_back({pool.get(), pool});
}

void LivePools::remove(const ProcessPoolCore& pool) noexcept {
  const Lock lock(live_pools_mutex);
  std::erase_if(live_pools(), [&pool](const LivePool& live) { return live.sink == &pool; });
}

std::shared_ptr<ProcessPoolCore> LivePools::find(const CallbackSink* sink) noexcept {
  const Lock lock(live_pools_mutex);
  const auto at =
      std::find_if(live_pools().begin(), live_pools().end(), [sink](const LivePool& live) { return live.sink == sink; });
  return at == live_pools().end() ? nullptr : at->pool.lock();
}

}  // namespace pools::detail
