#include "pools/src/base/self_size.h"

#include <algorithm>
#include <cmath>

namespace pools::detail {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr double kShortest = 0.1;  // s; the short window at least, and how many tasks' lengths
constexpr double kShortTasks = 2;
constexpr double kLong = 0.7;
constexpr double kLongTasks = 8;
constexpr double kLongest = 4;     // s
constexpr double kDisagree = 1.4;  // between the windows' sizes
constexpr int kDisagreeLooks = 3;
constexpr double kAllComputing = 0.97;
constexpr double kAllAtWork = 0.9;
constexpr std::chrono::seconds kTurn{1};

}  // namespace

double utilisation(int workers, int cores, double ratio) noexcept {
  if (ratio <= 0) return std::min(1.0, static_cast<double>(workers) / cores);
  // p(n) / p(0), and their sums; scaled down before they overflow.
  double term = 1;
  double sum = 1;
  double computing = 0;
  for (int n = 1; n <= workers; ++n) {
    const double served = std::min(n, cores);
    term *= (workers - n + 1) / (ratio * served);
    sum += term;
    computing += served * term;
    if (term > 1e200) {
      term *= 1e-200;
      sum *= 1e-200;
      computing *= 1e-200;
    }
  }
  return computing / sum / cores;
}

int least_size(int cores, double ratio, double share, int most) noexcept {
  // U is at most k / (P (1 + W/C)).
  const double lowest = std::ceil(share * cores * (1 + std::max(0.0, ratio)));
  if (!(lowest < most)) return most;
  int low = std::max(1, static_cast<int>(lowest));
  int high = most;
  while (low < high) {
    const int middle = low + (high - low) / 2;
    if (utilisation(middle, cores, ratio) >= share) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

void SelfSize::Totals::add(const WorkSample& sample, double time_constant) noexcept {
  const double seconds = Seconds(sample.length).count();
  const double kept = std::exp(-seconds / time_constant);
  const auto grow = [kept](double& total, double by) { total = total * kept + by; };
  grow(busy, Seconds(sample.busy).count());
  grow(waited, Seconds(sample.busy - sample.computed - sample.delayed).count());
  grow(computed, Seconds(sample.computed).count());
  grow(length, seconds);
  grow(ended, static_cast<double>(sample.ended));
}

double SelfSize::Totals::ratio() const noexcept {
  if (waited <= 0) return 0;
  return computed > 0 ? waited / computed : HUGE_VAL;
}

SelfSize::SelfSize(const SelfSizing& bounds, int size) noexcept : bounds_(bounds), rest_(bounded(size)), size_(rest_) {}

int SelfSize::bounded(int size) const noexcept { return std::clamp(size, bounds_.min, bounds_.max); }
int SelfSize::within_reach() const noexcept { return size_ > bounds_.max / 2 ? bounds_.max : 2 * size_; }

void SelfSize::look(const WorkSample& sample, int cores) noexcept {
  // Those in progress count as ended here, so that tasks that never end have a length, too.
  const auto length_in = [&sample](const Totals& totals) {
    const double tasks = totals.ended + sample.running;
    return tasks > 0 ? totals.busy / tasks : 0;
  };
  const double task =
      std::min(length_in(long_), length_in(short_));  // the shorter one: it is that sooner when they become shorter
  short_.add(sample, std::clamp(kShortTasks * task, kShortest, kLongest));
  long_.add(sample, std::clamp(kLongTasks * task, kLong, kLongest));
  const int said = least_size(cores, long_.ratio(), kAim, within_reach());
  const int lately = least_size(cores, short_.ratio(), kAim, within_reach());
  const int sign = lately >= said * kDisagree ? 1 : said >= lately * kDisagree ? -1 : 0;
  disagree_ = sign * disagree_ > 0 ? disagree_ + sign : sign;
  if (std::abs(disagree_) < kDisagreeLooks) return;
  long_ = short_;
  disagree_ = 0;
}

int SelfSize::by_need(const WorkSample& sample) noexcept {
  needed_ = std::max(needed_, sample.queued + static_cast<std::uint64_t>(sample.running));
  spell_ += sample.length;
  if (spell_ < kKept) return size_;
  const std::uint64_t most = std::max(needed_, needed_before_);
  needed_before_ = needed_;
  needed_ = 0;
  spell_ = std::chrono::nanoseconds(0);
  // A quarter more than was needed stays: the number of clients that come is never quite the same.
  return most + most / 4 < static_cast<std::uint64_t>(size_) ? std::min(size_, std::max(rest_, static_cast<int>(most))) : size_;
}

int SelfSize::by_ratio(const WorkSample& sample, int cores) const noexcept {
  const double ratio = long_.ratio();
  if (size_ > least_size(cores, ratio, kShrinkAbove, size_)) {
    return std::max(least_size(cores, ratio, kAim, size_), size_ / 2);
  }
  const bool may_grow =
      sample.queued > 0 && sample.running >= kAllAtWork * size_ && short_.computed < kAllComputing * cores * short_.length;
  if (!may_grow || utilisation(size_, cores, ratio) >= kGrowBelow) return size_;
  const int wanted = least_size(cores, ratio, kAim, within_reach());
  const std::uint64_t tasks = sample.queued + static_cast<std::uint64_t>(sample.running);
  return std::max(size_, static_cast<int>(std::min<std::uint64_t>(tasks, static_cast<std::uint64_t>(wanted))));
}

int SelfSize::next(const WorkSample& sample, int cores) noexcept {
  since_change_ += sample.length;
  int wanted = by_need(sample);
  if (sample.busy > std::chrono::nanoseconds(0)) {
    look(sample, cores);
    if (wanted == size_) wanted = by_ratio(sample, cores);
  }
  wanted = bounded(wanted);
  const int direction = wanted > size_ ? 1 : wanted < size_ ? -1 : 0;
  if (direction == 0 || (direction == -direction_ && since_change_ < kTurn)) return size_;
  direction_ = direction;
  since_change_ = std::chrono::nanoseconds(0);
  return size_ = wanted;
}

}  // namespace pools::detail
