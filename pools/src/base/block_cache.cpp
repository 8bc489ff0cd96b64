#include "pools/detail/block_cache.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "pools/detail/forks.h"
#include "pools/detail/futex.h"
#include "pools/src/base/mutex.h"

#if defined(__SANITIZE_ADDRESS__)
#define POOLS_KEEPS_BLOCKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOLS_KEEPS_BLOCKS 0
#endif
#endif
#ifndef POOLS_KEEPS_BLOCKS
#define POOLS_KEEPS_BLOCKS 1
#endif

namespace pools::detail {
namespace {

constexpr std::size_t kStep = 32;  // sizes are multiples of it
constexpr std::size_t kSizes = BlockCache::kLargest / kStep;
constexpr std::size_t kMagazine = 64;

struct Block {
  Block* next;           // in its magazine
  Block* next_magazine;  // of a magazine's first block, in the depot
};
static_assert(sizeof(Block) <= kStep);

constexpr std::size_t size_index(std::size_t bytes) noexcept { return bytes == 0 ? 0 : (bytes - 1) / kStep; }
constexpr std::size_t bytes_of(std::size_t index) noexcept { return (index + 1) * kStep; }

struct Magazine {
  Block* first = nullptr;
  std::size_t count = 0;

  bool empty() const noexcept { return count == 0; }
  bool full() const noexcept { return count == kMagazine; }
  void push(Block* block) noexcept {
    block->next = std::exchange(first, block);
    ++count;
  }
  Block* pop() noexcept {
    --count;
    return std::exchange(first, first->next);
  }
};

// To the heap. Clang has the sized form only when it is told to.
void give_back(void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef __cpp_sized_deallocation
  ::operator delete(memory, bytes);
#else
  ::operator delete(memory);
#endif
}

void free_all(Magazine& magazine, std::size_t index) noexcept {
  while (!magazine.empty()) give_back(magazine.pop(), bytes_of(index));
}

// Full magazines of one size.
class alignas(64) Depot {
 public:
  bool take(Magazine& into) noexcept {
    // A glance, since for a program that keeps all its tasks there never is one: whoever misses one that is just being put takes a block
    // from the heap.
    if (magazines_.load(std::memory_order_relaxed) == 0) return false;
    const Lock lock(mutex_);
    if (first_ == nullptr) return false;
    into.first = std::exchange(first_, first_->next_magazine);
    into.count = kMagazine;
    count(-1);
    return true;
  }
  // False: it holds enough; the magazine is still the caller's.
  bool put(Magazine& full, std::size_t index) noexcept {
    const Lock lock(mutex_);
    if (magazines_.load(std::memory_order_relaxed) >= BlockCache::kMostKept / (kMagazine * bytes_of(index))) return false;
    full.first->next_magazine = std::exchange(first_, full.first);
    full = {};
    count(1);
    return true;
  }

 private:
  void count(std::ptrdiff_t by) noexcept REQUIRES(mutex_) {
    magazines_.store(magazines_.load(std::memory_order_relaxed) + static_cast<std::size_t>(by), std::memory_order_relaxed);
  }

  AdaptiveMutex mutex_;
  Block* first_ GUARDED_BY(mutex_) = nullptr;
  // Written with mutex_ held. Relaxed: what is read without it decides nothing but whether to look.
  std::atomic<std::size_t> magazines_{0};
};

// Trivially destroyed: objects with static storage duration may still be in blocks.
constinit std::array<Depot, kSizes> depots;
static_assert(std::is_trivially_destructible_v<Depot>);

// Two magazines per size: one to take from and put into, and one in reserve that is full or empty, so that a thread at the border
// does not go to the depot each time.
struct Cache {
  struct Pair {
    Magazine loaded;
    Magazine reserve;
  };
  std::array<Pair, kSizes> pairs;

  ~Cache();
};

// Free buffers of all large sizes. Four sizes per power of two: at most a quarter of a buffer is too much, and what is not used is not
// resident.
class LargeDepot {
 public:
  static constexpr std::size_t kSmallest = std::size_t{32} << 10;
  static constexpr std::size_t kLargest = std::size_t{16} << 20;
  static constexpr bool holds(std::size_t bytes) noexcept { return bytes >= kSmallest && bytes <= kLargest; }
  // The size that is allocated for `bytes`.
  static constexpr std::size_t rounded(std::size_t bytes) noexcept {
    const std::size_t step = std::bit_floor(bytes - 1) / 4;
    return (bytes + step - 1) / step * step;
  }

  void* take(std::size_t size) noexcept {
    const Lock lock(mutex_);
    Free*& first = list_of(size);
    if (first == nullptr) return nullptr;
    kept_ -= size;
    return std::exchange(first, first->next);
  }
  // False: it holds enough.
  bool put(void* block, std::size_t size) noexcept {
    const Lock lock(mutex_);
    if (kept_ + size > BlockCache::kMostLarge) return false;
    Free*& first = list_of(size);
    first = ::new (block) Free{first};
    kept_ += size;
    return true;
  }

 private:
  struct Free {
    Free* next;
  };
  Free*& list_of(std::size_t size) noexcept REQUIRES(mutex_) {
    const int power = std::bit_width(size) - 1;
    return lists_[static_cast<std::size_t>(power - kFirstPower) * 4 + (size >> (power - 2)) % 4];
  }

  static constexpr int kFirstPower = std::bit_width(kSmallest) - 1;
  static constexpr int kLastPower = std::bit_width(kLargest) - 1;
  AdaptiveMutex mutex_;
  std::array<Free*, static_cast<std::size_t>(kLastPower - kFirstPower + 1) * 4> lists_ GUARDED_BY(mutex_){};
  std::size_t kept_ GUARDED_BY(mutex_) = 0;
};
constinit LargeDepot large_depot;
static_assert(std::is_trivially_destructible_v<LargeDepot>);

// Threads that a fork does not have may have held the locks, with a list half changed. What was in there, and in the magazines of those
// threads, is lost to the fork.
const AtFork begin_anew([] {
  for (Depot& depot : depots) ::new (&depot) Depot;
  ::new (&large_depot) LargeDepot;
});

// Constant-initialised and trivially destroyed, so that it can be asked at any time: while the thread's cache does not exist, or
// exists no more, blocks go to the general allocator.
enum class CacheState : std::uint8_t { none, alive, gone };
thread_local CacheState cache_state = CacheState::none;
thread_local Cache* cache_pointer = nullptr;

Cache::~Cache() {
  cache_state = CacheState::gone;
  cache_pointer = nullptr;
  for (std::size_t index = 0; index < kSizes; ++index) {
    for (Magazine* const magazine : {&pairs[index].loaded, &pairs[index].reserve}) {
      if (!magazine->full() || !depots[index].put(*magazine, index)) free_all(*magazine, index);
    }
  }
}

Cache* make_cache() noexcept {
  if (cache_state == CacheState::gone) return nullptr;
  thread_local Cache cache;
  cache_state = CacheState::alive;
  return cache_pointer = &cache;
}

Cache* this_cache() noexcept {
  if (cache_pointer != nullptr) [[likely]]
    return cache_pointer;
  return make_cache();
}

}  // namespace

void* BlockCache::allocate(std::size_t bytes) {
  if (POOLS_KEEPS_BLOCKS && LargeDepot::holds(bytes)) {
    const std::size_t size = LargeDepot::rounded(bytes);
    void* const kept = large_depot.take(size);
    return kept != nullptr ? kept : ::operator new(size);
  }
  if (!POOLS_KEEPS_BLOCKS || bytes > kLargest) return ::operator new(bytes);
  const std::size_t index = size_index(bytes);
  if (Cache* const cache = this_cache()) {
    Cache::Pair& pair = cache->pairs[index];
    if (pair.loaded.empty()) {
      if (!pair.reserve.empty()) {
        std::swap(pair.loaded, pair.reserve);
      } else if (!depots[index].take(pair.loaded)) {
        return ::operator new(bytes_of(index));
      }
    }
    return pair.loaded.pop();
  }
  return ::operator new(bytes_of(index));
}

void BlockCache::release(void* memory, std::size_t bytes) noexcept {
  if (POOLS_KEEPS_BLOCKS && LargeDepot::holds(bytes)) {
    const std::size_t size = LargeDepot::rounded(bytes);
    if (!large_depot.put(memory, size)) give_back(memory, size);
    return;
  }
  if (!POOLS_KEEPS_BLOCKS || bytes > kLargest) return give_back(memory, bytes);
  const std::size_t index = size_index(bytes);
  if (Cache* const cache = this_cache()) {
    Cache::Pair& pair = cache->pairs[index];
    if (pair.loaded.full()) {
      std::swap(pair.loaded, pair.reserve);
      // The reserve was full or empty; full, it makes room.
      if (pair.loaded.full() && !depots[index].put(pair.loaded, index)) free_all(pair.loaded, index);
    }
    pair.loaded.push(::new (memory) Block);
    return;
  }
  give_back(memory, bytes_of(index));
}

}  // namespace pools::detail
