#pragma once

// A task of the crash table's own host (contender.cpp): how it ended, whatever its result is.

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <utility>

#include "pools/errors.h"
#include "pools/future.h"

namespace pools::faults::contender {

using Clock = std::chrono::steady_clock;

// How a task ended, once it has.
struct End {
  std::string end = "lost";
  std::string what;
};
// A task that has been submitted, whatever its result is: asked with a deadline.
using Task = std::function<End(Clock::time_point)>;

inline std::string name_of(const std::exception& error) {
  if (dynamic_cast<const TimeLimitError*>(&error) != nullptr) return "TimeLimitError";
  if (dynamic_cast<const QuarantinedError*>(&error) != nullptr) return "QuarantinedError";
  if (dynamic_cast<const WorkerDied*>(&error) != nullptr) return "WorkerDied";
  if (dynamic_cast<const BrokenPoolError*>(&error) != nullptr) return "BrokenPoolError";
  if (dynamic_cast<const RecursionError*>(&error) != nullptr) return "RecursionError";
  if (const auto* const remote = dynamic_cast<const RemoteError*>(&error)) return "RemoteError, " + remote->type();
  return dynamic_cast<const Error*>(&error) != nullptr ? "Error" : "std::exception";
}

template <class T>
Task task_of(const Future<T>& future, std::function<bool(const T&)> is_right) {
  return [future, is_right = std::move(is_right)](Clock::time_point until) -> End {
    try {
      const T& value = future.result(std::max(Clock::duration{0}, until - Clock::now()));
      return {is_right(value) ? "right" : "wrong", ""};
    } catch (const std::exception& error) {
      if (!future.done()) return {};
      return {"failed", name_of(error) + ": " + error.what()};
    }
  };
}
inline Task failed(const std::exception& error) {
  return [end = End{"failed", name_of(error) + ": " + error.what()}](Clock::time_point) { return end; };
}

}  // namespace pools::faults::contender
