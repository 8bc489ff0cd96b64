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

#include "harness/base/descriptor.h"
#include "harness/base/errors.h"

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
std::string rest_of(int fd, std::string_view what, const std::string& name, std::size_t most) {
  std::string text;
  while (true) {
    const std::size_t before = text.size();
    text.resize(before + kPiece);
    const ssize_t got = ::read(fd, text.data() + before, kPiece);
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(0, got)));
    if (got == 0) return text;
    if (got < 0 && errno != EINTR) throw ConfigError(fmt::format("cannot read the {} {}: {}", what, name, reason(errno)));
    if (text.size() > most) too_large(what, name, most);
  }
}

}  // namespace

std::optional<std::string> read_file_if_there(const std::filesystem::path& path, std::string_view what, std::size_t most) {
  const std::string name = fmt::format("'{}'", path.string());
  // Non-blocking: opening a pipe that nobody writes into would wait. Of a regular file it means nothing.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::nullopt;
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    throw ConfigError(fmt::format("cannot read the {} {}: {}", what, name, reason(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    throw ConfigError(fmt::format("the {} {} is {}; allowed: a regular file", what, name, kind_of(status.st_mode)));
  }
  if (static_cast<std::uintmax_t>(status.st_size) > most) too_large(what, name, most);
  return rest_of(file.get(), what, name, most);
}

std::string read_file(const std::filesystem::path& path, std::string_view what, std::size_t most) {
  std::optional<std::string> text = read_file_if_there(path, what, most);
  if (!text) throw ConfigError(fmt::format("cannot read the {} '{}': {}", what, path.string(), reason(ENOENT)));
  return std::move(*text);
}

std::string read_stdin(std::string_view what, std::size_t most) { return rest_of(STDIN_FILENO, what, "on standard input", most); }

}  // namespace harness
