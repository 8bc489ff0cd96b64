// What a message may make its receiver allocate (pools/detail/archive.h).

#include "pools/detail/codec.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <list>
#include <valarray>
#include <vector>

namespace pools::detail {
namespace {

// Takes 32 KiB of memory and no byte of a message.
struct Huge {
  std::array<char, 32768> room;

  template <class Archive>
  void serialize(Archive&) {}
};

// Likewise, one byte.
struct Small {
  template <class Archive>
  void serialize(Archive&) {}
};

template <class Container>
class ContainersOfHugeElements : public testing::Test {};
using Containers =
    testing::Types<std::vector<Huge>, std::deque<Huge>, std::list<Huge>, std::forward_list<Huge>, std::valarray<Huge>>;
TYPED_TEST_SUITE(ContainersOfHugeElements, Containers);

TYPED_TEST(ContainersOfHugeElements, MayNotBeLongerThanTheMessageByMuchMemory) {
  Bytes bytes;
  encode<std::uint64_t>(bytes, 65536);  // 2 GiB of them
  Reader reader(bytes.view());
  EXPECT_THROW(decode<TypeParam>(reader), WireError);
}

TYPED_TEST(ContainersOfHugeElements, MayBeAsManyAsTakeAModerateAmountOfMemory) {
  Bytes bytes;
  encode<std::uint64_t>(bytes, 32);
  Reader reader(bytes.view());
  EXPECT_NO_THROW(decode<TypeParam>(reader));
  reader.expect_end();
}

TEST(ContainersOfSmallElements, MayBeManyThatTakeNoByteOfTheMessage) {
  Bytes bytes;
  encode(bytes, std::vector<Small>(100'000));
  Reader reader(bytes.view());
  EXPECT_EQ(decode<std::vector<Small>>(reader).size(), 100'000u);
}

TEST(ContainersOfSmallElements, MayNotBeMoreThanAnyMemoryHolds) {
  Bytes bytes;
  encode<std::uint64_t>(bytes, ~std::uint64_t{0});
  Reader reader(bytes.view());
  EXPECT_THROW(decode<std::vector<Small>>(reader), WireError);
}

}  // namespace
}  // namespace pools::detail
