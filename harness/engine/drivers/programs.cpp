#include "harness/engine/drivers/programs.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>

#include "harness/base/errors.h"

namespace harness::drivers {

std::optional<std::filesystem::path> find_program(std::string_view name, std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find(':'), path.size());
    // An empty entry means the working directory to a shell; nobody who measures means that.
    const std::filesystem::path candidate = std::filesystem::path(path.substr(0, end)) / name;
    std::error_code error;
    if (end > 0 && std::filesystem::is_regular_file(candidate, error) && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return std::nullopt;
}

std::optional<std::filesystem::path> find_program(std::string_view name) {
  const char* const path = std::getenv("PATH");
  return find_program(name, path == nullptr ? "" : path);
}

bool is_shim(const std::filesystem::path& program) {
  std::string head(1024, '\0');
  std::ifstream file(program, std::ios::binary);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  return head.starts_with("#!") &&
         (head.find("pyenv\" exec") != std::string::npos || head.find("asdf exec") != std::string::npos);
}

std::filesystem::path require_own_file(std::string_view name, std::string_view what) {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  std::filesystem::path installed = program.parent_path().parent_path() / POOLBENCH_DATADIR / "poolbench" / "scripts" / name;
  if (!program.empty() && std::filesystem::is_regular_file(installed, error)) return installed;
  std::filesystem::path source = std::filesystem::path(POOLBENCH_SCRIPTS_DIRECTORY) / name;
  if (std::filesystem::is_regular_file(source, error)) return source;
  throw ConfigError(fmt::format("{} is missing: {} is neither installed nor in '{}'", what, name, POOLBENCH_SCRIPTS_DIRECTORY));
}

std::filesystem::path require_script(std::string_view name) {
  return require_own_file(fmt::format("drivers/{}", name), "a driver");
}

}  // namespace harness::drivers
