#include "pools/src/process/os/file_descriptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "pools/detail/attachments.h"
#include "pools/detail/futex.h"
#include "pools/src/base/mutex.h"

namespace pools::detail {
namespace {

// A bit for each descriptor that has an owner: what a fork is to close, by system calls only. Of numbers beyond kMost (the kernel's own
// limit unless that was raised) it keeps copies. Pages of it that are not used do not exist.
constexpr int kMost = 1 << 20;
constinit std::array<std::atomic<std::uint64_t>, kMost / 64> owned{};
constinit std::atomic<int> highest{-1};  // of those that ever had one

// Held from the making of a descriptor to its bit, and from the bit to the closing, where a copy in a fork would do harm; and by fork().
constinit AdaptiveMutex changing;

std::uint64_t bit_of(int fd) noexcept { return std::uint64_t{1} << (fd % 64); }

// Relaxed, all: `changing` orders it for a fork, or it does not matter.
void own(int fd) noexcept {
  if (fd < 0 || fd >= kMost) return;
  owned[static_cast<std::size_t>(fd / 64)].fetch_or(bit_of(fd), std::memory_order_relaxed);
  int seen = highest.load(std::memory_order_relaxed);
  while (seen < fd && !highest.compare_exchange_weak(seen, fd, std::memory_order_relaxed)) {
  }
}

void disown(int fd) noexcept {
  if (fd < kMost) owned[static_cast<std::size_t>(fd / 64)].fetch_and(~bit_of(fd), std::memory_order_relaxed);
}

constinit thread_local bool executes = false;  // what this thread forks

void close_all_in_fork() RELEASE(changing) {
  if (executes) return changing.unlock();
  const int last = highest.exchange(-1, std::memory_order_relaxed);
  for (int first = 0; first <= last; first += 64) {
    std::uint64_t bits = owned[static_cast<std::size_t>(first / 64)].exchange(0, std::memory_order_relaxed);
    for (int fd = first; bits != 0; ++fd, bits >>= 1) {
      if ((bits & 1) != 0) ::close(fd);
    }
  }
  changing.unlock();
}

}  // namespace

ForkThatExecutes::ForkThatExecutes() noexcept { executes = true; }
ForkThatExecutes::~ForkThatExecutes() { executes = false; }

namespace {

const AtFork close_in_fork(
    &close_all_in_fork, []() ACQUIRE(changing) { changing.lock(); }, []() RELEASE(changing) { changing.unlock(); });

template <class Make>
DescriptorPair made_pair(Make make) noexcept {
  int ends[2];
  const Lock lock(changing);
  if (make(ends) != 0) return {};
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace

FileDescriptor::FileDescriptor(int fd) noexcept : fd_(fd), process_(fd < 0 ? 0 : this_process()) { own(fd); }

void FileDescriptor::reset() noexcept {
  const int fd = std::exchange(fd_, -1);
  const ProcessNumber process = std::exchange(process_, 0);
  if (fd < 0 || !is_this_process(process)) return;  // in a fork it has been closed: what has the number now is another
  const Lock lock(changing);
  disown(fd);
  ::close(fd);  // never retried: on Linux the descriptor is gone also after EINTR
}

DescriptorPair make_pipe() noexcept {
  return made_pair([](int* ends) { return ::pipe2(ends, O_CLOEXEC); });
}

DescriptorPair make_socket_pair(int type) noexcept {
  return made_pair([type](int* ends) { return ::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends); });
}

FileDescriptor make_memory_file(const char* name, unsigned flags) noexcept {
  const Lock lock(changing);
  return FileDescriptor(::memfd_create(name, flags));
}

int send_packet(int socket, std::span<const std::byte> content, std::span<const int> descriptors, int flags) noexcept {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostAttachments * sizeof(int))> control;
  iovec place{.iov_base = const_cast<std::byte*>(content.data()), .iov_len = content.size()};
  msghdr message{};
  message.msg_iov = &place;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | flags);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

ReceivedPacket receive_packet(int socket, std::span<std::byte> content, std::span<FileDescriptor> descriptors) noexcept {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostAttachments * sizeof(int))> control;
  iovec place{.iov_base = content.data(), .iov_len = content.size()};
  msghdr message{};
  message.msg_iov = &place;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ReceivedPacket packet;
  const Lock lock(changing);
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
    // ECONNRESET is said once, before what is there, by the socket of one that has died with something unread.
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0) {
    packet.error = errno;
    return packet;
  }
  packet.bytes = static_cast<std::size_t>(got);
  packet.truncated = (message.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t some = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t at = 0; at < some; ++at) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + at * sizeof fd, sizeof fd);
      if (packet.descriptors < descriptors.size()) {
        descriptors[packet.descriptors++] = FileDescriptor(fd);
      } else {
        ::close(fd);
      }
    }
  }
  return packet;
}

ReceivedPacket await_packet(int socket, std::span<std::byte> content, std::span<FileDescriptor> descriptors) noexcept {
  for (;;) {
    pollfd readable{.fd = socket, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, -1) < 0 && errno != EINTR) return {.error = errno};
    const ReceivedPacket packet = receive_packet(socket, content, descriptors);
    if (packet.error != EAGAIN) return packet;
  }
}

FileDescriptor duplicate(int fd, int lowest) noexcept {
  const Lock lock(changing);
  return FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, lowest));
}

}  // namespace pools::detail
