#pragma once

// Messages over a local stream socket between this program and a copy of itself: eight bytes of length in the machine's
// order, then the body. Both ends are the same binary, so there is no version to negotiate.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace harness {

// The message as it goes over the socket.
std::string framed(std::string_view body);

// How an answer begins that is the text of an error.
inline constexpr char kErrorFrame = 'e';

// Blocking. Throws std::system_error; the peer's absence is EPIPE, never a signal.
void send_frame(int socket, std::string_view body);
// Blocking. Empty at the end of the stream, a frame cut short included.
std::optional<std::string> receive_frame(int socket);

// Collects one frame from pieces as they arrive.
class FrameAssembler {
 public:
  void append(std::string_view piece) { bytes_.append(piece); }
  bool complete() const;
  // REQUIRES: complete().
  std::string_view body() const;

 private:
  std::string bytes_;
};

}  // namespace harness
