#include "pools/detail/block_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace pools::detail {
namespace {

TEST(BlockCache, GivesEveryBlockToOneOwnerAtATime) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{32}, std::size_t{33}, std::size_t{512},
                                  std::size_t{513}, std::size_t{4096}}) {
    std::set<void*> blocks;
    for (int block = 0; block < 500; ++block) EXPECT_TRUE(blocks.insert(BlockCache::allocate(bytes)).second);
    for (void* const block : blocks) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t), 0U);
      if (bytes > 0) std::memset(block, 0xab, bytes);
      BlockCache::release(block, bytes);
    }
  }
}

// One thread makes what the other destroys, as a producer and a worker do, and both at once in both directions.
TEST(BlockCache, BlocksWanderBetweenThreadsWithWhatIsInThem) {
  struct Node : InBlocks {
    explicit Node(std::uint64_t value) : first(value), last(~value) {}
    std::uint64_t first;
    std::uint64_t filler[7] = {};
    std::uint64_t last;
  };
  constexpr std::uint64_t kNodes = 100'000;
  std::mutex mutex;
  std::vector<std::unique_ptr<Node>> channel;  // guarded by mutex
  std::atomic<int> producers{2};
  std::atomic<std::uint64_t> sum{0};
  const auto produce = [&](std::uint64_t from) {
    for (std::uint64_t value = from; value < from + kNodes; ++value) {
      auto node = std::make_unique<Node>(value);
      const std::lock_guard lock(mutex);
      channel.push_back(std::move(node));
    }
    --producers;
  };
  const auto consume = [&] {
    for (;;) {
      const bool last = producers == 0;
      std::vector<std::unique_ptr<Node>> some;
      {
        const std::lock_guard lock(mutex);
        some.swap(channel);
      }
      for (const auto& node : some) {
        EXPECT_EQ(node->first, ~node->last);
        sum += node->first;
      }
      if (some.empty() && last) return;
      if (some.empty()) std::this_thread::yield();
    }
  };
  {
    const std::jthread first([&] { produce(0); });
    const std::jthread second([&] { produce(kNodes); });
    const std::jthread third(consume);
    const std::jthread fourth(consume);
  }
  EXPECT_EQ(sum, 2 * kNodes * (2 * kNodes - 1) / 2);
}

TEST(BlockCache, ServesThreadsThatComeAndGo) {
  for (int round = 0; round < 50; ++round) {
    std::jthread([] {
      std::vector<void*> blocks;
      for (int block = 0; block < 200; ++block) blocks.push_back(BlockCache::allocate(100));
      for (void* const block : blocks) BlockCache::release(block, 100);
    });
  }
}

// A thread's cache is gone before its older thread-local objects are.
TEST(BlockCache, ServesDestructorsAfterTheThreadsCacheIsGone) {
  struct Late {
    ~Late() {
      void* const block = BlockCache::allocate(64);
      BlockCache::release(block, 64);
      BlockCache::release(kept, 64);
    }
    void* kept = nullptr;
  };
  std::jthread([] {
    thread_local Late late;
    late.kept = BlockCache::allocate(64);  // after `late` was constructed: the cache is destroyed first
  }).join();
}

TEST(BlockCache, APolymorphicObjectIsDestroyedThroughItsBase) {
  struct Base : InBlocks {
    virtual ~Base() = default;
  };
  struct Derived : Base {
    std::uint64_t content[20] = {};
  };
  for (int object = 0; object < 1000; ++object) {
    std::unique_ptr<Base> base = std::make_unique<Derived>();
    base.reset();
  }
}

}  // namespace
}  // namespace pools::detail
