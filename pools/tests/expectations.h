#pragma once

// What the tests of the pools look at: errors by type and message, the error hook, states that come about by themselves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <chrono>
#include <exception>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "pools/errors.h"

// The statement throws a `type` whose what() matches.
#define POOLS_EXPECT_THROW_WHAT(statement, type, matcher)          \
  try {                                                            \
    static_cast<void>(statement);                                  \
    ADD_FAILURE() << "expected " #type ", but nothing was thrown"; \
  } catch (const type& thrown_by_statement) {                      \
    EXPECT_THAT(std::string(thrown_by_statement.what()), matcher); \
  }

namespace pools::test {

inline constexpr std::chrono::nanoseconds kNoTime{0};

// Takes the place of the error hook and keeps what it is told. One at a time.
class ErrorHookSpy {
 public:
  ErrorHookSpy() : previous_((all().clear(), set_error_hook(&note))) {}
  ~ErrorHookSpy() { set_error_hook(previous_); }
  ErrorHookSpy(const ErrorHookSpy&) = delete;
  ErrorHookSpy& operator=(const ErrorHookSpy&) = delete;

  // To be read when nothing reports any more.
  const std::vector<std::string>& reports() const { return all(); }

 private:
  static std::vector<std::string>& all() {
    static std::vector<std::string> reports;
    return reports;
  }
  static void note(std::string_view where, const std::exception_ptr& error) noexcept {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& exception) {
      all().push_back(std::string(where) + ": " + exception.what());
    } catch (...) {
      all().push_back(std::string(where) + ": ?");
    }
  }
  ErrorHook previous_;
};

// For what comes about soon and has no gate. If it does not, the test's timeout ends it.
template <class Condition>
void wait_until(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

}  // namespace pools::test
