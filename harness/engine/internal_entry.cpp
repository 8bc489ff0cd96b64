#include "harness/engine/internal_entry.h"

#include <utility>

#include "harness/engine/repetition.h"
#include "harness/engine/scratch.h"
#include "harness/engine/loopback_servers.h"

namespace harness {
namespace {

constexpr int kStream = 3;  // where spawn puts a child's end

}  // namespace

void internal_entry(int argc, char** argv, std::span<const Backend* const> backends) {
  if (argc < 2) return;
  const std::string_view entry = argv[1];
  const std::span<char* const> arguments(argv + 2, static_cast<std::size_t>(argc - 2));
  if (entry == kRepetitionEntry) run_repetition_child(kStream, backends);
  if (entry == kServersEntry) run_servers(kStream);
  if (entry == kScratchGuardEntry) run_scratch_guard(arguments, kStream);
}

pools::Child spawn_internal(std::string_view entry, std::vector<std::string> arguments, int stream, int output) {
  pools::SpawnRequest request;
  request.arguments = std::move(arguments);
  request.arguments.insert(request.arguments.begin(), std::string(entry));
  request.channel_fd = stream;
  request.own_process_group = false;  // the child leads a session of its own, which a group leader could not
  request.stdout_fd = output;
  request.stderr_fd = output;
  return pools::spawn(request);
}

}  // namespace harness
