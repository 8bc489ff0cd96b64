// What crosses to a worker and back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include "pools/process_pool.h"
#include "pools/src/process/ipc/channel.h"
#include "pools/tests/expectations.h"
#include "pools/tests/process_checks.h"

namespace pools::test {
namespace {

enum class Colour : std::uint8_t { red, green };

struct Point {  // trivially copyable, not default-constructible
  Point(int at_x, double at_y) : x(at_x), y(at_y) {}
  int x;
  double y;
  friend bool operator==(const Point&, const Point&) = default;
};

struct Pixel {
  std::int32_t x = 0;
  Colour colour = Colour::red;
  friend bool operator==(const Pixel&, const Pixel&) = default;
};

struct Document {  // the user's own serialisation, of everything
  std::string title;
  std::map<std::string, std::vector<Pixel>> layers;
  std::optional<Pixel> cursor;
  std::unique_ptr<int> owned;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(title, layers, cursor, owned);
  }
  friend bool operator==(const Document& a, const Document& b) {
    return a.title == b.title && a.layers == b.layers && a.cursor == b.cursor && !a.owned == !b.owned &&
           (!a.owned || *a.owned == *b.owned);
  }
};

template <class T>
T echo(T value) {
  return value;
}

class ProcessValues : public ProcessTest {
 protected:
  void SetUp() override {
    ProcessTest::SetUp();
    pool_.emplace(1);
  }
  void TearDown() override {
    pool_.reset();  // before it is counted what is left
    ProcessTest::TearDown();
  }
  template <class T>
  void expect_round_trip(T value) {
    EXPECT_EQ(pool().submit<&echo<T>>(value).result(), value);
  }

  ProcessPool& pool() { return *pool_; }

 private:
  std::optional<ProcessPool> pool_;
};

TEST_F(ProcessValues, arithmetic_types_and_enums) {
  expect_round_trip<int>(-7);
  expect_round_trip<bool>(true);
  expect_round_trip<char>('x');
  expect_round_trip<std::uint64_t>(~std::uint64_t{0});
  expect_round_trip<double>(-0.5);
  expect_round_trip<long double>(1.25L);
  expect_round_trip<Colour>(Colour::green);
}

TEST_F(ProcessValues, trivially_copyable_types_need_nothing) {
  expect_round_trip<Point>(Point(3, 4.5));
  expect_round_trip<Pixel>(Pixel{.x = -1, .colour = Colour::green});
  expect_round_trip<std::array<int, 3>>({1, 2, 3});
  expect_round_trip<std::chrono::nanoseconds>(std::chrono::seconds(3));
}

TEST_F(ProcessValues, standard_containers) {
  expect_round_trip<std::string>("");
  expect_round_trip<std::string>(std::string("with\0nul", 8));
  expect_round_trip<std::vector<int>>({});
  expect_round_trip<std::vector<bool>>({true, false, true});
  expect_round_trip<std::vector<std::string>>({"one", "", "three"});
  expect_round_trip<std::vector<Pixel>>({{.x = 1}, {.x = 2, .colour = Colour::green}});
  expect_round_trip<std::map<std::string, std::vector<double>>>({{"a", {1, 2}}, {"b", {}}});
  expect_round_trip<std::unordered_map<int, std::string>>({{1, "x"}, {2, "y"}});
  expect_round_trip<std::set<std::pair<int, std::string>>>({{1, "x"}, {1, "y"}});
  expect_round_trip<std::tuple<int, std::string, Pixel>>({1, "x", {.x = 2}});
  expect_round_trip<std::optional<std::string>>("there");
  expect_round_trip<std::optional<std::string>>(std::nullopt);
  expect_round_trip<std::variant<int, std::string>>("text");
}

TEST_F(ProcessValues, types_with_a_serialisation_of_their_own) {
  Document document{.title = "title",
                    .layers = {{"one", {{.x = 1}}}},
                    .cursor = Pixel{.x = 9},
                    .owned = std::make_unique<int>(5)};
  EXPECT_EQ(pool().submit<&echo<Document>>(document).result(), document);
  EXPECT_EQ(*pool().submit<&echo<std::unique_ptr<int>>>(std::make_unique<int>(3)).result(), 3);
}

int sum_by_reference(const std::vector<int>& values) { return std::accumulate(values.begin(), values.end(), 0); }
std::string take(std::string&& text, const std::string& suffix) { return std::move(text) + suffix; }
const std::string& a_reference() {
  static const std::string text = "referred to";
  return text;
}
int no_exception(int value) noexcept { return value + 1; }
struct Scale {
  int factor;
  int times(int value) const { return factor * value; }
};

TEST_F(ProcessValues, every_way_to_declare_a_function) {
  const std::vector<int> lvalue{1, 2, 3};
  EXPECT_EQ(pool().submit<&sum_by_reference>(lvalue).result(), 6);
  EXPECT_EQ(pool().submit<&take>("converted", std::string("!")).result(), "converted!");
  EXPECT_EQ(pool().submit<&a_reference>().result(), "referred to");
  EXPECT_EQ(pool().submit<&no_exception>(1).result(), 2);
  EXPECT_EQ(pool().submit<&Scale::times>(Scale{3}, 4).result(), 12);
  EXPECT_EQ(pool().submit<[](int value) { return value * 2; }>(21).result(), 42);
  EXPECT_EQ(pool().submit<&echo<long>>(3).result(), 3L);
}

template <class T>
concept Transferable = detail::Copied<T> ||(!detail::PointsElsewhere<T>::value && detail::Serialised<T>);
struct Opaque {
  Opaque() {}
  Opaque(const Opaque&) {}
};
static_assert(!Transferable<int*> && !Transferable<const char*> && !Transferable<std::string_view> &&
              !Transferable<std::span<int>> && !Transferable<Opaque> && !Transferable<int Scale::*>);
static_assert(Transferable<Document> && Transferable<Point> && Transferable<std::vector<Pixel>>);

TEST_F(ProcessValues, payloads_of_all_sizes_around_the_rings) {
  const std::size_t capacity = detail::ChannelMemory::kRingCapacity;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4095}, std::size_t{8192}, std::size_t{8193},
                                 capacity - 49, capacity - 48, capacity - 47, capacity, capacity + 1, 3 * capacity + 7}) {
    std::vector<std::uint8_t> bytes(size);
    for (std::size_t at = 0; at < size; ++at) bytes[at] = static_cast<std::uint8_t>(at * 31 + at / 251);
    EXPECT_EQ(pool().submit<&echo<std::vector<std::uint8_t>>>(bytes).result(), bytes) << size;
  }
}

TEST_F(ProcessValues, a_payload_of_64_MiB) {
  std::vector<std::uint32_t> words(std::size_t{16} << 20);
  std::iota(words.begin(), words.end(), 1u);
  EXPECT_EQ(pool().submit<&echo<std::vector<std::uint32_t>>>(words).result(), words);
}

TEST_F(ProcessValues, large_and_small_payloads_take_turns) {
  std::vector<Future<std::string>> futures;
  std::vector<std::string> texts;
  for (std::size_t task = 0; task < 60; ++task) {
    texts.emplace_back(task % 3 == 0 ? 700'000 + task : task, static_cast<char>('a' + task % 26));
    futures.push_back(pool().submit<&echo<std::string>>(texts.back()));
  }
  for (std::size_t task = 0; task < futures.size(); ++task) EXPECT_EQ(futures[task].result(), texts[task]);
}

// --- exceptions ---

struct OwnError : std::exception {
  const char* what() const noexcept override { return "of one's own"; }
};

int throw_kind(int kind) {
  switch (kind) {
    case 0:
      throw std::out_of_range("out of range");
    case 1:
      throw OwnError();
    case 2:
      throw 7;
    case 3:
      throw "literal";
    case 4:
      throw std::string("string");
    case 5:
      throw RemoteError("Original", "from further away");
    default:
      throw std::runtime_error("");
  }
}

TEST_F(ProcessValues, exceptions_keep_type_and_message) {
  const auto thrown = [this](int kind) {
    try {
      pool().submit<&throw_kind>(kind).result();
    } catch (const RemoteError& error) {
      return error.type() + "|" + error.what();
    }
    return std::string("nothing");
  };
  EXPECT_EQ(thrown(0), "std::out_of_range|out of range");
  EXPECT_THAT(thrown(1), testing::MatchesRegex(".*OwnError\\|of one's own"));
  EXPECT_EQ(thrown(2), "int|");
  EXPECT_EQ(thrown(3), "char const*|literal");
  EXPECT_EQ(thrown(4), "std::string|string");
  EXPECT_EQ(thrown(5), "Original|from further away");
  EXPECT_EQ(thrown(6), "std::runtime_error|");
  EXPECT_EQ(pool().submit<&echo<int>>(1).result(), 1);  // by the same worker
}

// Cannot be saved, or not be loaded, where its member says.
struct Brittle {
  enum Where : int { nowhere, saving_argument, loading_argument, saving_result, loading_result };
  int where = nowhere;
  bool is_result = false;

  template <class Archive>
  void save(Archive& archive) const {
    if (where == (is_result ? saving_result : saving_argument)) throw std::domain_error("will not be saved");
    archive(where, is_result);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(where, is_result);
    if (where == (is_result ? loading_result : loading_argument)) throw std::domain_error("will not be loaded");
  }
  Brittle() = default;
  explicit Brittle(int breaks) : where(breaks) {}
  Brittle(const Brittle&) = default;
  Brittle& operator=(const Brittle& other) {
    where = other.where;
    is_result = other.is_result;
    return *this;
  }
};

Brittle pass_on(Brittle value) {
  value.is_result = true;
  return value;
}

TEST_F(ProcessValues, a_serialisation_that_throws_is_the_exception_of_that_task_alone) {
  EXPECT_TRUE(pool().submit<&pass_on>(Brittle(Brittle::nowhere)).result().is_result);
  POOLS_EXPECT_THROW_WHAT(pool().submit<&pass_on>(Brittle(Brittle::saving_argument)).result(), std::domain_error,
                          testing::StrEq("will not be saved"));
  POOLS_EXPECT_THROW_WHAT(pool().submit<&pass_on>(Brittle(Brittle::loading_argument)).result(), RemoteError,
                          testing::StrEq("will not be loaded"));
  POOLS_EXPECT_THROW_WHAT(pool().submit<&pass_on>(Brittle(Brittle::saving_result)).result(), RemoteError,
                          testing::StrEq("will not be saved"));
  POOLS_EXPECT_THROW_WHAT(pool().submit<&pass_on>(Brittle(Brittle::loading_result)).result(), std::domain_error,
                          testing::StrEq("will not be loaded"));
  EXPECT_TRUE(pool().submit<&pass_on>(Brittle(Brittle::nowhere)).result().is_result);
}

}  // namespace
}  // namespace pools::test
