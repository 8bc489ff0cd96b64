#pragma once

// Where the interpreters of this machine are, and the driver scripts of this program.
//
// Thread safety: any thread.

#include <filesystem>
#include <optional>
#include <string_view>

namespace harness::drivers {

// The first executable file of that name along `path` (as the variable PATH; by default that); nothing if there is none.
std::optional<std::filesystem::path> find_program(std::string_view name, std::string_view path);
std::optional<std::filesystem::path> find_program(std::string_view name);

// A file of scripts/drivers, "cpython/driver.py": beside the installed program, else in the source tree. Throws ConfigError if it is in
// neither.
std::filesystem::path require_script(std::string_view name);

}  // namespace harness::drivers
