#pragma once

// How this program was built. Written by build_info.cmake at every build; only that file is compiled anew when the commit
// changes.

#include <string_view>

namespace harness {

struct BuildInfo {
  std::string_view version;     // of the project
  std::string_view commit;      // "unknown" outside a git checkout; ends in "-dirty" with uncommitted changes
  std::string_view compiler;    // "GNU 12.2.0"
  std::string_view build_type;  // "Release"
  std::string_view flags;       // of the compiler
};

const BuildInfo& build_info();

}  // namespace harness
