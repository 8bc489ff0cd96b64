#include "harness/engine/frame.h"

#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>

namespace harness {
namespace {

using Length = std::uint64_t;

Length length_at(const char* bytes) {
  Length length;
  std::memcpy(&length, bytes, sizeof length);
  return length;
}

// False at the end of the stream.
bool receive_exactly(int socket, char* into, std::size_t count) {
  while (count > 0) {
    const ssize_t got = ::recv(socket, into, count, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != ECONNRESET) throw std::system_error(errno, std::generic_category(), "cannot receive");
    if (got <= 0) return false;
    into += got;
    count -= static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

std::string framed(std::string_view body) {
  const Length length = body.size();
  std::string frame(sizeof length, '\0');
  std::memcpy(frame.data(), &length, sizeof length);
  frame.append(body);
  return frame;
}

void send_frame(int socket, std::string_view body) {
  const std::string frame = framed(body);
  for (std::string_view rest = frame; !rest.empty();) {
    const ssize_t sent = ::send(socket, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) throw std::system_error(errno, std::generic_category(), "cannot send");
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::optional<std::string> receive_frame(int socket) {
  char header[sizeof(Length)];
  if (!receive_exactly(socket, header, sizeof header)) return std::nullopt;
  std::string body(length_at(header), '\0');
  if (!receive_exactly(socket, body.data(), body.size())) return std::nullopt;
  return body;
}

bool FrameAssembler::complete() const {
  return bytes_.size() >= sizeof(Length) && bytes_.size() - sizeof(Length) >= length_at(bytes_.data());
}

std::string_view FrameAssembler::body() const {
  assert(complete());
  return std::string_view(bytes_).substr(sizeof(Length), length_at(bytes_.data()));
}

}  // namespace harness
