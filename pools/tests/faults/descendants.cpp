// What workers start and what tries to get away from them.

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

#include "pools/tests/faults/aftermath.h"
#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/escapees.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/faults/sabotage.h"
#include "pools/tests/gate.h"

namespace pools::faults {
namespace {

using namespace std::chrono_literals;
using test::Gate;
using test::TemporaryDirectory;

int hang(const std::string& gate) {
  test::pass(gate);
  for (;;) ::pause();
}

POOLS_FAULT_REPEATED(escapees_when_a_time_limit_passes, 3) {
  Escapees escapees;
  {
    BusyPool pool({.workers = 1, .kill_gap = 1ms});
    pool->submit<&start_escapees>(escapees.directory()).result();
    escapees.watch();
    Gate gate;
    const auto hanging = pool->with({.time_limit = 1ms}).submit<&hang>(gate.name());
    thrown_by<TimeLimitError>([&] { hanging.result(); });
    escapees.await_death();
    pool.finish();
  }
  FAULT_EXPECT(reap_all() >= static_cast<int>(kWaysOut.size()));
}

// What is told to end may do so in its own way: SIGTERM reaches it, too. Its worker is deaf to it.
int start_polite_escapee(const std::string& directory) {
  std::ofstream(directory + "/polite") << "trap 'echo 15 >> " << directory << "/last; exit' TERM\necho $$ >> " << directory
                                       << "/pids\nwhile :; do sleep 76 & wait; done\n";
  if (::fork() == 0) {
    ::execlp("setsid", "setsid", "sh", (directory + "/polite").c_str(), nullptr);
    ::_exit(127);
  }
  wait_until([&] { return !test::logged(directory + "/pids").empty(); });
  ::signal(SIGTERM, SIG_IGN);
  return 0;
}

POOLS_FAULT_REPEATED(escapee_that_is_asked_to_end, 3) {
  const TemporaryDirectory directory;
  {
    BusyPool pool({.workers = 1, .kill_gap = 1h});  // its worker, which is deaf, has to be killed by hand
    pool->submit<&start_polite_escapee>(directory.path()).result();
    Gate gate;
    const auto hanging = pool->with({.time_limit = 1ms}).submit<&hang>(gate.name());
    wait_until([&] { return !test::logged(directory.file("last")).empty(); });
    FAULT_EXPECT_EQ(test::logged(directory.file("last")).back(), SIGTERM);
    ::kill(pool->worker_pids().at(0), SIGKILL);
    thrown_by<TimeLimitError>([&] { hanging.result(); });
    pool.finish();
  }
  reap_all();
}

POOLS_FAULT_REPEATED(escapees_when_a_running_task_is_cancelled, 3) {
  Escapees escapees;
  {
    BusyPool pool({.workers = 1});
    pool->submit<&start_escapees>(escapees.directory()).result();
    escapees.watch();
    Gate gate;
    auto hanging = pool->with({.cancel_kills = true}).submit<&hang>(gate.name());
    gate.await();
    FAULT_EXPECT(hanging.cancel());
    escapees.await_death();
    pool.finish();
  }
  FAULT_EXPECT(reap_all() >= static_cast<int>(kWaysOut.size()));
}

POOLS_FAULT_REPEATED(escapees_when_their_worker_is_killed, 3) {
  Escapees escapees;
  {
    BusyPool pool({.workers = 1});
    pool->submit<&start_escapees>(escapees.directory()).result();
    escapees.watch();
    const auto future = pool->submit<&die_of>(SIGKILL);
    thrown_by<WorkerDied>([&] { future.result(); });
    escapees.await_death();
    pool.finish();
  }
  FAULT_EXPECT(reap_all() >= static_cast<int>(kWaysOut.size()));
}

POOLS_FAULT_REPEATED(escapees_when_their_worker_is_recycled, 3) {
  Escapees escapees;
  {
    ProcessPool pool({.workers = 1, .max_tasks_per_child = 1});
    pool.submit<&start_escapees>(escapees.directory()).result();
    for (int task = 0; task < 3; ++task) FAULT_EXPECT_EQ(pool.submit<&test::square>(task).result(), task * task);
  }
  FAULT_EXPECT(reap_all() >= static_cast<int>(kWaysOut.size()));  // one that lives on hangs the test
}

POOLS_FAULT_REPEATED(escapees_at_the_end_of_the_pool, 3) {
  Escapees escapees;
  {
    BusyPool pool;
    pool->submit<&start_escapees>(escapees.directory()).result();
    escapees.watch();
    pool.finish();
    escapees.await_death();  // the destructor has nothing left to do
  }
  FAULT_EXPECT(reap_all() >= static_cast<int>(kWaysOut.size()));
}

POOLS_ACTOR(owner_of_escapees) {
  Conversation conversation(3);
  BusyPool pool;
  pool->submit<&start_escapees>(arguments.at(0)).result();
  conversation.say("at work");
  for (;;) ::pause();
}

POOLS_FAULT_REPEATED(escapees_when_the_host_is_killed, 3) {
  Escapees escapees;
  Conversation conversation;
  Child owner = conversation.start("owner_of_escapees", {escapees.directory()});
  FAULT_EXPECT(conversation.hear() == "at work");
  escapees.watch();
  FAULT_EXPECT(owner.kill(SIGKILL));
  FAULT_EXPECT(owner.wait().signal == SIGKILL);
  escapees.await_death();
  FAULT_EXPECT(reap_all() >= 3 + 1 + static_cast<int>(kWaysOut.size()));  // workers, guard
}

int start_one_that_is_to_stay(const std::string& directory) {
  start({"prlimit", "--locks=unlimited", "setsid", "sh"}, directory + "/script");
  wait_until([&] { return !test::logged(directory + "/pids").empty(); });
  return 0;
}

POOLS_FAULT_REPEATED(process_that_is_to_outlive_its_worker, 3) {
  Escapees staying;
  {
    BusyPool pool({.workers = 1});
    pool->submit<&start_one_that_is_to_stay>(staying.directory()).result();
    staying.watch(1);
    const auto future = pool->submit<&die_of>(SIGKILL);
    thrown_by<WorkerDied>([&] { future.result(); });
    pool.finish();
  }
  FAULT_EXPECT(staying.all_live());
  staying.kill();
  FAULT_EXPECT_EQ(reap_all(), 1);
}

int start_escapees_of_an_inner_pool(const std::string& directory) {
  static ProcessPool* const inner = new ProcessPool(2);
  return inner->submit<&start_escapees>(directory).result();
}

// Its own guard sees to them, which is no descendant to be killed.
POOLS_FAULT_REPEATED(escapees_of_a_pool_in_a_worker_that_is_killed, 3) {
  Escapees escapees;
  {
    BusyPool pool({.workers = 1});
    pool->submit<&start_escapees_of_an_inner_pool>(escapees.directory()).result();
    escapees.watch();
    const auto future = pool->submit<&die_of>(SIGKILL);
    thrown_by<WorkerDied>([&] { future.result(); });
    escapees.await_death();
    pool.finish();
  }
  FAULT_EXPECT(reap_all() >= 2 + 1 + static_cast<int>(kWaysOut.size()));
}

POOLS_FAULT_REPEATED(what_the_host_itself_has_started, 3) {
  Escapees own;
  {
    BusyPool pool({.workers = 2, .crash_limit = 0, .kill_gap = 1ms});
    start_escapees(own.directory());  // in this process, while there are workers
    own.watch();
    ProcessPool another(1);
    another.submit<&test::nothing>().result();
    const pid_t stranger = another.worker_pids().at(0);
    for (int death = 0; death < 3; ++death) {
      const auto future = pool->submit<&die_of>(SIGKILL);
      thrown_by<WorkerDied>([&] { future.result(); });
      Gate gate;
      const auto hanging = pool->with({.time_limit = 1ms}).submit<&hang>(gate.name());
      thrown_by<TimeLimitError>([&] { hanging.result(); });
    }
    pool.finish(6);
    FAULT_EXPECT(own.all_live());
    another.submit<&test::nothing>().result();
    FAULT_EXPECT_EQ(another.worker_pids().at(0), stranger);
  }
  FAULT_EXPECT(own.all_live());
  own.kill();
  reap_all();
}

}  // namespace
}  // namespace pools::faults
