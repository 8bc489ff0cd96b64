#pragma once

// Workloads of which there are as many as users have names for: each is made when it is first named, and lives as long as the program.
//
// Thread safety: any thread.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "workloads/work.h"

namespace workloads {

// Made(std::string name) is a Workload.
template <class Made>
class NamedWorkloads {
 public:
  const Workload& named(std::string_view name) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<const Made>& known = all_[std::string(name)];
    if (known == nullptr) known = std::make_unique<const Made>(std::string(name));
    return *known;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<const Made>, std::less<>> all_;  // guarded by mutex_
};

}  // namespace workloads
