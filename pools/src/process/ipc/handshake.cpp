#include "pools/src/process/ipc/handshake.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <system_error>

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
  iovec content{.iov_base = &greeting, .iov_len = sizeof greeting};
  alignas(cmsghdr) char control[CMSG_SPACE(kDescriptors * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
  } while (got < 0 && errno == EINTR);
  if (got < 0) throw std::system_error(errno, std::generic_category(), "cannot receive the channel");
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  ChannelDescriptors received;
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(kDescriptors * sizeof(int))) {
    int descriptors[kDescriptors];
    std::memcpy(descriptors, CMSG_DATA(header), sizeof descriptors);
    received = {FileDescriptor(descriptors[0]), FileDescriptor(descriptors[1]), FileDescriptor(descriptors[2])};
  }
  if (got != static_cast<ssize_t>(sizeof greeting) || !received.memory || greeting.magic != kMagic) {
    throw WireError("whoever started this process is not a process pool");
  }
  if (greeting.program != own_greeting().program) throw WireError("the process pool belongs to another build of this program");
  return received;
}

}  // namespace pools::detail
