// What shared pointers may look like in a message (pools/detail/shared_pointers.h).

#include "pools/detail/shared_pointers.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pools/detail/codec.h"

namespace pools::detail {
namespace {

constexpr std::uint32_t kNew = 0x80000000;  // an object follows

struct Node {
  std::string name;
  std::vector<std::shared_ptr<Node>> children;
  std::weak_ptr<Node> parent;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, children, parent);
  }
};

template <class T>
T copy_of(const T& value) {
  Bytes bytes;
  encode(bytes, value);
  Reader reader(bytes.view());
  T copy = decode<T>(reader);
  reader.expect_end();
  return copy;
}

template <class... T>
Bytes bytes_of(const T&... values) {
  Bytes bytes;
  (encode(bytes, values), ...);
  return bytes;
}
template <class T>
void expect_refused(const Bytes& bytes) {
  Reader reader(bytes.view());
  EXPECT_THROW(decode<T>(reader), WireError);
}

TEST(SharedPointers, OfOneTypeStayShared) {
  const auto text = std::make_shared<std::string>("shared");
  const auto copy =
      copy_of(std::vector<std::shared_ptr<std::string>>{text, nullptr, text, std::make_shared<std::string>("alone")});
  EXPECT_EQ(copy[0], copy[2]);
  EXPECT_EQ(copy[1], nullptr);
  EXPECT_EQ(*copy[0], "shared");
  EXPECT_EQ(*copy[3], "alone");
  const auto mixed = copy_of(std::pair<std::shared_ptr<std::string>, std::shared_ptr<const std::string>>{text, text});
  EXPECT_EQ(mixed.first, mixed.second);
}

TEST(SharedPointers, MayPointBackToWhatHoldsThem) {
  const auto root = std::make_shared<Node>();
  root->name = "root";
  root->children = {std::make_shared<Node>(), nullptr};
  root->children[0]->parent = root;
  const auto copy = copy_of(root);
  EXPECT_EQ(copy->children[0]->parent.lock(), copy);
}

TEST(SharedPointers, OfAnotherTypeThanTheObjectAreRefused) {
  using Two = std::pair<std::shared_ptr<std::uint64_t>, std::shared_ptr<std::string>>;
  expect_refused<Two>(bytes_of(kNew | 1, std::uint64_t{0x4141414141414141}, std::uint32_t{1}));
  using Weak = std::pair<std::shared_ptr<std::uint64_t>, std::weak_ptr<std::string>>;
  expect_refused<Weak>(bytes_of(kNew | 1, std::uint64_t{0x4141414141414141}, std::uint32_t{1}));
  expect_refused<Two>(bytes_of(kNew | 1, std::uint64_t{7}, std::uint32_t{9}));  // of no object
}

TEST(SharedPointers, ANumberNamesOneObject) {
  expect_refused<std::vector<std::shared_ptr<int>>>(bytes_of(std::uint64_t{2}, kNew | 1, 5, kNew | 1, 6));
}

}  // namespace
}  // namespace pools::detail
