#pragma once

// A limit of this process's resources that ends with its scope.

#include <sys/resource.h>

#include <cerrno>
#include <system_error>

namespace pools::test {

class SoftLimit {
 public:
  SoftLimit(__rlimit_resource resource, rlim_t limit) : resource_(resource) {
    ::getrlimit(resource_, &before_);
    const rlimit now{.rlim_cur = limit, .rlim_max = before_.rlim_max};
    if (::setrlimit(resource_, &now) != 0) throw std::system_error(errno, std::generic_category(), "setrlimit");
  }
  ~SoftLimit() { ::setrlimit(resource_, &before_); }
  SoftLimit(const SoftLimit&) = delete;
  SoftLimit& operator=(const SoftLimit&) = delete;

 private:
  __rlimit_resource resource_;
  rlimit before_{};
};

}  // namespace pools::test
