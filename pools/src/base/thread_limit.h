#pragma once

// Why no further thread can be started.

#include <filesystem>
#include <string>

namespace pools::detail {

// The limit that this process is at, with its name and value, or that it is at none that can be seen. To be asked right after the failure. Throws
// std::bad_alloc.
std::string limit_on_threads(const std::filesystem::path& proc = "/proc",
                             const std::filesystem::path& cgroup_root = "/sys/fs/cgroup");

}  // namespace pools::detail
