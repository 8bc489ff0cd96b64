#pragma once

// The program as its own child: a repetition, the servers of the networked workloads and the guard of the scratch
// directory are the same executable, started again with a reserved first argument and one end of a stream as
// descriptor 3. Cheap by design: no command line, no suite, no calibration is touched on the way.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/engine/backends/backend.h"
#include "pools/src/process/os/spawn.h"

namespace harness {

// Reserved first arguments; no command of the program starts like this.
inline constexpr std::string_view kRepetitionEntry = "--internal-repetition";
inline constexpr std::string_view kServersEntry = "--internal-servers";
inline constexpr std::string_view kScratchGuardEntry = "--internal-scratch-guard";

// To be called in main() after pools::init. Returns at once unless the program was started as one of the children
// above; a child never returns from it. `backends` are the backends that a repetition may name.
void internal_entry(int argc, char** argv, std::span<const Backend* const> backends = backend_catalogue());

// Starts this program again as one of its children. `stream` becomes its descriptor 3; `output`, unless -1, its
// standard output and standard error. The child is killed when this process dies. Throws pools::SpawnError.
pools::Child spawn_internal(std::string_view entry, std::vector<std::string> arguments, int stream, int output = -1);

}  // namespace harness
