#include "harness/tests/engine/entries.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/engine/frame.h"
#include "harness/engine/scratch.h"
#include "harness/engine/loopback_servers.h"

namespace harness::testing_engine {
namespace {

constexpr int kStream = 3;

[[noreturn]] void wait_to_be_killed() {
  while (true) ::pause();
}

[[noreturn]] void own_scratch(const std::filesystem::path& parent) {
  Scratch scratch(parent);
  std::filesystem::create_directories(scratch.directory() / "deep" / "deeper");
  std::ofstream(scratch.directory() / "deep" / "deeper" / "file") << "contents";
  send_frame(kStream, scratch.directory().string());
  wait_to_be_killed();
}

[[noreturn]] void own_servers() {
  LoopbackServers servers;
  std::string ports;
  for (const std::uint16_t port : servers.require({.echo_server = true, .http_server = true})) {
    ports += std::to_string(port) + " ";
  }
  send_frame(kStream, ports);
  wait_to_be_killed();
}

[[noreturn]] void own_nothing() {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  send_frame(kStream, "");
  wait_to_be_killed();
}

}  // namespace

void owner_entry(int argc, char** argv) {
  if (argc < 3 || argv[1] != kOwnerEntry) return;
  if (argv[2] == std::string_view("servers")) own_servers();
  if (argv[2] == std::string_view("nothing")) own_nothing();
  if (argc == 4 && argv[2] == std::string_view("scratch")) own_scratch(argv[3]);
}

}  // namespace harness::testing_engine
