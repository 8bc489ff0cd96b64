#pragma once

// Which hosts fail again and again, and are not to be trusted with a task until they have shown that they can run one.

#include <algorithm>
#include <chrono>
#include <map>
#include <string>

namespace pools::detail {

// By name. Not thread-safe.
class Fences {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Fences(int after) : after_(after) {}

  void lost(const std::string& host, Clock::time_point now) {
    Record& record = records_[host];
    ++record.in_a_row;
    if (record.in_a_row < after_) return;
    const int beyond = std::min(record.in_a_row - after_, 5);
    record.until = now + std::min<Clock::duration>(std::chrono::seconds(30), std::chrono::seconds(1) * (1 << beyond));
  }
  void ended_a_task(const std::string& host) {
    if (!records_.empty()) records_.erase(host);
  }
  bool fenced(const std::string& host) const {
    const auto found = records_.find(host);
    return found != records_.end() && found->second.in_a_row >= after_;
  }
  // Until when it has to wait for its probe. REQUIRES: fenced(host).
  Clock::time_point until(const std::string& host) const { return records_.at(host).until; }

 private:
  struct Record {
    int in_a_row = 0;  // losses, no task having ended in between
    Clock::time_point until{};
  };
  const int after_;
  std::map<std::string, Record> records_;
};

}  // namespace pools::detail
