#pragma once

// First looks at a Python function, of which those in the directory of an earlier answer are not taken again: an answer that is asked for once
// more calls nobody's function, and says the same.
//
// Not thread-safe.

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

#include "harness/engine/drivers/driver_process.h"
#include "harness/recommend/python_work.h"

namespace harness::recommend {

class Looks {
 public:
  // `directory`: where earlier ones may be; empty: nowhere. `circumstances`: what they depend on besides the work (interpreter, machine, build).
  // Throws ConfigError: a file there that is none of looks.
  Looks(const std::filesystem::path& directory, std::string circumstances);

  // As examine() does, and throws.
  Seen look(const PythonWork& work, const drivers::Command& driver, int cores, std::chrono::nanoseconds budget,
            std::chrono::nanoseconds deadline);

  // What look() has been asked for, for the file: of a directory that is to be the next one's.
  std::string text() const;
  static std::filesystem::path path(const std::filesystem::path& directory) { return directory / "looks.json"; }

 private:
  using Answers = std::map<std::string, std::string>;  // of drivers, by a hash of work and circumstances

  std::string circumstances_;
  Answers known_;
  Answers used_;
};

}  // namespace harness::recommend
