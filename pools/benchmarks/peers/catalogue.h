#pragma once

// Every peer of the ThreadPool that this build has: one file and one line here and in catalogue.cpp each.

#include <vector>

#include "pools/benchmarks/peers/peer.h"

namespace pools::benchmarks {

ThreadPeer our_thread_pool();
ThreadPeer asio_thread_pool();
ThreadPeer tbb_task_group();
ThreadPeer tbb_arena_enqueue();
ThreadPeer openmp_tasks();
ThreadPeer std_async();
ThreadPeer mutex_condvar();
ThreadPeer moodycamel_queue();

const std::vector<ThreadPeer>& thread_peers();

}  // namespace pools::benchmarks
