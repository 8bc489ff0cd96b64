// The pool's side of memory that a worker scribbles on: the indices of two rings and the cells of the claim board
// (pools/src/process/ipc/byte_ring.h, claim_board.h). As long as the worker is honest, what is written is what is read; if it is not, no access
// leaves the ring.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <new>
#include <span>
#include <vector>

#include "fuzz/fuzz.h"
#include "pools/src/process/ipc/byte_ring.h"
#include "pools/src/process/ipc/claim_board.h"
#include "pools/src/process/os/file_descriptor.h"

namespace {

using namespace pools::detail;

constexpr std::size_t kCapacity = 4096;

// A ring's memory as a channel maps it, twice in a row, between two pages that nobody may touch.
std::byte* ring_memory() {
  static std::byte* const memory = [] {
    const FileDescriptor file(::memfd_create("ring", MFD_CLOEXEC));
    FUZZ_REQUIRE(::ftruncate(file.get(), kCapacity) == 0);
    void* const space = ::mmap(nullptr, 4 * kCapacity, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FUZZ_REQUIRE(space != MAP_FAILED);
    auto* const first = static_cast<std::byte*>(space) + kCapacity;
    for (int copy = 0; copy < 2; ++copy) {
      FUZZ_REQUIRE(::mmap(first + copy * kCapacity, kCapacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.get(), 0) !=
                   MAP_FAILED);
    }
    return first;
  }();
  return memory;
}

void rings(fuzz::Input input) {
  RingIndices indices;
  RingProducer producer(indices, ring_memory(), kCapacity);
  RingConsumer consumer(indices, ring_memory(), kCapacity);
  std::deque<std::byte> expected;
  bool honest = true;
  std::uint8_t next = 0;
  while (!input.empty()) {
    const std::uint8_t step = input.byte();
    switch (step % 8) {
      case 0:
      case 1: {
        std::vector<std::byte> bytes(std::size_t{input.byte()} * 20);
        for (std::byte& byte : bytes) byte = std::byte{next++};
        const std::size_t count = step % 8 == 0 ? producer.write_some(bytes) : producer.write_quietly(bytes);
        FUZZ_REQUIRE(count <= bytes.size() && count <= kCapacity);
        expected.insert(expected.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
        break;
      }
      case 2:
        producer.publish();
        break;
      case 3: {
        std::vector<std::byte> bytes(std::size_t{input.byte()} * 20);
        const std::size_t count = consumer.read_some(bytes);
        FUZZ_REQUIRE(count <= bytes.size() && count <= kCapacity);
        for (std::size_t i = 0; honest && i < count; ++i) {
          FUZZ_REQUIRE(!expected.empty() && expected.front() == bytes[i]);
          expected.pop_front();
        }
        break;
      }
      case 4: {
        const std::span<const std::byte> there = consumer.view();
        for (std::size_t i = 0; honest && i < there.size(); ++i) FUZZ_REQUIRE(i < expected.size() && expected[i] == there[i]);
        const std::size_t done = std::min<std::size_t>(std::size_t{input.byte()} * 20, there.size());
        consumer.consume(done);
        expected.erase(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(std::min(done, expected.size())));
        const std::span<std::byte> free = producer.reserve();
        FUZZ_REQUIRE(free.size() <= kCapacity);
        const std::size_t count = std::min<std::size_t>(input.byte(), free.size());
        for (std::size_t i = 0; i < count; ++i) expected.push_back(free[i] = std::byte{next++});
        producer.commit(count);
        FUZZ_REQUIRE(producer.room() <= kCapacity && producer.unread() <= kCapacity && consumer.available() <= kCapacity);
        break;
      }
      case 5:  // the other side overwrites an index
        honest = false;
        indices.consumed.store(input.number());
        break;
      case 6:
        honest = false;
        indices.written.store(input.number());
        break;
      default:  // a little off: more likely to pass the checks
        honest = false;
        (step & 8 ? indices.written : indices.consumed).fetch_add(input.byte() - std::uint64_t{128});
    }
  }
}

void board(fuzz::Input input) {
  // The cells as the worker sees them: mere memory.
  alignas(ClaimBoard) std::byte memory[sizeof(ClaimBoard)];
  ClaimBoard& cells = *::new (static_cast<void*>(memory)) ClaimBoard;
  std::vector<bool> begun(256);
  std::vector<bool> taken(256);
  bool honest = true;
  std::uint64_t offered = 0;
  while (!input.empty()) {
    const std::uint8_t step = input.byte();
    const std::uint64_t sequence = offered < 64 ? input.byte() % 64 : offered - input.byte() % 64;
    switch (step % 5) {
      case 0:
        if (offered < 255) cells.offer(++offered);
        break;
      case 1:
        if (cells.begin(sequence)) {
          FUZZ_REQUIRE(!honest || !taken.at(sequence));
          begun.at(sequence) = true;
        }
        break;
      case 2:
        if (cells.take_back(sequence)) {
          FUZZ_REQUIRE(!honest || !begun.at(sequence));
          taken.at(sequence) = true;
        }
        break;
      case 3:
        FUZZ_REQUIRE(!honest || cells.begun(sequence) == begun.at(sequence));
        break;
      default: {
        honest = false;
        const std::uint64_t word = input.number();
        std::memcpy(memory + (step / 5 % ClaimBoard::kCells) * sizeof word, &word, sizeof word);
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  if (input.byte() % 2 == 0) {
    try {
      rings(input);
    } catch (const WireError&) {
    }
  } else {
    board(input);
  }
  return 0;
}
