#include "harness/base/read_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "harness/base/errors.h"
#include "os/descriptor.h"

namespace harness {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 16;

std::string reason(int error) { return std::generic_category().message(error); }

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  if (S_ISSOCK(mode)) return "a socket";
  return "no regular file";
}

[[noreturn]] void too_large(std::string_view what, const std::string& name, std::size_t most) {
  throw ConfigError(fmt::format("the {} {} is too large; allowed: at most {} MiB", what, name, most >> 20));
}

// What is left to read, up to its end.
void pieces_of(int fd, std::string_view what, const std::string& name, std::size_t most,
               const std::function<void(std::string_view)>& piece) {
  std::string buffer(kPiece, '\0');
  std::size_t total = 0;
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got == 0) return;
    if (got < 0 && errno != EINTR) throw ConfigError(fmt::format("cannot read the {} {}: {}", what, name, reason(errno)));
    if (got < 0) continue;
    total += static_cast<std::size_t>(got);
    if (total > most) too_large(what, name, most);
    piece(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
  }
}

}  // namespace

bool read_pieces_if_there(const std::filesystem::path& path, std::string_view what, std::size_t most,
                          const std::function<void(std::string_view)>& piece) {
  const std::string name = fmt::format("'{}'", path.string());
  // Non-blocking: opening a pipe that nobody writes into would wait. Of a regular file it means nothing.
  const os::Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file && errno == ENOENT) return false;
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    throw ConfigError(fmt::format("cannot read the {} {}: {}", what, name, reason(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    throw ConfigError(fmt::format("the {} {} is {}; allowed: a regular file", what, name, kind_of(status.st_mode)));
  }
  if (static_cast<std::uintmax_t>(status.st_size) > most) too_large(what, name, most);
  pieces_of(file.get(), what, name, most, piece);
  return true;
}

std::optional<std::string> read_file_if_there(const std::filesystem::path& path, std::string_view what, std::size_t most) {
  std::string text;
  if (!read_pieces_if_there(path, what, most, [&text](std::string_view piece) { text += piece; })) return std::nullopt;
  return text;
}

std::string read_file(const std::filesystem::path& path, std::string_view what, std::size_t most) {
  std::optional<std::string> text = read_file_if_there(path, what, most);
  if (!text) throw ConfigError(fmt::format("cannot read the {} '{}': {}", what, path.string(), reason(ENOENT)));
  return std::move(*text);
}

std::string read_stdin(std::string_view what, std::size_t most) {
  std::string text;
  pieces_of(STDIN_FILENO, what, "on standard input", most, [&text](std::string_view piece) { text += piece; });
  return text;
}

}  // namespace harness
