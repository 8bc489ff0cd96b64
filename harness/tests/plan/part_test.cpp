// A sweep cut into parts: every cell in one shard, what is compared in the same.

#include "harness/plan/part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>

#include "harness/base/errors.h"
#include "harness/engine/backends/backend.h"
#include "harness/plan/scenario.h"
#include "harness/tests/front_cells.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

Plan builtin_plan(std::string_view name, int cores = 2) { return make_plan(load_suite(std::string(name)), {.cores = cores}); }

void cut_by_itself(Plan& plan, const Part& part) { cut(plan, part, Plan(plan)); }

std::size_t scenarios_of(const Plan& plan) {
  std::set<std::string> keys;
  for (const PlannedCell& planned : plan.cells) keys.insert(scenario_key(planned.cell));
  return keys.size();
}

std::string refused_part(std::string_view text) {
  try {
    parse_part("--shard", text, PartKind::shard);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Parts, AreNamedAsOneOfHowMany) {
  const Part part = parse_part("--shard", "2/3", PartKind::shard);
  EXPECT_EQ(part.index, 2);
  EXPECT_EQ(part.count, 3);
  EXPECT_EQ(to_string(part), "shard 2 of 3");
  EXPECT_EQ(to_string(parse_part("--replicate", "1/1", PartKind::replicate)), "replicate 1 of 1");
  for (const char* const bad : {"", "2", "0/3", "4/3", "-1/3", "1/0", "1/3/5", "a/b", "1/99999", " 1/3", "1.0/3"}) {
    EXPECT_THAT(refused_part(bad), HasSubstr("bad --shard '" + std::string(bad) + "'; allowed: I/N")) << bad;
  }
}

TEST(Parts, OfEveryBuiltInSuiteHaveEachCellOnceAndNothingThatIsComparedApart) {
  for (const BuiltinSuite& suite : builtin_suites()) {
    const Plan whole = builtin_plan(suite.name);
    const int most = static_cast<int>(scenarios_of(whole));
    for (const int count : {1, 2, most}) {
      if (count > most) continue;
      std::map<std::string, int> times;
      std::map<std::string, std::set<int>> shards_of;
      for (int index = 1; index <= count; ++index) {
        Plan plan = whole;
        cut_by_itself(plan, {PartKind::shard, index, count});
        ASSERT_THAT(plan.cells, SizeIs(whole.cells.size()));  // the plan stays whole: one order everywhere
        EXPECT_FALSE(own_cells(plan).empty()) << suite.name << ' ' << index << '/' << count;
        for (const PlannedCell* const planned : own_cells(plan)) {
          ++times[planned->cell.cell_id];
          shards_of[scenario_key(planned->cell)].insert(index);
        }
      }
      EXPECT_THAT(times, SizeIs(whole.cells.size())) << suite.name;
      for (const auto& [id, count_of_cell] : times) EXPECT_EQ(count_of_cell, 1) << suite.name << ' ' << id;
      for (const auto& [key, shards] : shards_of) EXPECT_THAT(shards, SizeIs(1)) << suite.name << ' ' << key;
    }
  }
}

// A claim that is decided from several cells at once finds them in one shard, in every suite that has them.
TEST(Parts, LeaveTheCellsOfAClaimTogether) {
  int seen = 0;
  for (const BuiltinSuite& suite : builtin_suites()) {
    Plan plan = builtin_plan(suite.name);
    cut_by_itself(plan, {PartKind::shard, 1, static_cast<int>(scenarios_of(plan))});
    std::map<std::string, int> shard_of;
    for (const PlannedCell& planned : plan.cells) shard_of[planned.cell.cell_id] = planned.shard;
    for (const Claim& claim : claims()) {
      std::set<int> shards;
      for (const Cell& cell : cells_of(claim, 2)) {
        const auto at = shard_of.find(cell.cell_id);
        if (at != shard_of.end()) shards.insert(at->second);
      }
      seen += shards.empty() ? 0 : 1;
      EXPECT_LE(shards.size(), 1u) << suite.name << ' ' << claim.id;
    }
  }
  EXPECT_GT(seen, 0);
}

// Every cell counts: a scenario of forty small ones is more than one of three large ones.
TEST(Parts, AreOfAboutEqualTime) {
  for (const char* const suite : {"default", "fleet"}) {
    for (const int count : {2, 3}) {
      Plan plan = builtin_plan(suite);
      std::map<int, double> seconds;
      for (int index = 1; index <= count; ++index) {
        cut_by_itself(plan, {PartKind::shard, index, count});
        seconds[index] = std::chrono::duration<double>(estimated_time(plan)).count();
      }
      for (const auto& [index, taken] : seconds) {
        EXPECT_LT(taken, 2 * seconds[1]) << suite << ' ' << index << '/' << count;
        EXPECT_GT(taken, seconds[1] / 2) << suite << ' ' << index << '/' << count;
      }
    }
  }
}

// As long as no number of tasks depends on the cores. On one core four names of a size are one cell, on 64 none are.
TEST(Parts, AreCutAlikeOnMachinesWithOtherNumbersOfCores) {
  const Suite sizes = parse_suite(R"(
name = "sizes"
[[grid]]
workload = "sleep"
backend = "thread"
workers = ["1", "cores", "2*cores-1", "cores*cores"]
tasks = 10
task = "5ms"
[[grid]]
workload = ["spin", "mixed"]
backend = "thread"
workers = [1, 4, 8]
tasks = 11
task = "5ms"
)",
                                  "sizes.toml");
  for (const Suite& suite : {sizes, load_suite("fleet")}) {
    const Plan nominal = make_plan(suite, {.cores = kNominalCores});
    Plan few = make_plan(suite, {.cores = 2});
    cut(few, {PartKind::shard, 1, 2}, nominal);
    std::map<std::string, int> shard_of;
    for (const PlannedCell& planned : few.cells) shard_of[scenario_key(planned.cell)] = planned.shard;
    for (const int cores : {1, 3, 64}) {
      Plan many = make_plan(suite, {.cores = cores});
      cut(many, {PartKind::shard, 1, 2}, nominal);
      for (const PlannedCell& planned : many.cells) {
        EXPECT_EQ(shard_of.at(scenario_key(planned.cell)), planned.shard) << suite.name << ' ' << cores;
      }
    }
  }
}

TEST(Parts, OfReplicatesAreTheWhole) {
  Plan plan = builtin_plan("quick");
  cut_by_itself(plan, {PartKind::replicate, 2, 3});
  EXPECT_THAT(own_cells(plan), SizeIs(plan.cells.size()));
}

TEST(Parts, AreNoMoreThanWhatCanBeCutApart) {
  Plan plan = test_plan({"a", "b"}, 1, 0, Order::random);
  try {
    cut_by_itself(plan, {PartKind::shard, 1, 3});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("bad number of shards 3"));
    EXPECT_THAT(error.what(), HasSubstr("the plan has 1 group of them; allowed: at most 1 shard"));
  }
}

}  // namespace
}  // namespace harness
