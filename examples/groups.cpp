// Concurrency groups: a pool has many workers, the database takes two connections.

#include <atomic>
#include <cstdio>
#include <latch>
#include <stdexcept>

#include "pools/thread_pool.h"

int main() {
  pools::ThreadPoolOptions options;
  options.workers = 8;
  options.groups = {{"db", 2}, {"disk", 1}};
  pools::ThreadPool pool{options};

  std::latch two_connected{2}, go{1};
  std::atomic<int> connections{0};
  const auto query = [&](int) {
    if (++connections > 2) std::puts("too many connections");
    if (!two_connected.try_wait()) two_connected.count_down();
    go.wait();
    --connections;
  };
  const auto db = pool.with({.group = "db"});
  for (int row = 0; row < 10; ++row) db.post(query, row);
  two_connected.wait();

  // Six workers are left for everything else, though eight queries were submitted before it.
  std::printf("%d\n", pool.submit([] { return 42; }).result());
  const auto db_now = pool.metrics().groups[0];
  std::printf("%s: %d of %d run, %d wait\n", db_now.name.c_str(), db_now.running, db_now.limit, static_cast<int>(db_now.waiting));
  go.count_down();

  int written = 0;  // one task at a time: it needs no lock
  pool.with({.group = "disk"})
      .for_each_block(
          0, 1000, [&](int begin, int end) { written += end - begin; }, 20);
  std::printf("%d written\n", written);

  try {
    static_cast<void>(pool.with({.group = "tape"}));
  } catch (const std::invalid_argument& error) {
    std::printf("%s\n", error.what());
  }
}
