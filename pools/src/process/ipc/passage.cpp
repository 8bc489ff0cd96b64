#include "pools/src/process/ipc/passage.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <exception>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "pools/detail/bytes.h"
#include "pools/src/process/ipc/shared_memory.h"

namespace pools::detail {
namespace {

// The kernel has given as many descriptors as this process may have, and closed the others. It does not tell why.
SharedMemoryError not_all_received() {
  return SharedMemoryError(shared_memory_error("receive shared memory", EMFILE).what() +
                           std::string("; or a security module of the kernel refuses it"));
}

}  // namespace

std::pair<Passage, Passage> Passage::make() {
  DescriptorPair ends = make_socket_pair(SOCK_SEQPACKET);
  if (!ends) throw std::system_error(errno, std::generic_category(), "cannot make a socket for a worker's descriptors");
  return {Passage(std::move(ends.first)), Passage(std::move(ends.second))};
}

int Passage::send(std::uint64_t sequence, std::span<const Attachment> attachments, When when) noexcept {
  std::array<int, kMostAttachments> descriptors;
  for (std::size_t at = 0; at < attachments.size(); ++at) descriptors[at] = attachments[at].memory->descriptor();
  return send_packet(socket_.get(), std::as_bytes(std::span(&sequence, 1)), std::span(descriptors).first(attachments.size()),
                     when == When::now ? MSG_DONTWAIT : 0);
}

Passage::Received Passage::receive(std::uint64_t sequence, std::size_t count) {
  std::uint64_t of = 0;
  std::array<FileDescriptor, kMostAttachments> descriptors;
  const ReceivedPacket packet = receive_packet(socket_.get(), std::as_writable_bytes(std::span(&of, 1)), descriptors);
  if (packet.error != 0 && packet.error != EAGAIN) {
    throw std::system_error(packet.error, std::generic_category(), "cannot receive descriptors");
  }
  const bool ours = packet.error == 0 && packet.bytes == sizeof of && of == sequence;
  if (!ours) throw WireError("a message whose descriptors are not there");
  Received received;
  try {
    if (packet.truncated) throw not_all_received();
    if (packet.descriptors != count) throw WireError("a message with another number of descriptors");
    received.attachments.reserve(count);
    for (std::size_t at = 0; at < count; ++at) {
      SharedMemoryRef memory = SharedMemory::received(std::move(descriptors[at]));
      const std::uint64_t size = memory->size();
      received.attachments.push_back({.memory = std::move(memory), .size = size, .at = 0});
    }
  } catch (const WireError&) {
    throw;
  } catch (const std::exception&) {  // the packet is gone: its message suffers, and nobody has to die of it
    received.attachments.clear();
    received.problem = std::current_exception();
  }
  return received;
}

}  // namespace pools::detail
