#pragma once

// A suite on other Pythons than the one on the PATH: what --python means.

#include <string>
#include <vector>

#include "harness/plan/suite.h"

namespace harness {

// The suite with each backend of Python's executors in place of itself on each of the Pythons, in that order: "cpython_thread" becomes
// "cpython_thread@3.12", "cpython_thread@3.13". The frozen text stays as it is. Without a path: the suite as it is. Throws ConfigError: no
// such Python; the suite has no such backend.
Suite on_pythons(Suite suite, const std::vector<std::string>& paths);

// The same of one backend. Throws ConfigError, also for a backend that is none of Python's.
std::string on_python(const std::string& backend, const std::string& path);

}  // namespace harness
