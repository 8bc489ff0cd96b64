// What measurements that are known decide: the choice, its ties, its regret, and which causes stand.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "harness/base/quantity.h"
#include "harness/recommend/causes.h"
#include "harness/tests/recommend/known_numbers.h"

namespace harness::recommend {
namespace {

using testing_recommend::measured;
using testing_recommend::profile_with;

Measured run_of(int workers, std::vector<std::int64_t> makespans_ns) {
  return {.choice = {Pool::thread, workers, model::Strategy::none, 0}, .makespans_ns = std::move(makespans_ns)};
}

TEST(RecommendRegret, IsTheMedianRatioWithinARoundSoThatASlowMachineDoesNotCount) {
  // The machine is twice as slow in the last two rounds; the choice takes a tenth longer than 8 workers in every one.
  const std::vector<Measured> judged{run_of(8, {100, 100, 100, 200, 200}), run_of(2, {110, 110, 110, 220, 220}),
                                     run_of(4, {130, 130, 90, 260, 260})};
  const Regret regret = regret_of(judged[1].choice, judged);
  EXPECT_NEAR(regret.ratio, 0.1, 1e-6);
  EXPECT_NEAR(regret.low, 0.1, 1e-6);
  EXPECT_NEAR(regret.high, 0.1, 1e-6);
  EXPECT_EQ(regret.rival, 0U);
}

TEST(RecommendRegret, OfWhatNothingBeatsIsNone) {
  const std::vector<Measured> judged{run_of(8, {100, 100, 90}), run_of(2, {110, 110, 110})};
  const Regret regret = regret_of(judged[0].choice, judged);
  EXPECT_EQ(regret.ratio, 0);
  EXPECT_EQ(regret.rival, 0U);
}

TEST(RecommendDecision, TheCheapestWithinTwoPercentIsChosen) {
  const std::vector<Measured> runs{measured({Pool::process, 40}, {100, 101, 102}), measured({Pool::thread, 12}, {102, 103, 103}),
                                   measured({Pool::thread, 4}, {120, 121, 122})};
  const Decision decision = decide(runs);
  EXPECT_EQ(decision.choice, 1U);
  EXPECT_THAT(decision.ties, testing::ElementsAre(0U));
}

TEST(RecommendDecision, WhatCannotBeToldFromTheFastestIsChosenIfItIsCheaper) {
  // 3 % slower by the medians, but the intervals overlap.
  const std::vector<Measured> runs{measured({Pool::process, 40}, {1000, 1010, 1020, 1100, 1110}),
                                   measured({Pool::thread, 4}, {1005, 1015, 1050, 1105, 1115})};
  const Decision decision = decide(runs);
  EXPECT_EQ(decision.choice, 1U);
  EXPECT_THAT(decision.ties, testing::ElementsAre(0U));
}

TEST(RecommendDecision, WhatIsSlowerByMoreThanFivePercentIsNotTheChoiceHoweverWideItsInterval) {
  const std::vector<Measured> runs{measured({Pool::process, 40}, {1000, 1010, 1020, 1100, 1110}),
                                   measured({Pool::thread, 4}, {1005, 1015, 1080, 1105, 1115})};
  const Decision decision = decide(runs);
  EXPECT_EQ(decision.choice, 0U);
  EXPECT_THAT(decision.ties, testing::ElementsAre(1U)) << "their intervals overlap: it cannot be told apart";
}

TEST(RecommendDecision, WhatDoesNotOverlapAndIsSlowerByMoreThanTheMarginIsTold) {
  const std::vector<Measured> runs{measured({Pool::process, 40}, {1000, 1001, 1002}),
                                   measured({Pool::thread, 4}, {1025, 1026, 1027})};
  EXPECT_EQ(decide(runs).choice, 0U);
  EXPECT_THAT(decide(runs).ties, testing::IsEmpty());
}

TEST(RecommendDecision, OneRunEachTellsOnlyWhatIsFarSlower) {
  const std::vector<Measured> runs{measured({Pool::thread, 8}, {100}), measured({Pool::thread, 4}, {130}),
                                   measured({Pool::thread, 2}, {160})};
  EXPECT_THAT(decide(runs).ties, testing::ElementsAre(1U));
  EXPECT_EQ(decide(runs).choice, 0U);
}

TEST(RecommendDecision, SaysWhichNumbersOfWorkersAreAsGood) {
  const std::vector<Measured> runs{measured({Pool::thread, 50}, {100, 101, 102}), measured({Pool::thread, 37}, {101, 102, 103}),
                                   measured({Pool::process, 20}, {101, 102, 103}), measured({Pool::thread, 64}, {101, 102, 104}),
                                   measured({Pool::thread, 4}, {120, 121, 122})};
  const Decision decision = decide(runs);
  EXPECT_EQ(runs[decision.choice].choice.workers, 20);
  EXPECT_EQ(decision.fewest_workers, 20);
  EXPECT_EQ(decision.most_workers, 20);
  const std::vector<Measured> threads{runs[0], runs[1], runs[3], runs[4]};
  EXPECT_EQ(decide(threads).fewest_workers, 37);
  EXPECT_EQ(decide(threads).most_workers, 64);
}

TEST(RecommendDecision, NumbersOfWorkersAreAsGoodOnAsManyHosts) {
  const auto over = [](int hosts, int workers) { return Choice{Pool::remote, workers, model::Strategy::none, 0, hosts}; };
  const std::vector<Measured> runs{measured(over(2, 8), {100, 101, 102}), measured(over(1, 4), {101, 102, 103}),
                                   measured(over(1, 6), {101, 102, 103})};
  const Decision decision = decide(runs);
  EXPECT_EQ(decision.choice, 1U) << "fewer hosts are cheaper";
  EXPECT_EQ(decision.fewest_workers, 4);
  EXPECT_EQ(decision.most_workers, 6);
}

// Two runs of the same command, of which the second was a little less lucky with what the first has chosen.
TEST(RecommendDecision, ASecondRunChoosesWhatTheFirstSaysCannotBeToldApart) {
  const std::vector<Measured> first{measured({Pool::process, 42}, {1000, 1004, 1008, 1012, 1040, 1050}),
                                    measured({Pool::thread, 32}, {1030, 1035, 1062, 1064, 1066, 1080})};
  const std::vector<Measured> second{measured({Pool::thread, 32}, {1010, 1015, 1022, 1024, 1046, 1060}),
                                     measured({Pool::process, 42}, {1020, 1024, 1028, 1032, 1040, 1050})};
  const Choice chosen = second[decide(second).choice].choice;
  const Decision before = decide(first);
  EXPECT_TRUE(first[before.choice].choice == chosen ||
              std::any_of(before.ties.begin(), before.ties.end(), [&](std::size_t tie) { return first[tie].choice == chosen; }));
}

TEST(RecommendDecision, ThreadsAreCheaperThanAsManyProcesses) {
  const std::vector<Measured> runs{measured({Pool::process, 4}, {100}), measured({Pool::thread, 4}, {101})};
  EXPECT_EQ(decide(runs).choice, 1U);
}

TEST(RecommendCauses, ALockThatWhatWasRunRefutesIsDropped) {
  Profile profile = profile_with(0, 20 * kMs);
  profile.thread.locked_share = 0.85;
  const Batch batch{.tasks = 30};
  Profile truth = profile_with(0, 20 * kMs);
  std::vector<Measured> runs;
  for (const int workers : {2, 10}) {
    const Choice choice{Pool::thread, workers, model::Strategy::none, 0};
    runs.push_back(measured(choice, {predict_ns(truth, batch, choice)}));
  }
  EXPECT_THAT(drop_refuted(profile, batch, runs), testing::ElementsAre(testing::HasSubstr("lock")));
  EXPECT_EQ(profile.thread.locked_share, 0);
}

TEST(RecommendCauses, ALockThatExplainsWhatWasRunStays) {
  Profile profile = profile_with(0, 20 * kMs);
  profile.thread.locked_share = 0.85;
  const Batch batch{.tasks = 30};
  Profile truth = profile;
  truth.thread.locked_share = 1;
  const Choice choice{Pool::thread, 2, model::Strategy::none, 0};
  EXPECT_THAT(drop_refuted(profile, batch, {measured(choice, {predict_ns(truth, batch, choice)})}), testing::IsEmpty());
  EXPECT_EQ(profile.thread.locked_share, 0.85);
}

TEST(RecommendCauses, ContentionThatMendsLittleIsDropped) {
  Profile profile = profile_with(0, 20 * kMs);
  profile.process.usl = {.alpha = 0.05, .beta = 0};
  const Batch batch{.tasks = 30};
  const Choice choice{Pool::process, 2, model::Strategy::none, 0};
  const std::int64_t without = predict_ns(profile_with(0, 20 * kMs), batch, choice);
  EXPECT_THAT(drop_refuted(profile, batch, {measured(choice, {2 * without})}), testing::SizeIs(1));
  EXPECT_FALSE(profile.process.usl.contends());
}

TEST(RecommendCauses, NothingIsRefutedByWhatWasNotRun) {
  Profile profile = profile_with(0, 20 * kMs);
  profile.thread.locked_share = 1;
  EXPECT_THAT(drop_refuted(profile, {.tasks = 30}, {measured({Pool::process, 2}, {1})}), testing::IsEmpty());
}

TEST(RecommendCauses, WhatIsBeyondNoiseIsSlowerInEveryRun) {
  EXPECT_TRUE(beyond_noise({110, 120, 130}, {100, 101, 109}));
  EXPECT_FALSE(beyond_noise({110, 120, 130}, {100, 101, 111}));
  EXPECT_FALSE(beyond_noise({140}, {100})) << "one run each may be anything";
  EXPECT_TRUE(beyond_noise({160}, {100}));
}

}  // namespace
}  // namespace harness::recommend
