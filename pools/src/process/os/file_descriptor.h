#pragma once

// A file descriptor with one owner, in one process: in a fork it is closed, and the owner's copy there is empty. Else a fork that lives
// on would keep open what others wait for the end of: the guard's pipe, the sockets of workers and starts, the output's pipes.
// Not thread-safe, like any value.

#include <cstddef>
#include <span>
#include <utility>

#include "pools/detail/forks.h"

namespace pools::detail {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) noexcept;
  FileDescriptor(FileDescriptor&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), process_(std::exchange(other.process_, 0)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(process_, other.process_);
    return *this;
  }
  ~FileDescriptor() { reset(); }

  int get() const noexcept { return is_this_process(process_) ? fd_ : -1; }
  explicit operator bool() const noexcept { return get() >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
  ProcessNumber process_ = 0;  // whose descriptor it is
};

// While one exists, what its thread forks keeps its descriptors: it is about to execute a program, which is told what it may keep.
// (vfork() runs no handlers of fork() in any case; but under ThreadSanitizer it is fork().)
class ForkThatExecutes {
 public:
  ForkThatExecutes() noexcept;
  ~ForkThatExecutes();
  ForkThatExecutes(const ForkThatExecutes&) = delete;
  ForkThatExecutes& operator=(const ForkThatExecutes&) = delete;
};

// Two that are made as one step for a fork: it closes both or has neither. Empty, with errno set, when there are none left.
struct DescriptorPair {
  FileDescriptor first;
  FileDescriptor second;
  explicit operator bool() const noexcept { return static_cast<bool>(first); }
};
DescriptorPair make_pipe() noexcept;                 // the reading end, the writing end
DescriptorPair make_socket_pair(int type) noexcept;  // AF_UNIX
// A memfd, as one step for a fork, too. Empty, with errno set, when there is none left.
FileDescriptor make_memory_file(const char* name, unsigned flags) noexcept;

// Sends a packet, and descriptors with it, at most kMostAttachments: an errno, or 0. Allocates nothing: also for a child between vfork and exec.
int send_packet(int socket, std::span<const std::byte> content, std::span<const int> descriptors, int flags = 0) noexcept;

// The next packet of a socket, without waiting, and the descriptors that came with it, as one step for a fork, too.
struct ReceivedPacket {
  int error = 0;                // an errno: there is none
  std::size_t bytes = 0;        // of its content, also of what did not fit
  std::size_t descriptors = 0;  // that came with it
  bool truncated = false;       // more were sent
};
// Descriptors beyond those that there is room for are closed. REQUIRES: `descriptors` are empty
ReceivedPacket receive_packet(int socket, std::span<std::byte> content, std::span<FileDescriptor> descriptors) noexcept;
// Likewise, once there is one or the end of them, which is a packet of no bytes; an error is none of waiting. Forks need not wait meanwhile.
ReceivedPacket await_packet(int socket, std::span<std::byte> content, std::span<FileDescriptor> descriptors) noexcept;
// `fd` once more, from `lowest` on.
FileDescriptor duplicate(int fd, int lowest) noexcept;

}  // namespace pools::detail
