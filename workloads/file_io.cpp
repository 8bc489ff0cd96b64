// Writes a file, has it put on the disk, reads it back and compares. How long that takes is the disk's affair: an asked
// duration has no influence, the size has.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>

#include "workloads/catalogue.h"
#include "workloads/digest.h"
#include "workloads/request.h"

namespace workloads {
namespace {

constexpr std::int64_t kDefaultFile = std::int64_t{64} << 10;
constexpr std::int64_t kLargestFile = std::int64_t{1} << 30;

[[noreturn]] void fail(const std::string& directory, std::string_view what, int error) {
  throw std::runtime_error("file_io: " + std::string(what) + " in '" + directory +
                           "': " + std::generic_category().message(error));
}

// A file without a name in `directory`: it is gone with its descriptor, also if the process is killed.
class NamelessFile {
 public:
  explicit NamelessFile(const std::string& directory) : directory_(directory) {
    if (directory.empty()) throw std::runtime_error("file_io: no scratch directory was given");
    descriptor_ = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    // Overlays, network file systems and old kernels do not know O_TMPFILE, and say so in these ways.
    if (descriptor_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) open_and_unlink();
    if (descriptor_ < 0) fail(directory_, "cannot make a file", errno);
  }
  ~NamelessFile() { ::close(descriptor_); }
  NamelessFile(const NamelessFile&) = delete;
  NamelessFile& operator=(const NamelessFile&) = delete;

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail(directory_, "cannot write", errno);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  void sync() {
    while (::fsync(descriptor_) != 0) {
      if (errno != EINTR) fail(directory_, "cannot fsync", errno);
    }
    // So that reading goes to the disk where it can: the pages are clean now and may be dropped. A hint, no more.
    ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED);
  }

  // From the start; at most `size` bytes, fewer only if the file is shorter.
  std::string read(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const ssize_t received = ::pread(descriptor_, bytes.data() + done, size - done, static_cast<off_t>(done));
      if (received < 0 && errno == EINTR) continue;
      if (received < 0) fail(directory_, "cannot read", errno);
      if (received == 0) break;
      done += static_cast<std::size_t>(received);
    }
    bytes.resize(done);
    return bytes;
  }

 private:
  void open_and_unlink() {
    std::string path = directory_ + "/file_io-XXXXXX";
    descriptor_ = ::mkostemp(path.data(), O_CLOEXEC);
    if (descriptor_ < 0 || ::unlink(path.c_str()) == 0) return;
    const int error = errno;
    ::close(descriptor_);
    fail(directory_, "cannot unlink a file", error);
  }

  const std::string& directory_;
  int descriptor_ = -1;
};

class FileIo final : public Workload {
 public:
  std::string_view name() const override { return "file_io"; }
  std::string_view summary() const override {
    return "writes a file, fsyncs it, reads it back and compares; takes what the disk takes";
  }
  Needs needs() const override { return {.scratch_directory = true}; }

  Work make(const Request& request, const Calibration&) const override {
    return {.bytes = payload_of(request, name(), kDefaultFile, 1, kLargestFile), .seed = request.seed};
  }
  Demand demand(const Work&, const Calibration&) const override { return {}; }
  std::string_view callback(const Work&) const override { return "sleep"; }

  std::string_view blocks() const override {
    return "reads and writes of files cannot be awaited on an event loop: programs hand them to a pool of threads";
  }

  Product run(const Work& work, const RunContext& context, std::string_view) const override {
    const std::string content = seeded_bytes(combine(work.seed, name()), static_cast<std::size_t>(work.bytes));
    NamelessFile file(context.scratch_directory);
    file.write(content);
    file.sync();
    const std::string found = file.read(content.size());
    if (found != content) throw std::runtime_error("file_io: what was read differs from what was written");
    return {.digest = combine(work.seed, found), .body = {}};
  }
};

}  // namespace

const Workload& file_io_workload() {
  static const FileIo kFileIo;
  return kFileIo;
}

}  // namespace workloads
