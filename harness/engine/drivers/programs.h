#pragma once

// Where the interpreters of this machine are, and the scripts of this program.
//
// Thread safety: any thread.

#include <filesystem>
#include <optional>
#include <string_view>

namespace harness::drivers {

// The first executable file of that name along `path` (as the variable PATH; by default that); nothing if there is none.
std::optional<std::filesystem::path> find_program(std::string_view name, std::string_view path);
std::optional<std::filesystem::path> find_program(std::string_view name);

// Whether it is a script of pyenv's or asdf's, which looks for the program that it then executes: a third of a second each time.
bool is_shim(const std::filesystem::path& program);

// A file of scripts/, "python": beside the installed program, else in the source tree. Throws ConfigError if it is in neither; `what`
// names it in the message: "a driver".
std::filesystem::path require_own_file(std::string_view name, std::string_view what);

// A file of scripts/drivers, "cpython/driver.py". Throws likewise.
std::filesystem::path require_script(std::string_view name);

}  // namespace harness::drivers
