// Callbacks: what runs when a future is done, and where.

#include <cstdio>
#include <thread>

#include "pools/thread_pool.h"

int main() {
  using pools::Future;
  {
    pools::ThreadPool pool{2};  // callbacks run on the worker that ran the task, before it takes the next one
    pool.submit_with_callback([](const Future<int>& done) { std::printf("the result is %d\n", done.result()); },
                              [] { return 6 * 7; });
  }
  {
    // Or on one thread of their own, so that slow ones hold no worker up, one at a time: what they share needs no lock.
    pools::ThreadPool pool({.workers = 2, .callbacks = pools::CallbackOn::callback_thread});
    int sum = 0;
    std::thread::id thread;
    bool always_the_same = true;
    for (int task = 1; task <= 100; ++task) {
      pool.submit_with_callback(
          [&](const Future<int>& done) {
            if (sum == 0) thread = std::this_thread::get_id();
            always_the_same &= thread == std::this_thread::get_id();
            sum += done.result();
          },
          [task] { return task; });
    }
    pool.shutdown();  // returns when every callback has run
    std::printf("sum %d, %s\n", sum, always_the_same ? "one thread" : "several threads");
  }
}
