#include "pools/src/process/ipc/channel.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include "pools/src/process/ipc/channel_layout.h"

namespace pools::detail {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

constexpr std::size_t kPage = 4096;
constexpr std::size_t kCapacity = ChannelMemory::kRingCapacity;
constexpr std::size_t kTotal = kPage + 2 * kCapacity;
constexpr std::size_t kMapped = kPage + 4 * kCapacity;
static_assert(sizeof(ChannelLayout) <= kPage && ChannelMemory::kRingCapacity % kPage == 0);
// Sealed, so that no process can shrink it under the other (SIGBUS).
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

}  // namespace

ChannelMemory::ChannelMemory() : descriptor_(make_memory_file("pools-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
  if (!descriptor_) fail("cannot make the memory of a channel");
  if (::ftruncate(descriptor_.get(), kTotal) != 0) fail("cannot size the memory of a channel");
  if (::fcntl(descriptor_.get(), F_ADD_SEALS, kSeals) != 0) fail("cannot seal the memory of a channel");
  map();
  ::new (static_cast<void*>(layout_)) ChannelLayout;
}

ChannelMemory::ChannelMemory(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {
  struct stat status {};
  if (::fstat(descriptor_.get(), &status) != 0) fail("cannot look at the memory of a channel");
  if (status.st_size != static_cast<off_t>(kTotal)) throw WireError("the memory of the channel has another size");
  map();
  if (layout_->magic != ChannelLayout::kMagic) throw WireError("the memory of the channel has another layout");
}

ChannelMemory::~ChannelMemory() {
  if (layout_ != nullptr) ::munmap(layout_, kMapped);
}

void ChannelMemory::map() {
  void* const space = ::mmap(nullptr, kMapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) fail("cannot map the memory of a channel");
  auto* const base = static_cast<std::byte*>(space);
  const auto place = [&](std::size_t at, std::size_t from, std::size_t size) {
    return ::mmap(base + at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor_.get(), static_cast<off_t>(from)) !=
           MAP_FAILED;
  };
  // The header and the first ring, that ring again, and the second ring twice. Two processes share it and no third: forks of either
  // have no such memory. (One that was made before the last step has a copy of which nobody in it knows.)
  if (!place(0, 0, kPage + kCapacity) || !place(kPage + kCapacity, kPage, kCapacity) ||
      !place(kPage + 2 * kCapacity, kPage + kCapacity, kCapacity) ||
      !place(kPage + 3 * kCapacity, kPage + kCapacity, kCapacity) || ::madvise(space, kMapped, MADV_DONTFORK) != 0) {
    const int error = errno;
    ::munmap(space, kMapped);
    errno = error;
    fail("cannot map the memory of a channel");
  }
  layout_ = static_cast<ChannelLayout*>(space);
}

std::byte* ChannelMemory::request_bytes() const noexcept { return reinterpret_cast<std::byte*>(layout_) + kPage; }
std::byte* ChannelMemory::response_bytes() const noexcept { return request_bytes() + 2 * kCapacity; }

ParentChannel::ParentChannel()
    : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      requests_(memory_.layout().requests, memory_.request_bytes(), ChannelMemory::kRingCapacity),
      responses_(memory_.layout().responses, memory_.response_bytes(), ChannelMemory::kRingCapacity) {
  if (!event_) fail("cannot make the event descriptor of a channel");
}

std::span<const std::byte> ParentChannel::view(std::size_t done, std::size_t) {
  if (done > 0) {
    responses_.consume(done);
    futex_ring(memory_.layout().worker_asleep, kHasRead);
  }
  return responses_.view();
}

std::size_t ParentChannel::read_some(std::span<std::byte> to) {
  const std::size_t count = responses_.read_some(to);
  if (count > 0) futex_ring(memory_.layout().worker_asleep, kHasRead);
  return count;
}

void ParentChannel::ring() noexcept { futex_ring(memory_.layout().worker_asleep, kHasWritten); }

void ParentChannel::expect_event(bool want_room) noexcept {
  // Seq_cst: step (1) of the sleeper, see doorbell.h.
  memory_.layout().parent_asleep.store(want_room ? kAsleepForRoom : kAsleepForData, std::memory_order_seq_cst);
}

void ParentChannel::expect_no_event() noexcept {
  // Relaxed: only saves the worker a system call.
  memory_.layout().parent_asleep.store(kAwake, std::memory_order_relaxed);
}

WorkerChannel::WorkerChannel(FileDescriptor memory, FileDescriptor event)
    : memory_(std::move(memory)),
      event_(std::move(event)),
      requests_(memory_.layout().requests, memory_.request_bytes(), ChannelMemory::kRingCapacity),
      responses_(memory_.layout().responses, memory_.response_bytes(), ChannelMemory::kRingCapacity) {
  memory_.close_descriptor();
}

ClaimBoard& ParentChannel::board() noexcept { return memory_.layout().board; }
ClaimBoard& WorkerChannel::board() noexcept { return memory_.layout().board; }

void WorkerChannel::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t count = responses_.write_some(bytes);
    if (count == 0) {
      futex_await(memory_.layout().worker_asleep, kAsleepForRoom, [this] { return responses_.room() > 0; });
      continue;
    }
    bytes = bytes.subspan(count);
    event_ring(memory_.layout().parent_asleep, kHasWritten, event_.get());
  }
}

void WorkerChannel::commit(std::size_t count) noexcept {
  responses_.commit(count);
  event_ring(memory_.layout().parent_asleep, kHasWritten, event_.get());
}

std::span<const std::byte> WorkerChannel::view(std::size_t done, std::size_t seen) {
  if (done > 0) {
    requests_.consume(done);
    event_ring(memory_.layout().parent_asleep, kHasRead, event_.get());
  }
  futex_await(memory_.layout().worker_asleep, kAsleepForData, [&] { return requests_.available() > seen; });
  return requests_.view();
}

std::size_t WorkerChannel::read_some(std::span<std::byte> to) {
  futex_await(memory_.layout().worker_asleep, kAsleepForData, [this] { return requests_.available() > 0; });
  const std::size_t count = requests_.read_some(to);
  event_ring(memory_.layout().parent_asleep, kHasRead, event_.get());
  return count;
}

}  // namespace pools::detail
