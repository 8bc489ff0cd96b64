// Directories of one sweep, merged: each repetition once, what is missing named, what does not belong together refused. The rows are hand-made; that
// real runs leave such is in run_test.cpp and the tests of the cluster.

#include "harness/sweep/merge/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "harness/base/errors.h"
#include "harness/report/merge_text.h"
#include "harness/sweep/sinks/csv.h"
#include "harness/tests/cli/invocation.h"
#include "harness/tests/front_cells.h"
#include "harness/tests/sweep/part_runs.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;
using testing_cli::poolbench;
using testing_parts::PartRun;

class Merging : public testing::Test {
 protected:
  std::filesystem::path leave(const PartRun& run) const { return testing_parts::leave(directory_.path(), run); }

  static MergeStatus status(const std::vector<std::filesystem::path>& directories) {
    return status_of(read_sources(directories));
  }

  std::string refusal(const std::vector<std::filesystem::path>& directories) const {
    try {
      const Sources sources = read_sources(directories);
      merge_into(directory_ / "merged", sources, status_of(sources));
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }

  std::vector<Sample> merge(const std::vector<std::filesystem::path>& directories) const {
    const Sources sources = read_sources(directories);
    merge_into(directory_ / "merged", sources, status_of(sources));
    return read_results(directory_ / "merged/results.csv");
  }

  const TestDirectory directory_;
};

std::size_t distinct(const std::vector<Sample>& rows) {
  std::set<std::tuple<std::string, std::int64_t, std::string>> keys;
  for (const Sample& row : rows) keys.emplace(row.cell_id, row.rep, row.machine_id);
  return keys.size();
}

TEST_F(Merging, GivesEveryRepetitionOnce) {
  const auto a = leave({.directory = "1of2"});
  const auto b = leave({.directory = "2of2", .part = {PartKind::shard, 2, 2}});
  EXPECT_TRUE(status({a, b}).complete());
  const std::vector<Sample> rows = merge({a, b});
  EXPECT_THAT(rows, SizeIs(16));  // 8 cells, 2 repetitions
  EXPECT_EQ(distinct(rows), 16u);
  EXPECT_THAT(read_contexts(directory_ / "merged"), SizeIs(2));
  EXPECT_EQ(content(directory_ / "merged/suite.toml"), testing_parts::kSuite);
}

TEST_F(Merging, OfAShardThatRanTwiceTakesWhatStartedLast) {
  const auto a = leave({.directory = "1of2", .ms = 10});
  const auto again = leave({.directory = "1of2-again", .started = "2026-01-01T00:01:00.000000Z", .ms = 20});
  const auto b = leave({.directory = "2of2", .part = {PartKind::shard, 2, 2}, .ms = 20});
  for (const auto& order : {std::vector{a, again, b}, std::vector{again, b, a}}) {
    EXPECT_EQ(status(order).doubles, 8u);
    std::filesystem::remove_all(directory_ / "merged");
    const std::vector<Sample> rows = merge(order);
    EXPECT_EQ(distinct(rows), 16u);
    EXPECT_THAT(rows, SizeIs(16));
    for (const Sample& row : rows) EXPECT_EQ(row.makespan_ns, 20'000'000);
  }
}

TEST_F(Merging, NamesWhatIsMissingWithTheCommandThatMeasuresIt) {
  const auto a = leave({.directory = "1of2", .reps = 1});
  const MergeStatus found = status({a});
  EXPECT_FALSE(found.complete());
  ASSERT_THAT(found.parts, SizeIs(2));
  const PartStatus& cut_off = found.parts[0];
  EXPECT_EQ(cut_off.planned, 8);
  EXPECT_EQ(cut_off.present, 4);
  ASSERT_THAT(cut_off.missing, SizeIs(4));
  EXPECT_EQ(cut_off.missing.front().repetitions, 1);
  EXPECT_THAT(cut_off.missing.front().cell, HasSubstr("backend=thread workers=1"));
  EXPECT_THAT(cut_off.command,
              ElementsAre("poolbench", "run", "small.toml", "--shard", "1/2", "--run-id", "S", "-o", a.string()));
  const PartStatus& absent = found.parts[1];
  EXPECT_THAT(absent.directories, IsEmpty());
  EXPECT_EQ(absent.planned, 8);
  EXPECT_THAT(absent.command, ElementsAre("poolbench", "run", "small.toml", "--shard", "2/2", "--run-id", "S", "-o",
                                          (directory_ / "2of2").string()));
}

// What a verdict compares is of one machine: half here and half there is not the whole.
TEST_F(Merging, DoesNotCountHalvesOfTwoMachines) {
  const auto first = leave({.directory = "1of1", .part = {PartKind::shard, 1, 1}, .reps = 1});
  EXPECT_EQ(status({first}).parts[0].present, 8);
  leave({.directory = "1of1", .part = {PartKind::shard, 1, 1}, .machine = "m2", .node = "n2", .reps = 1});
  EXPECT_EQ(status({first}).parts[0].present, 8);  // each has the first repetition only
  leave({.directory = "1of1",
         .part = {PartKind::shard, 1, 1},
         .machine = "m2",
         .node = "n2",
         .started = "2026-01-01T00:02:00.000000Z",
         .reps = 2});
  EXPECT_TRUE(status({first}).complete());
  EXPECT_THAT(status({first}).parts[0].nodes, ElementsAre("n1", "n2"));
}

TEST_F(Merging, KeepsReplicatesApartByNode) {
  const auto a = leave({.directory = "1of2", .part = {PartKind::replicate, 1, 2}});
  const auto b = leave({.directory = "2of2", .part = {PartKind::replicate, 2, 2}, .node = "n2"});
  EXPECT_EQ(status({a, b}).doubles, 0u);
  EXPECT_THAT(merge({a, b}), SizeIs(32));  // one machine_id, two nodes
}

TEST_F(Merging, OnceMoreAddsWhatHasComeSince) {
  const auto a = leave({.directory = "1of2"});
  const auto b = leave({.directory = "2of2", .part = {PartKind::shard, 2, 2}, .reps = 1});
  EXPECT_THAT(merge({a, b}), SizeIs(12));
  leave({.directory = "2of2", .part = {PartKind::shard, 2, 2}, .started = "2026-01-01T00:03:00.000000Z"});
  EXPECT_THAT(merge({a, b}), SizeIs(16));
  EXPECT_THAT(merge({a, b}), SizeIs(16));
}

TEST_F(Merging, RefusesWhatDoesNotBelongTogether) {
  const auto a = leave({.directory = "a"});
  EXPECT_THAT(refusal({a, leave({.directory = "b", .build = "b2"})}),
              AllOf(HasSubstr("'"), HasSubstr("the build is b1"), HasSubstr("b2 in the second")));
  EXPECT_THAT(refusal({a, leave({.directory = "c", .suite = std::string(testing_parts::kSuite) + "\n"})}),
              HasSubstr("their suite.toml differ"));
  EXPECT_THAT(refusal({a, leave({.directory = "d", .part = {PartKind::shard, 1, 1}})}),
              AllOf(HasSubstr("how it is cut is into 2 shards"), HasSubstr("into 1 shards")));
  const auto twin = leave({.directory = "e", .node = "n9", .run_id = "same"});
  EXPECT_THAT(refusal({leave({.directory = "f", .run_id = "same"}), twin}), HasSubstr("two runs with the id same"));
}

TEST_F(Merging, RefusesDirectoriesThatAreNone) {
  std::filesystem::create_directories(directory_ / "empty");
  write_text(directory_ / "text", "x");
  EXPECT_THAT(refusal({directory_ / "empty"}), HasSubstr("is no shard"));
  EXPECT_THAT(refusal({directory_ / "text"}), HasSubstr("is not a directory"));
  EXPECT_THAT(refusal({directory_ / "nowhere"}), HasSubstr("is not a directory"));
  const auto a = leave({.directory = "1of1", .part = {PartKind::shard, 1, 1}});
  merge({a});
  EXPECT_THAT(refusal({directory_ / "merged"}), HasSubstr("was merged from others already"));
  const Sources sources = read_sources({a});
  EXPECT_THROW(merge_into(a, sources, status_of(sources)), ConfigError);                  // one of the sources
  EXPECT_THROW(merge_into(directory_.path(), sources, status_of(sources)), ConfigError);  // holds something else
}

TEST_F(Merging, KnowsThatAPartWhichIsStillCalibratingHasNotBegun) {
  leave({.directory = "1of2"});
  std::filesystem::create_directories(directory_ / "2of2");
  { const CsvSink header(directory_ / "2of2/results.csv"); }
  const MergeStatus found = status({directory_.path()});
  ASSERT_THAT(found.parts, SizeIs(2));
  EXPECT_THAT(found.parts[1].directories, IsEmpty());
  EXPECT_FALSE(found.complete());
  EXPECT_THAT(refusal({directory_ / "2of2"}), HasSubstr("holds no context/"));  // it alone is nothing
}

TEST_F(Merging, RefusesADirectoryThatItCannotLookInto) {
  std::filesystem::create_directories(directory_ / "1of2");
  std::filesystem::create_symlink("results.csv", directory_ / "1of2/results.csv");  // leads to itself
  EXPECT_THAT(refusal({directory_.path()}), AllOf(StartsWith("cannot look into '"), HasSubstr("1of2'")));
}

TEST_F(Merging, RefusesToAddToWhatWasMergedFromAnotherSweep) {
  const PartRun whole{.directory = "1of1", .part = {PartKind::shard, 1, 1}};
  merge({leave(whole)});
  PartRun other = whole;
  other.directory = "b";
  other.build = "b2";
  EXPECT_THAT(refusal({leave(other)}),
              AllOf(HasSubstr("was merged from another sweep: the build is b1 there and b2 in '"), HasSubstr("allowed: a new")));
  other = whole;
  other.directory = "c";
  other.suite += "\n";
  EXPECT_THAT(refusal({leave(other)}), HasSubstr("its suite.toml differs from that of '"));
  write_text(directory_ / "merged/merge.json", "{}");
  EXPECT_THAT(refusal({directory_ / "1of1"}), HasSubstr("is not the record of a merge"));
  EXPECT_EQ(read_results(directory_ / "merged/results.csv").size(), 16U);
}

TEST_F(Merging, TakesTwoReplicatesOfOneNodeForOne) {
  const auto replicate = [this](int index, const std::string& node, int reps, const std::string& started) {
    return leave({.directory = std::to_string(index) + "of2",
                  .part = {PartKind::replicate, index, 2},
                  .node = node,
                  .started = "2026-01-01T00:0" + started + ":00.000000Z",
                  .reps = reps});
  };
  replicate(1, "n1", 2, "0");
  replicate(2, "n1", 2, "1");
  const MergeStatus found = status({directory_.path()});
  EXPECT_TRUE(found.parts[0].missing.empty());
  EXPECT_FALSE(found.parts[1].missing.empty());
  EXPECT_EQ(found.parts[1].taken_node, "n1");
  EXPECT_THAT(merge_text(found, 200), HasSubstr("for it was measured on n1, which another replicate has"));
  replicate(2, "n2", 1, "2");  // half of it
  EXPECT_FALSE(status({directory_.path()}).complete());
  replicate(2, "n2", 2, "3");
  EXPECT_TRUE(status({directory_.path()}).complete());
}

TEST_F(Merging, IsACommand) {
  const std::string a = leave({.directory = "1of2"}).string();
  const auto partial = poolbench({"merge", "--status", directory_.path().string()});
  EXPECT_EQ(partial.exit_code, kExitCheckFailed);
  EXPECT_THAT(partial.out,
              AllOf(HasSubstr("shard 1 of 2"), HasSubstr("8/8"),
                    HasSubstr("shard 2 of 2 has not begun, or was not given: 8 repetitions; measure with: poolbench run")));
  EXPECT_THAT(poolbench({"merge", a}).err, StartsWith("poolbench: merge needs -o DIR"));
  EXPECT_EQ(poolbench({"merge", a, "--status", "-o", "x"}).exit_code, kExitUsage);
  const std::string b = leave({.directory = "2of2", .part = {PartKind::shard, 2, 2}, .status = "crash"}).string();
  const auto failed = poolbench({"merge", a, b, "-o", (directory_ / "merged").string()});
  EXPECT_EQ(failed.exit_code, kExitCellsFailed) << failed.err;
  EXPECT_THAT(failed.out, AllOf(HasSubstr("16 of 16 rows added"), HasSubstr("How to read the tables")));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "merged/derived/summary.csv"));
}

}  // namespace
}  // namespace harness
