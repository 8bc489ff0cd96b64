#pragma once

// The way of descriptors between the pool and a worker, beside the channel: a socket of packets. A message that has descriptors says how many
// (MessageHeader::descriptors); one packet with them is sent before the message can be read, and taken by whoever reads the message,
// also if the message is dropped then. So the packets are in the order of their messages, and who takes one never waits for it.
//
// What was taken back from a worker that is stopped lies in its socket until it goes on or is killed, also if the task has been run elsewhere:
// nobody has it mapped then (seal() is not in the way), but the kernel keeps it. What is in the socket when an end of it closes, the kernel closes. Nothing else is ever sent here; the socket by which a worker hears of the
// pool's end (worker_loop.cpp) cannot be used for it, since whatever comes there kills the worker.
//
// Thread safety: each direction is for one thread at a time.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <utility>

#include "pools/detail/attachments.h"
#include "pools/src/process/os/file_descriptor.h"

namespace pools::detail {

class Passage {
 public:
  enum class When { now, once_there_is_room };

  Passage() = default;
  explicit Passage(FileDescriptor socket) noexcept : socket_(std::move(socket)) {}
  // The pool's end, the worker's. Throws std::system_error.
  static std::pair<Passage, Passage> make();
  int descriptor() const noexcept { return socket_.get(); }

  // 0, or the errno of why it could not be sent. REQUIRES: attachments.size() in 1..kMostAttachments.
  int send(std::uint64_t sequence, std::span<const Attachment> attachments, When when) noexcept;

  // Those of the message that is being read. `problem` says why they could not all be taken in (there is no descriptor or no memory
  // left for one); then there are none. Throws WireError if they are not there, or are not what they have to be; std::system_error without a socket.
  struct Received {
    Attachments attachments;
    std::exception_ptr problem;
  };
  Received receive(std::uint64_t sequence, std::size_t count);

 private:
  FileDescriptor socket_;
};

}  // namespace pools::detail
