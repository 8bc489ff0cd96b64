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

// The python3 of the PATH; where that is a shim, what it finds, for which it is asked once. Nothing if there is none. Any thread.
std::optional<std::filesystem::path> python_on_path();
// What it is, as another process of this program has found. Before the first python_on_path().
void set_python_on_path(std::filesystem::path python);

// The same of another Python, with what tells them apart at the end of their names.
std::vector<std::unique_ptr<drivers::DriverBackend>> cpython_backends_of(const std::filesystem::path& python,
                                                                         const std::string& suffix);

}  // namespace harness
