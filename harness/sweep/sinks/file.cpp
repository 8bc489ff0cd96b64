#include "harness/sweep/sinks/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "harness/base/errors.h"

namespace harness {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

int open_retrying(const char* path, int flags) {
  int fd = -1;
  do {
    fd = ::open(path, flags | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

// The number of bytes written, or -1 with errno.
ssize_t write_retrying(int fd, std::string_view text) {
  ssize_t written = -1;
  do {
    written = ::write(fd, text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  return written;
}

}  // namespace

AppendFile::AppendFile(std::filesystem::path path) : path_(std::move(path)) {
  fd_ = open_retrying(path_.c_str(), O_RDWR | O_CREAT | O_APPEND);
  if (fd_ < 0) throw ConfigError(fmt::format("cannot write '{}': {}", path_.string(), reason(errno)));
}

AppendFile::~AppendFile() { ::close(fd_); }

void AppendFile::append(std::string_view record) {
  struct stat before {};
  const bool known_size = ::fstat(fd_, &before) == 0 && S_ISREG(before.st_mode);
  const ssize_t written = write_retrying(fd_, record);
  if (written == static_cast<ssize_t>(record.size())) return;
  std::string why = reason(errno);
  if (written >= 0) {
    // A short write: the next one says why (no space, limit reached).
    const ssize_t more = write_retrying(fd_, record.substr(static_cast<std::size_t>(written)));
    why = more < 0 ? reason(errno) : std::string("written in part");
    if (known_size && ::ftruncate(fd_, before.st_size) != 0) why += ", and the torn record could not be taken back";
  }
  throw OutputError(fmt::format("cannot write '{}': {}; everything written before is kept", path_.string(), why));
}

void require_writable_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  const auto refuse = [&](const std::string& why) {
    throw ConfigError(
        fmt::format("cannot write to the output directory '{}': {}; allowed: a directory that can be created or "
                    "written to (-o)",
                    directory.string(), why));
  };
  if (error) refuse(error.message());
  if (!std::filesystem::is_directory(directory, error)) refuse("it is not a directory");
  const std::filesystem::path probe = directory / fmt::format(".writable-{}", ::getpid());
  const int fd = open_retrying(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL);
  if (fd < 0) refuse(reason(errno));
  ::close(fd);
  ::unlink(probe.c_str());
}

void lock_for_writing(int fd, const std::filesystem::path& path) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return;
  if (errno == EWOULDBLOCK) throw ConfigError(fmt::format("another run is writing to '{}'", path.string()));
  // No locks on this file system: then two runs in one directory are the user's own affair.
}

std::filesystem::path made_path_of_run(const std::filesystem::path& run_directory, std::string_view kind,
                                       const std::string& run_id) {
  const std::filesystem::path directory = run_directory / kind;
  require_writable_directory(directory);
  return directory / (run_id + ".csv");
}

void write_new_file(const std::filesystem::path& path, std::string_view text) {
  const int fd = open_retrying(path.c_str(), O_WRONLY | O_CREAT | O_EXCL);
  if (fd < 0) throw OutputError(fmt::format("cannot create '{}': {}", path.string(), reason(errno)));
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = write_retrying(fd, rest);
    if (written < 0) {
      const std::string why = reason(errno);
      ::close(fd);
      ::unlink(path.c_str());
      throw OutputError(fmt::format("cannot write '{}': {}", path.string(), why));
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::close(fd) != 0) throw OutputError(fmt::format("cannot write '{}': {}", path.string(), reason(errno)));
}

void replace_file(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path temporary = path.string() + fmt::format(".{}.tmp", ::getpid());
  std::FILE* const file = std::fopen(temporary.c_str(), "wb");
  bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  int error = errno;
  if (file != nullptr && std::fclose(file) != 0) {
    written = false;
    error = errno;
  }
  if (written && std::rename(temporary.c_str(), path.c_str()) == 0) return;
  if (written) error = errno;
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  throw OutputError(fmt::format("cannot write '{}': {}", path.string(), reason(error)));
}

std::filesystem::path first_free(const std::filesystem::path& path, std::string_view suffix) {
  for (int n = 1;; ++n) {
    std::filesystem::path candidate = path;
    candidate += fmt::format("{}{}", suffix, n);
    std::error_code error;
    const auto status = std::filesystem::symlink_status(candidate, error);
    if (status.type() == std::filesystem::file_type::not_found) return candidate;
  }
}

}  // namespace harness
