// From runs of some tasks to all of them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "harness/base/quantity.h"
#include "harness/recommend/extrapolation.h"
#include "harness/tests/recommend/known_numbers.h"

namespace harness::recommend {
namespace {

using testing_recommend::profile_with;

Measured run_off(const Choice& choice, std::int64_t predicted_ns, std::int64_t measured_ns) {
  return {choice, predicted_ns, {measured_ns, measured_ns}, measured_ns, {}};
}

std::int64_t predicted(const Extrapolation& answer, int workers) {
  const auto at = std::find_if(answer.curve.begin(), answer.curve.end(), [&](const Point& point) {
    return point.choice.pool == Pool::thread && point.choice.workers == workers;
  });
  EXPECT_NE(at, answer.curve.end()) << workers;
  return at == answer.curve.end() ? 0 : at->predicted_ns;
}

TEST(Extrapolation, EachChoiceIsCalibratedByItsOwnRunsAndOthersByThoseOfItsPool) {
  const std::vector<Measured> runs{run_off({Pool::thread, 1}, 100, 110), run_off({Pool::thread, 8}, 100, 150),
                                   run_off({Pool::thread, 10}, 100, 200)};
  const Extrapolation answer = extrapolate(profile_with(20 * kMs, 0), {.tasks = 80, .pools = {Pool::thread}}, 64, runs);
  EXPECT_EQ(answer.one_at_a_time_ns, 1600 * kMs);
  EXPECT_EQ(predicted(answer, 1), 1760 * kMs);
  EXPECT_EQ(predicted(answer, 10), 320 * kMs);
  EXPECT_EQ(predicted(answer, 2), 1200 * kMs) << "as those of several";
}

TEST(Extrapolation, NoMoreAreDoneAtATimeThanThereAreWorkers) {
  const std::vector<Measured> runs{run_off({Pool::thread, 10}, 100, 10)};  // of fewer tasks, which happened to be short
  const Extrapolation answer = extrapolate(profile_with(20 * kMs, 0), {.tasks = 80, .pools = {Pool::thread}}, 64, runs);
  EXPECT_EQ(predicted(answer, 10), 160 * kMs);
  EXPECT_EQ(predicted(answer, 1), 1600 * kMs);
}

TEST(Extrapolation, NothingIsDoneBeforeTheLongestTaskIs) {
  const Extrapolation answer =
      extrapolate(profile_with(20 * kMs, 0), {.tasks = 80, .pools = {Pool::thread}}, 80, {run_off({Pool::thread, 8}, 100, 10)});
  EXPECT_EQ(answer.predicted_ns, 20 * kMs);
  EXPECT_EQ(predicted(answer, 1), 1600 * kMs) << "one after the other is no faster than its tasks";
}

Point point_of(const Extrapolation& answer, model::Strategy strategy, int workers) {
  const auto at = std::find_if(answer.curve.begin(), answer.curve.end(), [&](const Point& point) {
    return point.choice.pool == Pool::thread && point.choice.strategy == strategy && point.choice.workers == workers;
  });
  EXPECT_NE(at, answer.curve.end());
  return at == answer.curve.end() ? Point{} : *at;
}

TEST(Extrapolation, RunsOfAStrategySpeakForItWhateverItsParsersAndForNoOther) {
  const Batch all{.tasks = 80, .callback = {.compute_ns = 2 * kMs}, .pools = {Pool::thread}, .python = true};
  const Profile profile = profile_with(20 * kMs, 0);
  const std::vector<Measured> runs{run_off({Pool::thread, 8, model::Strategy::extra, 5}, 100, 1000),
                                   run_off({Pool::thread, 8, model::Strategy::fused}, 100, 100)};
  const Extrapolation answer = extrapolate(profile, all, 40, runs);
  const Point extra = point_of(answer, model::Strategy::extra, 10);
  EXPECT_EQ(extra.predicted_ns, 10 * predict_ns(profile, all, extra.choice));
  const Point fused = point_of(answer, model::Strategy::fused, 10);
  EXPECT_EQ(fused.predicted_ns, predict_ns(profile, all, fused.choice));
}

TEST(Extrapolation, CallbacksThatAreRunElsewhereBoundNoWorkers) {
  const Batch all{.tasks = 40, .callback = {.wait_ns = 20 * kMs}, .pools = {Pool::thread}, .python = true};
  const Profile profile = profile_with(20 * kMs, 0);
  const Extrapolation answer = extrapolate(profile, all, 40, {});
  const Point extra = point_of(answer, model::Strategy::extra, 1);
  EXPECT_LT(extra.predicted_ns, 1600 * kMs);
  EXPECT_EQ(extra.predicted_ns, predict_ns(profile, all, extra.choice));
}

TEST(Extrapolation, TheCheapestOfWhatIsAsGoodIsTheChoiceAndTheOthersAreNumbered) {
  const Extrapolation answer = extrapolate(profile_with(0, 20 * kMs), {.tasks = 80, .pools = {Pool::thread}}, 16, {});
  EXPECT_EQ(answer.choice, (Choice{Pool::thread, 2}));
  EXPECT_EQ(answer.fewest_workers, 2);
  EXPECT_EQ(answer.most_workers, 16) << "two cores compute them as fast for any more";
}

}  // namespace
}  // namespace harness::recommend
