#pragma once

// What .NET's thread pool does instead (PortableThreadPool.HillClimbing of dotnet/runtime; Hellerstein, Morrison, Eilebrecht: Optimizing concurrency
// levels in the .NET thread pool, DEPSA 2010): it makes the number of threads go up and down as a square wave, looks by Fourier analysis whether the
// throughput goes along, and moves where it does. Written anew from its description, with its constants; its injection of a thread each half second
// when no task ends is left out, since tasks end here all the time.

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <random>
#include <utility>
#include <vector>

#include "pools/tests/sizing/simulation.h"

namespace pools::test {

class HillClimbing {
 public:
  HillClimbing(const SelfSizing& bounds, int cores, unsigned seed) : bounds_(bounds), cores_(cores), random_(seed) {
    draw_interval();
  }

  double operator()(PoolSimulation& pool) {
    if (pool.now() <= 0) {
      setting_ = pool.size();
      return interval_;
    }
    time_ += pool.now() - last_time_;
    ended_ += static_cast<double>(pool.ended() - last_ended_);
    used_ = (pool.computed() - last_computed_) / (pool.now() - last_time_) / cores_;
    last_time_ = pool.now();
    last_ended_ = pool.ended();
    last_computed_ = pool.computed();
    // Each thread may count one task that was not all of this time.
    if (!rates_.empty() && (ended_ == 0 || (pool.size() - 1) / ended_ >= kMostError)) return pool.now() + 0.01;
    rates_.push_back(ended_ / time_);
    sizes_.push_back(pool.size());
    const double length = time_;
    time_ = 0;
    ended_ = 0;
    return pool.now() + move(pool, length);
  }

 private:
  using Complex = std::complex<double>;
  static constexpr int kPeriod = 4;  // samples in a wave
  static constexpr int kHistory = 8 * kPeriod;
  static constexpr double kBias = 0.15;  // a thread has to bring so much of its share
  static constexpr double kSignalToNoise = 3;
  static constexpr double kPerSecond = 4;
  static constexpr double kMostPerSample = 20;
  static constexpr double kSmoothing = 0.01;
  static constexpr double kMostError = 0.15;
  static constexpr double kMostUsed = 0.95;
  static constexpr int kMostWave = 20;

  void draw_interval() { interval_ = std::uniform_int_distribution<>(10, 200)(random_) / 1000.0; }

  // The component of the last `count` values with that period (Goertzel).
  static Complex wave(const std::vector<double>& values, int count, double period) {
    const double angle = 2 * std::numbers::pi / period;
    double before = 0;
    double now = 0;
    for (auto at = values.end() - count; at != values.end(); ++at)
      before = std::exchange(now, 2 * std::cos(angle) * now - before + *at);
    return Complex(now - before * std::cos(angle), before * std::sin(angle)) / static_cast<double>(count);
  }
  static double mean(const std::vector<double>& values, int count) {
    double sum = 0;
    for (auto at = values.end() - count; at != values.end(); ++at) sum += *at;
    return sum / count;
  }

  double move(PoolSimulation& pool, double length) {
    double slope = 0;
    double confidence = 0;
    const int count = std::min(static_cast<int>(rates_.size()) - 1, kHistory) / kPeriod * kPeriod;
    if (count > kPeriod) {
      const double rate = mean(rates_, count);
      const Complex answer = wave(rates_, count, kPeriod) / rate;
      const double waves = static_cast<double>(count) / kPeriod;
      double noise = std::abs(wave(rates_, count, count / (waves + 1)) / rate);
      if (count / (waves - 1) <= count) noise = std::max(noise, std::abs(wave(rates_, count, count / (waves - 1)) / rate));
      noise_ = noise_ == 0 ? noise : kSmoothing * noise + (1 - kSmoothing) * noise_;
      const Complex cause = wave(sizes_, count, kPeriod) / mean(sizes_, count);
      if (std::abs(cause) > 0) slope = ((answer - kBias * cause) / cause).real();
      const double most = std::max(noise_, noise);
      confidence = most > 0 ? std::abs(cause) / most / kSignalToNoise : 1;
    }
    double by = std::clamp(slope, -1.0, 1.0) * std::clamp(confidence, 0.0, 1.0);
    by = std::min(std::copysign(by * by, by) * kPerSecond * length, kMostPerSample);
    if (by > 0 && used_ > kMostUsed) by = 0;
    setting_ += by;
    const int height = std::clamp(static_cast<int>(0.5 + setting_ * noise_ * kSignalToNoise * 2), 1, kMostWave);
    setting_ = std::max<double>(bounds_.min, std::min<double>(bounds_.max - height, setting_));
    const int up = static_cast<int>(rates_.size()) / (kPeriod / 2) % 2;
    const int size = std::clamp(static_cast<int>(setting_ + height * up), bounds_.min, bounds_.max);
    if (size != pool.size()) {
      pool.resize(size);
      draw_interval();
    }
    return slope < 0 && size == bounds_.min ? interval_ * 10 * std::min(-slope, 1.0) : interval_;
  }

  SelfSizing bounds_;
  int cores_;
  std::mt19937_64 random_;
  std::vector<double> rates_;
  std::vector<double> sizes_;
  double setting_ = 0;
  double noise_ = 0;
  double interval_ = 0;
  double used_ = 0;
  double time_ = 0;
  double ended_ = 0;
  double last_time_ = 0;
  double last_computed_ = 0;
  std::uint64_t last_ended_ = 0;
};

}  // namespace pools::test
