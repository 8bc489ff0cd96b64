#pragma once

// How often the error hook was called while one of these lives.

#include <atomic>
#include <exception>
#include <string_view>

#include "pools/errors.h"

namespace pools::faults {

class CountedReports {
 public:
  CountedReports() : before_(set_error_hook(&count)) { reports_ = 0; }
  ~CountedReports() { set_error_hook(before_); }
  CountedReports(const CountedReports&) = delete;
  CountedReports& operator=(const CountedReports&) = delete;

  static int so_far() { return reports_; }

 private:
  static void count(std::string_view, const std::exception_ptr&) noexcept { ++reports_; }
  static inline std::atomic<int> reports_{0};
  ErrorHook before_;
};

}  // namespace pools::faults
