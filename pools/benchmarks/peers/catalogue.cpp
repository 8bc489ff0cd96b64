#include "pools/benchmarks/peers/catalogue.h"

namespace pools::benchmarks {

const std::vector<ThreadPeer>& thread_peers() {
  static const std::vector<ThreadPeer> all{
      our_thread_pool(),  asio_thread_pool(),
#ifdef POOLBENCH_WITH_TBB
      tbb_task_group(),   tbb_arena_enqueue(),
#endif
#ifdef POOLBENCH_WITH_OPENMP
      openmp_tasks(),
#endif
      std_async(),        mutex_condvar(),
#ifdef POOLBENCH_WITH_MOODYCAMEL
      moodycamel_queue(),
#endif
  };
  return all;
}

}  // namespace pools::benchmarks
