// Values that are nested, and chains that are long, beyond what a stack holds.

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/gate.h"
#include "pools/thread_pool.h"

namespace pools::faults {
namespace {

constexpr int kLevels = 2'000'000;  // a compiler needs some 30 bytes for each
constexpr int kLinks = 100'000;

// So many levels, one within the other, each a call deeper where it is read; written without recursion.
struct DeepToRead {
  int levels = 0;
  template <class Archive>
  void save(Archive& archive) const {
    for (int left = levels; left >= 0; --left) archive(left);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(levels);
    DeepToRead inside;
    if (levels > 0) archive(inside);
  }
};
// The other way round.
struct DeepToWrite {
  int levels = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(levels);
    if (levels > 0) archive(DeepToWrite{levels - 1});
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(levels);
    for (int left = levels; left > 0;) archive(left);
  }
};
template <class Deep>
Deep make(int levels) {
  return {levels};
}
template <class Deep>
int levels_of(const Deep& deep) {
  return deep.levels;
}

template <class T>
void expect_depth_refused(const Future<T>& future, const char* words) {
  FAULT_EXPECT(mentions(thrown_by<RecursionError>([&] { future.result(); }), words));
}

// Whoever would have to nest too deeply, it is that task's exception, and nobody dies.
POOLS_FAULT(deeply_nested_result) {
  BusyPool pool;
  FAULT_EXPECT_EQ(pool->submit<&make<DeepToRead>>(1000).result().levels, 1000);
  FAULT_EXPECT_EQ(pool->submit<&make<DeepToWrite>>(1000).result().levels, 1000);
  expect_depth_refused(pool->submit<&make<DeepToRead>>(kLevels), "decoded");
  expect_depth_refused(pool->submit<&make<DeepToWrite>>(kLevels), "encoded");
  int items = 0;
  auto several = pool->map<&make<DeepToRead>>(std::vector{10, kLevels, 20});
  for (auto item = several.begin(); item != several.end(); ++item, ++items) {
    if (items == 1) {
      FAULT_EXPECT(mentions(thrown_by<RecursionError>([&] { static_cast<void>((*item).levels); }), "decoded"));
    } else {
      FAULT_EXPECT_EQ((*item).levels, items == 0 ? 10 : 20);
    }
  }
  FAULT_EXPECT_EQ(items, 3);
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

POOLS_FAULT(deeply_nested_argument) {
  BusyPool pool;
  FAULT_EXPECT_EQ(pool->submit<&levels_of<DeepToRead>>(DeepToRead{1000}).result(), 1000);
  FAULT_EXPECT_EQ(pool->submit<&levels_of<DeepToWrite>>(DeepToWrite{1000}).result(), 1000);
  expect_depth_refused(pool->submit<&levels_of<DeepToRead>>(DeepToRead{kLevels}), "decoded");
  expect_depth_refused(pool->submit<&levels_of<DeepToWrite>>(DeepToWrite{kLevels}), "encoded");
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

// A chain of then_in whose head is completed by `end`. What becomes of its last link.
template <class End>
Future<int> end_of_chain(ProcessPool& pool, End end) {
  auto head = std::make_unique<Promise<int>>();
  Future<int> link = head->future();
  for (int at = 0; at < kLinks; ++at) link = link.then_in<&test::square>(pool);
  end(head);
  return link;
}

POOLS_FAULT_REPEATED(long_chain_whose_head_fails, 2) {
  BusyPool pool;
  const auto failed = end_of_chain(*pool, [](std::unique_ptr<Promise<int>>& head) {
    FAULT_EXPECT(head->set_running());
    head->set_exception(std::make_exception_ptr(std::runtime_error("the head")));
  });
  FAULT_EXPECT(mentions(thrown_by<std::runtime_error>([&] { failed.result(); }), "the head"));
  const auto cancelled = end_of_chain(*pool, [](std::unique_ptr<Promise<int>>& head) { head->future().cancel(); });
  thrown_by<CancelledError>([&] { cancelled.result(); });
  pool.finish();
}

POOLS_FAULT_REPEATED(long_chain_that_is_dropped, 2) {
  BusyPool pool;
  end_of_chain(*pool, [](std::unique_ptr<Promise<int>>& head) { head.reset(); });
  pool.finish();
}

}  // namespace
}  // namespace pools::faults
