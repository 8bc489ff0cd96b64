#pragma once

// The backends that drivers run: those of this program, the same of another Python, and any program of the user's, "driver:PATH".
//
// Thread safety: any thread.

#include <span>
#include <string>
#include <string_view>

#include "harness/engine/drivers/driver_backend.h"

namespace harness::drivers {

inline constexpr std::string_view kPrefix = "driver:";

// In a fixed order: one line each in backends/cpython.cpp and backends/node.cpp. Constant.
std::span<const DriverBackend* const> builtin_backends();

// Of "driver:PATH". Made at the first call, which asks the driver; it lives as long as the program. Throws ConfigError with one line that
// begins with the name: no such program, or how it fails to say who it is.
const DriverBackend& backend_at(std::string_view name);

// Makes the executors of another Python known, "cpython_thread@3.13", and returns what their names end in, "@3.13"; of a build without a
// GIL "@3.13t", of a second Python of that version "@3.13_2". Throws ConfigError with one line: no such Python.
std::string add_python(const std::string& path);

// How another process of this program makes one that has been made here, or finds the Python that this one has found, without asking its
// driver: empty for all others.
std::string origin_of(std::string_view name);
void remember(std::string_view name, std::string_view origin);

// One of this program's, or one that has been made; else null. Asks nobody.
const DriverBackend* known_backend(std::string_view name);

}  // namespace harness::drivers
