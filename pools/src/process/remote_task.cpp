#include "pools/detail/remote_task.h"

#include "pools/detail/task_pool.h"
#include "pools/src/process/ipc/claim_board.h"
#include "pools/src/process/live_pools.h"
#include "pools/src/process/process_pool_core.h"

namespace pools::detail {

bool RemoteTask::take_offer_back() noexcept { return board_->take_back(sequence_) || board_->taken_back(sequence_); }
bool RemoteTask::offer_was_begun() const noexcept { return board_->begun(sequence_); }

void RemoteTask::help_pool_of(FutureState& state, const CallbackSink* pool) noexcept {
  if (!decoded_in_place_) return;  // another thread completes it
  if (const std::shared_ptr<ProcessPoolCore> open = LivePools::find(pool)) open->help_to_complete(state);
}

void RemoteTask::wake_helper_of(const CallbackSink* pool) noexcept {
  if (const std::shared_ptr<ProcessPoolCore> open = LivePools::find(pool)) open->wake_helper();
}

void RemoteTask::kill_worker() noexcept {
  if (!extras_) return;
  if (const std::shared_ptr<TaskPool> pool = extras_->pool.lock()) pool->kill_worker_of(*this);
}

}  // namespace pools::detail
