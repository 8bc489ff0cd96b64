#include "pools/src/process/ipc/passage.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

#include "pools/detail/bytes.h"
#include "pools/src/process/ipc/shared_memory.h"

namespace pools::detail {
namespace {

// The control data of a packet with `kMostAttachments` descriptors.
struct Control {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostAttachments * sizeof(int))> bytes;
};

// The descriptors of a packet, owned from the moment on in which they are there: nothing is allocated for that.
class ReceivedDescriptors {
 public:
  explicit ReceivedDescriptors(msghdr* message) noexcept {  // null: none
    for (cmsghdr* header = message == nullptr ? nullptr : CMSG_FIRSTHDR(message); header != nullptr;
         header = CMSG_NXTHDR(message, header)) {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t some = std::min((header->cmsg_len - CMSG_LEN(0)) / sizeof(int), all_.size() - count_);
      std::memcpy(all_.data() + count_, CMSG_DATA(header), some * sizeof(int));
      count_ += some;
    }
  }
  ~ReceivedDescriptors() {
    for (std::size_t at = 0; at < count_; ++at) static_cast<void>(take(at));
  }
  ReceivedDescriptors(const ReceivedDescriptors&) = delete;
  ReceivedDescriptors& operator=(const ReceivedDescriptors&) = delete;

  std::size_t size() const noexcept { return count_; }
  FileDescriptor take(std::size_t at) noexcept { return FileDescriptor(std::exchange(all_[at], -1)); }

 private:
  std::array<int, kMostAttachments> all_;
  std::size_t count_ = 0;
};

}  // namespace

std::pair<Passage, Passage> Passage::make() {
  DescriptorPair ends = make_socket_pair(SOCK_SEQPACKET);
  if (!ends) throw std::system_error(errno, std::generic_category(), "cannot make a socket for a worker's descriptors");
  return {Passage(std::move(ends.first)), Passage(std::move(ends.second))};
}

int Passage::send(std::uint64_t sequence, std::span<const Attachment> attachments, When when) noexcept {
  const std::size_t size = attachments.size() * sizeof(int);
  iovec content{.iov_base = &sequence, .iov_len = sizeof sequence};
  Control control;
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(size);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(size);
  for (std::size_t at = 0; at < attachments.size(); ++at) {
    const int descriptor = attachments[at].memory->descriptor();
    std::memcpy(CMSG_DATA(header) + at * sizeof descriptor, &descriptor, sizeof descriptor);
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | (when == When::now ? MSG_DONTWAIT : 0));
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

Passage::Received Passage::receive(std::uint64_t sequence, std::size_t count) {
  std::uint64_t of = 0;
  iovec content{.iov_base = &of, .iov_len = sizeof of};
  Control control;
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    // ECONNRESET is said once, before what is there, by the socket of one that has died with something unread.
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0 && errno != EAGAIN) {
    throw std::system_error(errno, std::generic_category(), "cannot receive descriptors");
  }
  ReceivedDescriptors descriptors(got < 0 ? nullptr : &message);
  if (got != static_cast<ssize_t>(sizeof of) || of != sequence) throw WireError("a message whose descriptors are not there");
  Received received;
  try {
    // Fewer than were sent: the kernel has given as many as this process may have, and closed the others.
    if ((message.msg_flags & MSG_CTRUNC) != 0) throw shared_memory_error("receive shared memory", EMFILE);
    if (descriptors.size() != count) throw WireError("a message with another number of descriptors");
    received.attachments.reserve(count);
    for (std::size_t at = 0; at < count; ++at) {
      SharedMemoryRef memory = SharedMemory::received(descriptors.take(at));
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
