#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <map>
#include <thread>

#include "workloads/clock.h"
#include "workloads/tests/running_server.h"
#include "workloads/tests/scratch_directory.h"
#include "workloads/work.h"
#include "workloads/tests/unit_calibration.h"

namespace workloads {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_workloads::RunningServer;
using testing_workloads::ScratchDirectory;

// Every workload of the catalogue, with all that any of them needs.
class EveryWorkload : public testing::Test {
 protected:
  static Work work_of(const Workload& workload, std::uint64_t seed) {
    return make_work(workload, {.duration = 100us, .seed = seed}, kUnit);
  }
  RunContext context() const { return {.scratch_directory = scratch_.path(), .ports = server_.context().ports}; }

 private:
  ScratchDirectory scratch_;
  RunningServer server_;
};

TEST_F(EveryWorkload, GivesTheSameDigestWheneverAndWhereverItRuns) {
  for (const Workload* workload : catalogue()) {
    if (workload->needs().subject) continue;  // only a user can give it
    const Work work = work_of(*workload, 5);
    const std::uint64_t digest = execute(work, context()).digest;
    EXPECT_EQ(execute(work, context()).digest, digest) << workload->name();
    std::uint64_t elsewhere = 0;
    std::thread([&] { elsewhere = execute(work, context()).digest; }).join();
    EXPECT_EQ(elsewhere, digest) << workload->name();
  }
}

TEST_F(EveryWorkload, GivesAnotherDigestForAnotherSeed) {
  for (const Workload* workload : catalogue()) {
    if (workload->needs().subject) continue;  // only a user can give it
    std::map<std::uint64_t, std::uint64_t> seed_of;
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      const auto [place, is_new] = seed_of.emplace(execute(work_of(*workload, seed), context()).digest, seed);
      EXPECT_TRUE(is_new) << workload->name() << ": seeds " << place->second << " and " << seed;
    }
  }
}

TEST_F(EveryWorkload, KeepsItsDigestWithoutItsWait) {
  for (const Workload* workload : catalogue()) {
    if (workload->needs().subject) continue;  // only a user can give it
    const Work work = work_of(*workload, 5);
    EXPECT_EQ(without_wait(work).wait_ns, 0);
    EXPECT_EQ(execute(without_wait(work), context()).digest, execute(work, context()).digest) << workload->name();
  }
}

TEST_F(EveryWorkload, StampsItself) {
  for (const Workload* workload : catalogue()) {
    if (workload->needs().subject) continue;  // only a user can give it
    const std::int64_t before = monotonic_ns();
    const Outcome outcome = execute(work_of(*workload, 5), context());
    EXPECT_LE(before, outcome.started_ns) << workload->name();
    EXPECT_LE(outcome.started_ns, outcome.finished_ns) << workload->name();
    EXPECT_LE(outcome.finished_ns, monotonic_ns()) << workload->name();
    EXPECT_GE(outcome.cpu_ns, 0) << workload->name();
    EXPECT_EQ(outcome.pid, ::getpid());
    EXPECT_EQ(outcome.tid, ::gettid());
    EXPECT_EQ(outcome.body.empty(), workload->name() != "http_page" && workload->name() != "payload") << workload->name();
  }
}

TEST_F(EveryWorkload, NeverFinishesBeforeItsWaitIsOver) {
  for (const Workload* workload : catalogue()) {
    if (workload->needs().subject) continue;  // only a user can give it
    const Work work = make_work(*workload, {.duration = 3ms, .seed = 5}, kUnit);
    const Outcome outcome = execute(work, context());
    EXPECT_GE(outcome.finished_ns - outcome.started_ns, work.wait_ns) << workload->name();
  }
}

TEST(Execute, ComputesAsMuchAsTheUnitsSay) {
  for (const char* name : {"spin", "sort", "hash", "gil_spin", "mixed"}) {
    Work work = make_work(*find_workload(name), {.duration = 10us, .seed = 5}, kUnit);
    work.wait_ns = 0;
    const std::uint64_t digest = execute(work, {}).digest;
    work.compute_units += 1;
    EXPECT_NE(execute(work, {}).digest, digest) << name;
  }
}

TEST(Execute, RefusesAKindThatTheCatalogueDoesNotHave) {
  EXPECT_THAT([] { execute({.kind = 1000}, {}); }, ThrowsMessage<std::runtime_error>(HasSubstr("no workload of kind 1000")));
}

TEST(Sleep, IsNotCutShortBySignals) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);

  const Work work = make_work(*find_workload("sleep"), {.duration = 20ms}, kUnit);
  std::atomic<bool> finished = false;
  Outcome outcome;
  std::thread sleeper([&] {
    outcome = execute(work, {});
    finished = true;
  });
  while (!finished) {
    ::pthread_kill(sleeper.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  sleeper.join();
  EXPECT_GE(outcome.finished_ns - outcome.started_ns, work.wait_ns);
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST(Sleep, UntilADeadlineThatHasPassedReturns) {
  sleep_until_ns(monotonic_ns() - 1);
  sleep_until_ns(0);
}

TEST(Sleep, ForeverHasADeadlineThatIsARealTime) {
  EXPECT_EQ(deadline_after_ns(std::numeric_limits<std::int64_t>::max()), std::numeric_limits<std::int64_t>::max());
  EXPECT_GE(deadline_after_ns(0), 0);
}

}  // namespace
}  // namespace workloads
