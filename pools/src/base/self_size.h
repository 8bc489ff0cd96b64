#pragma once

// How many workers a pool needs for what they do: the arithmetic of pools that size themselves, without threads and clocks.
//
// While W is the time that tasks wait and C the time that they compute, k workers keep P cores busy as a closed network does of a delay station
// (W, as many at a time as there are) and a processor-sharing station of P cores (C): in the steady state n of the k tasks compute with probability
//
//     p(n) ~ k! / (k - n)! * (C / W)^n / (min(1, P) * ... * min(n, P))
//
// whatever the distributions of W and C are (Baskett, Chandy, Muntz, Palacios, JACM 22, 1975: both stations are insensitive). U(k) = E min(n, P) / P
// is the share of the cores that computes. Little's law alone, k = P (1 + W/C), is the knee of the two bounds of U, where it is 0.80 to 0.99.

#include <chrono>
#include <cstdint>

#include "pools/worker_count.h"

namespace pools::detail {

// U(k), for `ratio` = W / C >= 0, workers >= 1, cores >= 1. Grows with `workers`.
double utilisation(int workers, int cores, double ratio) noexcept;

// The smallest size from 1 to `most` for which U is at least `share` (< 1); `most` if there is none.
int least_size(int cores, double ratio, double share, int most) noexcept;

// What the workers of a pool did in an interval, all of them added up, and how the pool was at its end.
struct WorkSample {
  std::chrono::nanoseconds length{0};    // > 0; of the interval
  std::chrono::nanoseconds busy{0};      // with a task
  std::chrono::nanoseconds computed{0};  // on a core
  std::chrono::nanoseconds delayed{0};   // waiting for a core; 0 where that is not known
  std::uint64_t ended = 0;               // tasks
  int running = 0;                       // tasks
  std::uint64_t queued = 0;              // tasks
};

// Says after each interval how many workers there are to be. A value; no thread may use it while another changes it.
//
// The ratio is that of two totals, waited over computed, both with weights that fall off exponentially with time: by Little's law these totals count
// tasks in progress as well as tasks that end, so that it needs no task to end. There are two such windows. The long one decides. When the short one
// says something else for several looks, the load has changed, and takes the place of the long one. Both are longer for longer tasks.
//
// It settles since there is a dead band: it grows to U = 98 % when U is below 96.5 %, and shrinks to it when 99.7 % were to be had with fewer. A
// change in the other direction than the last one comes a second after it at the earliest. It grows at most to the double in a step, and shrinks to
// the half.
//
// It only grows where tasks wait in the queue, all workers are at work, and the cores are not all computing. The latter bounds it also where
// `delayed` is not known and counts as waited: then C / length = U * P and busy = k * length, so that P (1 + W / C) = k / U: once U is 1 no larger
// size is asked for, and it stays.
class SelfSize {
 public:
  static constexpr double kAim = 0.98;
  static constexpr double kGrowBelow = 0.965;
  static constexpr double kShrinkAbove = 0.997;
  static constexpr std::chrono::seconds kKept{5};  // what has not been needed for once to twice this long is given up

  // A size out of the bounds is brought into them. It is also what is left when no task has come for long.
  SelfSize(const SelfSizing& bounds, int size) noexcept;

  int size() const noexcept { return size_; }
  // The new size. It takes it that the pool has it from now on. cores: >= 1, that there are now.
  int next(const WorkSample& sample, int cores) noexcept;
  // The pool has another size than next() has said: no more could be started.
  void is_now(int size) noexcept { size_ = bounded(size); }
  // Nothing would change however long no task runs.
  bool at_rest() const noexcept { return size_ <= rest_; }

 private:
  struct Totals {
    double busy = 0;
    double waited = 0;  // may be below 0 for a moment: what is told late
    double computed = 0;
    double length = 0;
    double ended = 0;
    void add(const WorkSample& sample, double time_constant) noexcept;
    double ratio() const noexcept;
  };

  int bounded(int size) const noexcept;
  int within_reach() const noexcept;                        // the largest of the next step
  void look(const WorkSample& sample, int cores) noexcept;  // at the totals
  int by_need(const WorkSample& sample) noexcept;           // what no task has needed for long is given up
  int by_ratio(const WorkSample& sample, int cores) const noexcept;

  SelfSizing bounds_;
  int rest_ = 1;
  int size_ = 1;
  Totals long_;
  Totals short_;
  int disagree_ = 0;   // looks in a row at which the short window said more (> 0), or less (< 0)
  int direction_ = 0;  // of the last change
  std::chrono::nanoseconds since_change_{0};
  std::uint64_t needed_ = 0;         // at most, in this spell of kKept
  std::uint64_t needed_before_ = 0;  // in the one before
  std::chrono::nanoseconds spell_{0};
};

}  // namespace pools::detail
