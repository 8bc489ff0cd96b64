#include "pools/src/process/ipc/handshake.h"

#include <array>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>

#include "pools/detail/bytes.h"
#include "pools/detail/function_key.h"

namespace pools::detail {
namespace {

constexpr std::uint64_t kMagic = 0x706f6f6c73'000002;  // changes with what is sent below or the messages of wire.h

struct Greeting {
  std::uint64_t magic = kMagic;
  FunctionKey program;  // of a function here: equal in two processes only if they run the same build
};

constexpr std::size_t kDescriptors = 3;

Greeting own_greeting() { return {.magic = kMagic, .program = key_of(reinterpret_cast<const void*>(&own_greeting))}; }

}  // namespace

void send_handshake(int socket, int memory, int event, int passage) {
  const Greeting greeting = own_greeting();
  const std::array<int, kDescriptors> descriptors{memory, event, passage};
  const int error = send_packet(socket, std::as_bytes(std::span(&greeting, 1)), descriptors);
  if (error != 0) throw std::system_error(error, std::generic_category(), "cannot send a worker its channel");
}

ChannelDescriptors receive_handshake(int socket) {
  Greeting greeting;
  std::array<FileDescriptor, kDescriptors> descriptors;
  const ReceivedPacket got = await_packet(socket, std::as_writable_bytes(std::span(&greeting, 1)), descriptors);
  if (got.error != 0) throw std::system_error(got.error, std::generic_category(), "cannot receive the channel");
  if (got.bytes != sizeof greeting || got.descriptors != kDescriptors || got.truncated || greeting.magic != kMagic) {
    throw WireError("whoever started this process is not a process pool");
  }
  if (greeting.program != own_greeting().program) throw WireError("the process pool belongs to another build of this program");
  return {std::move(descriptors[0]), std::move(descriptors[1]), std::move(descriptors[2])};
}

}  // namespace pools::detail
