#pragma once

// CPython's executors, each a backend that scripts/drivers/cpython/driver.py runs: on the python3 of the PATH, and on any other Python.

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/engine/drivers/driver_backend.h"

namespace harness {

// Of the python3 on the PATH, in a fixed order. Constant; any thread.
std::span<const drivers::DriverBackend* const> cpython_backends();

// The same of another Python, with what tells them apart at the end of their names.
std::vector<std::unique_ptr<drivers::DriverBackend>> cpython_backends_of(const std::filesystem::path& python,
                                                                         const std::string& suffix);

}  // namespace harness
