#pragma once

// Every peer of the ThreadPool that this build has: the contenders, our own, and what can only race.

#include <vector>

#include "pools/benchmarks/peers/peer.h"

namespace pools::benchmarks {

ThreadPeer our_thread_pool();
ThreadPeer tbb_task_group();

const std::vector<ThreadPeer>& thread_peers();

}  // namespace pools::benchmarks
