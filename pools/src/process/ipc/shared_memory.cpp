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
#include <cstring>

#include "pools/detail/bytes.h"

namespace pools::detail {
namespace {

constexpr std::uint64_t kPageSize = 4096;
constexpr int kFixedSize = F_SEAL_SHRINK | F_SEAL_GROW;

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
  FileDescriptor descriptor(::memfd_create("pools-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING));
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

void SharedMemory::seal() {
  if (::fcntl(descriptor_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    if (errno == EBUSY) throw SharedMemoryError("cannot seal shared memory: another process has it, and may write to it");
    throw shared_memory_error("seal shared memory", errno);
  }
  sealed_ = true;
}

SharedMapping::SharedMapping(SharedMemoryRef memory, std::uint64_t offset, std::size_t bytes)
    : memory_(std::move(memory)),
      first_(offset / kPageSize * kPageSize),
      length_(std::max<std::size_t>(1, bytes + static_cast<std::size_t>(offset - first_))) {
  if (first_ >= memory_->size()) first_ = 0;  // nothing, at the very end
  void* const place = map(nullptr, memory_->sealed());
  if (place == MAP_FAILED) throw shared_memory_error("map shared memory", errno);
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

// The descriptor first: what then frees the pages, tens of milliseconds for a gibibyte, is munmap, and not a close() with the lock held
// that each descriptor and each fork takes (file_descriptor.cpp).
SharedMapping::~SharedMapping() {
  memory_.reset();
  ::munmap(begin_, length_);
}

}  // namespace pools::detail
