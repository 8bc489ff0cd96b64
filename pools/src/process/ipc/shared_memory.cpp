#include "pools/src/process/ipc/shared_memory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "pools/detail/bytes.h"

namespace pools::detail {
namespace {

constexpr int kSealTries = 20;
constexpr std::chrono::milliseconds kSealPause{5};

constexpr int kFixedSize = F_SEAL_SHRINK | F_SEAL_GROW;
constexpr std::uint64_t kSlowToFree = std::uint64_t{1} << 20;  // bytes; of less, two system calls take longer

// A soft limit of this process's: " (RLIMIT_AS is 1048576)"; nothing where there is none.
std::string limit_of(int resource, const char* name) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return {};
  return std::string(" (") + name + " is " + std::to_string(limit.rlim_cur) + ")";
}

std::string limit_behind(int error) {
  switch (error) {
    case EMFILE:
      return limit_of(RLIMIT_NOFILE, "RLIMIT_NOFILE");
    case ENFILE:
      return " (the machine's: fs.file-max)";
    case ETOOMANYREFS:
      return limit_of(RLIMIT_NOFILE, "descriptors on their way between processes; RLIMIT_NOFILE");
    case EFBIG:
      return limit_of(RLIMIT_FSIZE, "RLIMIT_FSIZE");
    case ENOMEM: {
      const std::string space = limit_of(RLIMIT_AS, "RLIMIT_AS");
      return space.empty() ? " (vm.overcommit_memory, vm.max_map_count, or the machine's memory)" : space;
    }
    default:
      return {};
  }
}

std::uint64_t page_size() noexcept {
  static const auto size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

}  // namespace

SharedMemoryError shared_memory_error(const char* what, int error) {
  return SharedMemoryError(std::string("cannot ") + what + ": " + std::strerror(error) + limit_behind(error));
}

SharedMemoryRef SharedMemory::make(std::size_t bytes) {
  const std::size_t size = std::max<std::size_t>(1, bytes);  // nothing at all cannot be mapped
  // Beyond this limit the kernel sends SIGXFSZ, which ends the process.
  rlimit file_size{};
  if (::getrlimit(RLIMIT_FSIZE, &file_size) == 0 && size > file_size.rlim_cur) {
    throw shared_memory_error("make shared memory", EFBIG);
  }
  FileDescriptor descriptor = make_memory_file("pools-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (!descriptor) throw shared_memory_error("make shared memory", errno);
  if (::ftruncate(descriptor.get(), static_cast<off_t>(size)) != 0) throw shared_memory_error("size shared memory", errno);
  if (::fcntl(descriptor.get(), F_ADD_SEALS, kFixedSize) != 0) throw shared_memory_error("fix the size of shared memory", errno);
  return std::make_shared<SharedMemory>(std::move(descriptor), size, false);
}

SharedMemoryRef SharedMemory::received(FileDescriptor descriptor) {
  const int seals = ::fcntl(descriptor.get(), F_GET_SEALS);
  struct stat status {};
  if (seals < 0 || (seals & kFixedSize) != kFixedSize || ::fstat(descriptor.get(), &status) != 0 || status.st_size <= 0) {
    throw WireError("a descriptor that is no shared memory");
  }
  // Huge pages have seals, too, but what is mapped of them is not unmapped by the length that was asked for.
  struct statfs file_system {};
  if (::fstatfs(descriptor.get(), &file_system) != 0 || file_system.f_type != TMPFS_MAGIC) {
    throw WireError("shared memory of another kind");
  }
  return std::make_shared<SharedMemory>(std::move(descriptor), static_cast<std::uint64_t>(status.st_size),
                                        (seals & F_SEAL_WRITE) != 0);
}

// What frees the pages, tens of milliseconds for a gibibyte, must not be a close() with the lock held that each descriptor and each fork
// takes (file_descriptor.cpp). A page that is mapped keeps them until it is unmapped, with no lock of ours. Where it cannot be mapped,
// close() frees them after all.
SharedMemory::~SharedMemory() {
  void* const page = size_ < kSlowToFree ? MAP_FAILED : ::mmap(nullptr, 1, PROT_READ, MAP_PRIVATE, descriptor_.get(), 0);
  descriptor_.reset();
  if (page != MAP_FAILED) ::munmap(page, 1);
}

bool SharedMemory::is_same_as(const SharedMemory& other) const noexcept {
  if (this == &other) return true;
  struct stat here {
  }, there{};
  return ::fstat(descriptor(), &here) == 0 && ::fstat(other.descriptor(), &there) == 0 && here.st_dev == there.st_dev &&
         here.st_ino == there.st_ino;
}

void SharedMemory::seal() {
  const auto is_sealed = [this] { return ::fcntl(descriptor_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) == 0; };
  bool sealed = is_sealed();
  // A process that is dead, and has been seen dead, may have its memory for a moment longer: whoever looks at it through /proc keeps it.
  for (int tries = 0; !sealed && errno == EBUSY && tries < kSealTries; ++tries) {
    std::this_thread::sleep_for(kSealPause);
    sealed = is_sealed();
  }
  if (!sealed) {
    if (errno == EBUSY)
      throw SharedMemoryError(
          "cannot seal shared memory: it can be written to elsewhere (another process has it, or it is mapped here by its descriptor), or the "
          "kernel is at it (direct input or output)");
    throw shared_memory_error("seal shared memory", errno);
  }
  sealed_ = true;
}

SharedMapping::SharedMapping(SharedMemoryRef memory, std::uint64_t offset, std::size_t bytes)
    : memory_(std::move(memory)),
      first_(offset / page_size() * page_size()),
      length_(std::max<std::size_t>(1, bytes + static_cast<std::size_t>(offset - first_))) {
  if (first_ >= memory_->size()) first_ = 0;  // nothing, at the very end
  void* const place = map(nullptr, memory_->sealed());
  if (place == MAP_FAILED) {
    const int error = errno;
    // It was sealed by who had sent it, and whom nothing told that it had not arrived.
    if (error == EPERM && !memory_->sealed() && (::fcntl(memory_->descriptor(), F_GET_SEALS) & F_SEAL_WRITE) != 0) {
      throw SharedMemoryError("cannot map shared memory: it was sealed on its way from one process to the other");
    }
    throw shared_memory_error("map shared memory", error);
  }
  begin_ = static_cast<std::byte*>(place);
}

// Of sealed memory a private mapping, whose pages are the shared ones as long as nobody writes: a shared one counts as writable
// before Linux 6.7, and is refused.
void* SharedMapping::map(void* place, bool sealed) const noexcept {
  return ::mmap(place, length_, sealed ? PROT_READ : PROT_READ | PROT_WRITE,
                (sealed ? MAP_PRIVATE : MAP_SHARED) | (place != nullptr ? MAP_FIXED : 0), memory_->descriptor(),
                static_cast<off_t>(first_));
}

// What is mapped to be written cannot be sealed. The one mapping takes the other's place in one step; if it does not, the other may be
// gone (before Linux 6.12), and somebody else's memory could come to lie there.
void SharedMapping::seal() {
  const auto map_as_it_was = [this] {
    if (map(begin_, false) == MAP_FAILED) give_up("shared memory that could not be sealed cannot be mapped as it was");
  };
  if (map(begin_, true) == MAP_FAILED) {
    const int error = errno;
    if (memory_->descriptor() >= 0) map_as_it_was();  // in a fork there is none, and nothing has been touched
    throw shared_memory_error("map sealed memory", error);
  }
  try {
    memory_->seal();
  } catch (const SharedMemoryError&) {
    map_as_it_was();
    throw;
  }
}

// The descriptor first, and the pages with the mapping: see ~SharedMemory().
SharedMapping::~SharedMapping() {
  memory_.reset();
  ::munmap(begin_, length_);
}

}  // namespace pools::detail
