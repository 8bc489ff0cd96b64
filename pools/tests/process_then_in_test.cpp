// then_in: results handed to a pool of parser processes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "pools/process_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

class ThenIn : public ProcessTest {};

std::string fetch(int page) { return "page " + std::to_string(page); }
std::pair<std::string, int> parse(const std::string& text) { return {"parsed " + text, ::getpid()}; }
std::string fail_to_fetch() { throw std::runtime_error("no such page"); }
int after_nothing() { return 7; }

TEST_F(ThenIn, takes_results_of_a_process_pool_to_a_parser_process) {
  ProcessPool fetchers{2};
  ProcessPool parsers{1};
  for (int page = 0; page < 20; ++page) {
    const auto [text, pid] = fetchers.submit<&fetch>(page).then_in<&parse>(parsers).result();
    EXPECT_EQ(text, "parsed page " + std::to_string(page));
    EXPECT_THAT(parsers.worker_pids(), testing::Contains(pid));
  }
}

TEST_F(ThenIn, takes_results_of_a_thread_pool_to_a_parser_process) {
  ThreadPool fetchers{2};
  ProcessPool parsers{2};
  std::vector<Future<std::pair<std::string, int>>> futures;
  for (int page = 0; page < 20; ++page) futures.push_back(fetchers.submit<&fetch>(page).then_in<&parse>(parsers));
  for (int page = 0; page < 20; ++page) {
    EXPECT_EQ(futures[static_cast<std::size_t>(page)].result().first, "parsed page " + std::to_string(page));
  }
}

TEST_F(ThenIn, works_on_a_future_that_is_done_and_on_one_without_a_value) {
  ProcessPool pool{1};
  const auto done = pool.submit<&fetch>(1);
  done.result();
  EXPECT_EQ(done.then_in<&parse>(pool).result().first, "parsed page 1");
  EXPECT_EQ(pool.submit<&nothing>().then_in<&after_nothing>(pool).result(), 7);
}

TEST_F(ThenIn, errors_and_cancellations_propagate) {
  Gate gate;
  ProcessPool fetchers{1};
  ProcessPool parsers{1};
  POOLS_EXPECT_THROW_WHAT((fetchers.submit<&fail_to_fetch>().then_in<&parse>(parsers).result()), RemoteError,
                          testing::StrEq("no such page"));
  const auto blocked = fetchers.submit<&pass_and_return>(gate.name(), 0);
  gate.await();
  const auto pending = fetchers.submit<&fetch>(1);
  const auto parsed = pending.then_in<&parse>(parsers);
  EXPECT_TRUE(pending.cancel());
  EXPECT_THROW(parsed.result(), CancelledError);
  EXPECT_FALSE(parsed.cancelled());
  gate.open();
  blocked.result();
}

TEST_F(ThenIn, can_be_cancelled_until_the_result_is_there) {
  Gate gate;
  ThreadPool fetchers{1};
  ProcessPool parsers{1};
  const auto first = fetchers.submit<&pass_and_return>(gate.name(), 3);
  gate.await();
  const auto squared = first.then_in<&square>(parsers);
  EXPECT_TRUE(squared.cancel());
  gate.open();
  EXPECT_EQ(first.result(), 3);
  EXPECT_THROW(squared.result(), CancelledError);
  EXPECT_TRUE(parsers.worker_pids().empty());  // it never got there
}

TEST_F(ThenIn, a_parser_pool_that_is_shut_down_becomes_the_exception) {
  Gate gate;
  ProcessPool fetchers{1};
  ProcessPool parsers{1};
  const auto fetched = fetchers.submit<&pass_and_return>(gate.name(), 3);
  gate.await();
  const auto parsed = fetched.then_in<&square>(parsers);
  parsers.shutdown();
  gate.open();
  EXPECT_THROW(parsed.result(), ShutdownError);
  EXPECT_EQ(fetched.result(), 3);
  EXPECT_THROW(fetched.then_in<&square>(parsers).result(), ShutdownError);
}

TEST_F(ThenIn, a_parser_pool_that_is_gone_becomes_the_exception) {
  Gate gate;
  ProcessPool fetchers{1};
  std::optional<ProcessPool> parsers(std::in_place, 1);
  const auto fetched = fetchers.submit<&pass_and_return>(gate.name(), 3);
  gate.await();
  const auto parsed = fetched.then_in<&square>(*parsers);
  bool told = false;
  parsed.add_done_callback([&](const Future<int>& done) { told = done.exception() != nullptr; });
  parsers.reset();
  gate.open();
  EXPECT_THROW(parsed.result(), ShutdownError);
  fetchers.shutdown();
  EXPECT_TRUE(told);
}

TEST_F(ThenIn, chains_within_one_pool) {
  ProcessPool pool{1};
  EXPECT_EQ(pool.submit<&square>(2).then_in<&square>(pool).then_in<&square>(pool).result(), 256);
}

TEST_F(ThenIn, of_an_empty_future_is_refused) {
  ProcessPool pool(1);
  POOLS_EXPECT_THROW_WHAT(Future<int>().then_in<&square>(pool), InvalidStateError, testing::HasSubstr("empty"));
}

}  // namespace
}  // namespace pools::test
