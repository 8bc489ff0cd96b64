#pragma once

// A file descriptor with one owner, pairs of connected ones, and how many there may be. A Descriptor is not
// thread-safe, like any value.

#include <cstdint>
#include <utility>

namespace os {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

struct DescriptorPair {
  Descriptor ours;
  Descriptor theirs;
};

// Both ends are close-on-exec: a child gets its end only by being given it. Throws std::system_error.
DescriptorPair make_stream_pair();  // both directions (a local stream socket)
DescriptorPair make_pipe();         // ours reads, theirs writes

// How many descriptors this process may ever have open (the hard limit of RLIMIT_NOFILE).
std::uint64_t descriptor_limit();
// Makes that the limit in force, here and in children started from now on.
void raise_descriptor_limit();

}  // namespace os
