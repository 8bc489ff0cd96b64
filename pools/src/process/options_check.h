#pragma once

// Options out of range, said in words.

#include <stdexcept>
#include <string>

namespace pools::detail {

// Throws std::invalid_argument unless `good`: "the crash limit is -1; allowed: 0 (never) and more".
template <class Value>
void require(bool good, const char* what, Value value, const char* allowed) {
  if (!good) throw std::invalid_argument(std::string(what) + " is " + std::to_string(value) + "; allowed: " + allowed);
}

// Of a pool of processes, here or on other hosts.
template <class Options>
void require_sane_retries_and_deaths(const Options& options) {
  require(options.retry.retries >= 0, "the number of retries", options.retry.retries, "0 and more");
  require(options.retry.backoff.count() >= 0, "the back-off in ns", options.retry.backoff.count(), "0 and more");
  require(options.retry.max_backoff >= options.retry.backoff, "the longest back-off in ns", options.retry.max_backoff.count(),
          "no less than the first");
  require(options.quarantine_after >= 1, "the number of deaths before quarantine", options.quarantine_after, "1 and more");
  require(options.crash_limit >= 0, "the crash limit", options.crash_limit, "0 (never) and more");
  require(options.max_tasks_per_child >= 0, "the number of tasks per child", options.max_tasks_per_child, "0 (any) and more");
}

}  // namespace pools::detail
