#pragma once

// Where shared memory (pools/shared_buffer.h) is held, as the kernel sees it.

#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace pools::test {

inline constexpr const char* kSharedMemory = "/memfd:pools-shared";

// Descriptors and mappings of shared memory that a process has; 0 of one that is gone.
inline std::size_t shared_memory_held_by(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  std::size_t held = 0;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator(process + "/fd", gone)) {
    held += std::filesystem::read_symlink(entry.path(), gone).string().starts_with(kSharedMemory);
  }
  std::ifstream maps(process + "/maps");
  for (std::string line; std::getline(maps, line);) held += line.find(kSharedMemory) != std::string::npos;
  return held;
}

// A handle: a descriptor and a mapping.
inline constexpr std::size_t kHandle = 2;
inline std::size_t shared_memory_held() { return shared_memory_held_by(::getpid()); }

}  // namespace pools::test
