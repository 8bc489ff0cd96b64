// A sweep of predictions on a fake clock: what it says meanwhile, and what it has when it is stopped.

#include "harness/cli/predict_sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace harness {
namespace {

using std::chrono::nanoseconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

PredictRequest request(const std::string& sweep, const std::string& strategy = "none") {
  PredictOptions options;
  options.base.backend = "thread";
  options.base.tasks = "100x10ms";
  options.base.strategy = strategy;
  options.sweeps = {sweep};
  return predict_request(options, 2);
}

// Each look at the clock takes `step`.
struct Clock {
  nanoseconds step;
  nanoseconds time{0};
  std::vector<std::string> said = {};
  std::size_t looks = 0;
  std::size_t stop_after = SIZE_MAX;  // points

  PredictSeams seams(bool animated = false) {
    ProgressOptions progress;
    progress.animated = animated;
    progress.write = [this](const std::string& text) { said.push_back(text); };
    return {[this] { return time += step; }, [this] { return looks++ >= stop_after; }, progress};
  }
};

TEST(PredictSweep, SaysNothingWithinASecond) {
  Clock clock{std::chrono::milliseconds(9)};
  PredictRequest points = request("workers=1..100");
  const PredictedSweep sweep = predict_points(points, false, clock.seams());
  EXPECT_THAT(sweep.rows, SizeIs(100));
  EXPECT_FALSE(sweep.interrupted);
  EXPECT_EQ(sweep.rows[sweep.best].sizes.workers, 100);
  EXPECT_THAT(clock.said, IsEmpty());
}

TEST(PredictSweep, SaysAfterASecondHowLongItWillTakeAndThenEveryHalfMinute) {
  Clock clock{std::chrono::milliseconds(500)};
  PredictRequest points = request("workers=1..100");
  predict_points(points, false, clock.seams());
  ASSERT_THAT(clock.said, SizeIs(2));  // in 50 s
  EXPECT_EQ(clock.said[0], "predict: 2 of 100 cases, about 49 s left; Ctrl-C prints what there is\n");
  EXPECT_THAT(clock.said[1], StartsWith("predict: 62 of 100 cases, about 19 s left"));
}

TEST(PredictSweep, RedrawsOneLineOnATerminalAndClearsIt) {
  Clock clock{std::chrono::milliseconds(500)};
  PredictRequest points = request("workers=1..10");
  predict_points(points, false, clock.seams(true));
  ASSERT_GT(clock.said.size(), 3U);
  EXPECT_THAT(clock.said.front(), StartsWith("\r\x1b[Kpredict: 2 of 10 cases"));
  EXPECT_EQ(clock.said.back(), "\r\x1b[K");
}

TEST(PredictSweep, KeepsWhatItHasWhenItIsStopped) {
  Clock clock{std::chrono::milliseconds(1)};
  clock.stop_after = 3;
  PredictRequest points = request("workers=1..100");
  const PredictedSweep sweep = predict_points(points, true, clock.seams());
  EXPECT_TRUE(sweep.interrupted);
  ASSERT_THAT(sweep.rows, SizeIs(3));
  EXPECT_EQ(sweep.rows[2].sizes.workers, 3);
  EXPECT_EQ(sweep.rows[sweep.best].sizes.workers, 3);
  EXPECT_FALSE(sweep.rows[0].decides.empty());
}

TEST(PredictSweep, HasThePointsOfAllAxesTheLastFastest) {
  PredictOptions options;
  options.base.backend = "process";
  options.base.tasks = "8x10ms";
  options.base.callbacks = "10ms";
  options.base.strategy = "extra";
  options.sweeps = {"workers=1,2", "parsers=1..3"};
  PredictRequest points = predict_request(options, 2);
  ASSERT_EQ(points.points(), 6U);
  std::string order;
  for (std::size_t i = 0; i < points.points(); ++i) {
    const PredictedPoint& point = points.move_to(i);
    order += std::to_string(point.factors.workers) + "/" + std::to_string(point.model_case.parsers) + " ";
  }
  EXPECT_EQ(order, "1/1 1/2 1/3 2/1 2/2 2/3 ");
}

}  // namespace
}  // namespace harness
