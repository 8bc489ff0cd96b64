#pragma once

// A scratch directory that does not outlive the program, not even after kill -9: a guard, a small re-executed copy of
// the program, makes the directory, waits for the end of the stream that this object holds the other end of, and
// removes the tree. The kernel closes that end however the program dies.

#include <filesystem>
#include <span>

#include "os/descriptor.h"
#include "pools/src/process/os/spawn.h"

namespace harness {

// Not thread-safe. REQUIRES of the program: main() calls internal_entry().
class Scratch {
 public:
  // Makes an empty directory of a fresh name in `parent`. Throws EnvironmentError when that cannot be written,
  // SpawnError when the guard cannot be started.
  explicit Scratch(const std::filesystem::path& parent);
  // Returns when the tree is gone.
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::filesystem::path& directory() const { return directory_; }

  // Removes what is in the directory: what a repetition that was killed has left.
  void clear() noexcept;

 private:
  void end_guard() noexcept;

  os::DescriptorPair stream_;
  pools::Child guard_;
  std::filesystem::path directory_;
};

// The system's temporary directory: $TMPDIR, else /tmp. Throws EnvironmentError when it is none.
std::filesystem::path temporary_directory();

// The guard itself. `arguments` holds the parent directory, `stream` is the guard's end.
[[noreturn]] void run_scratch_guard(std::span<char* const> arguments, int stream);

}  // namespace harness
