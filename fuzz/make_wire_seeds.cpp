// make_wire_seeds DIRECTORY: the seeds of the wire target, made by the codec itself: each type in a message of its own, exceptions, a
// chunk of map(), a message longer than the reader's buffer; and what is wrong with a message, one thing at a time.

#include <cstring>
#include <fstream>
#include <stdexcept>

#include "fuzz/fuzz.h"
#include "fuzz/wire_types.h"
#include "pools/detail/remote_exception.h"
#include "pools/errors.h"
#include "pools/remote.h"
#include "pools/src/process/ipc/wire.h"

namespace {

using namespace pools::detail;

template <class T>
T example() {
  if constexpr (std::is_same_v<T, std::string>) return "text with \xc3\xa4";
  if constexpr (std::is_same_v<T, std::vector<std::string>>) return {"one", "", "three"};
  if constexpr (std::is_same_v<T, std::map<std::string, std::vector<std::int32_t>>>) return {{"a", {1, -2}}, {"b", {}}};
  if constexpr (std::is_same_v<T, std::optional<std::pair<std::string, double>>>) return std::pair<std::string, double>("x", 1.5);
  if constexpr (std::is_same_v<T, std::variant<std::int32_t, std::string, std::vector<double>>>) return std::vector<double>{1, 2};
  if constexpr (std::is_same_v<T, std::unique_ptr<std::string>>) return std::make_unique<std::string>("owned");
  if constexpr (std::is_same_v<T, std::vector<std::shared_ptr<std::string>>>) {
    auto shared = std::make_shared<std::string>("shared");
    return {shared, nullptr, shared};
  }
  if constexpr (std::is_same_v<T, std::tuple<fuzz::Plain, fuzz::Colour, std::string>>)
    return {{0.5, 3}, fuzz::Colour::green, "t"};
  if constexpr (std::is_same_v<T, std::vector<bool>>) return {true, false, true};
  if constexpr (std::is_same_v<T, std::bitset<77>>) return std::bitset<77>(0xdeadbeef);
  if constexpr (std::is_same_v<T, std::vector<fuzz::Nothing>>) return std::vector<fuzz::Nothing>(5);
  if constexpr (std::is_same_v<T, fuzz::Record>) return {.name = "r", .points = {{1, 2}, {3, 4}}, .flag = true};
  if constexpr (std::is_same_v<T, std::list<fuzz::Record>>) return {{.name = "r", .points = {{1, 2}}, .flag = true}, {}};
  if constexpr (std::is_same_v<T, bool>) return true;
  if constexpr (std::is_same_v<T, std::array<std::string, 3>>) return {"a", "b", "c"};
  if constexpr (std::is_same_v<T, std::unordered_map<std::int64_t, std::set<std::string>>>) return {{-1, {"s"}}, {7, {}}};
  if constexpr (std::is_same_v<T, std::deque<std::complex<double>>>) return {{1, 2}, {3, 4}};
  if constexpr (std::is_same_v<T, std::vector<fuzz::Plain>>) return {{1, 2}, {3, 4}};
  if constexpr (std::is_same_v<T, std::chrono::nanoseconds>) return std::chrono::nanoseconds(42);
  if constexpr (std::is_same_v<T, std::vector<std::vector<std::optional<bool>>>>) return {{true, std::nullopt}, {}};
}

void write(const std::filesystem::path& directory, const std::string& name, std::span<const std::byte> bytes,
           std::uint8_t piece = 255) {
  std::ofstream file(directory / name, std::ios::binary);
  file.put(static_cast<char>(piece));
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

Message exception_message() {
  Message message(MessageKind::error);
  try {
    throw std::runtime_error("the task failed");
  } catch (...) {
    encode_current_exception(message.payload());
  }
  message.seal(1);
  return message;
}

}  // namespace

int main(int argc, char** argv) {
  FUZZ_REQUIRE(argc == 2);
  const std::filesystem::path directory = argv[1];
  std::filesystem::create_directories(directory);
  Bytes all;
  for (std::uint64_t number = 0; number < 20; ++number) {
    Message message(MessageKind::result);
    fuzz::with_type(number, [&message]<class T>() { encode(message.payload(), example<T>()); });
    message.seal(number);
    all.append(message.view().data(), message.view().size());
    write(directory, "value_" + std::to_string(number), message.view());
    if (number == 2) {
      write(directory, "cut_short", message.view().first(message.view().size() - 3));
      // The sizes of containers are what lies first in the payload.
      std::uint64_t absurd = std::uint64_t{1} << 60;
      std::memcpy(message.payload().data() + sizeof(MessageHeader), &absurd, sizeof absurd);
      write(directory, "absurd_container", message.view());
    }
  }
  write(directory, "a_stream_in_pieces", all.view(), 1);
  Message exception = exception_message();
  write(directory, "exception", exception.view());

  Message chunk(MessageKind::task);
  {
    const Section section(chunk.payload());
    encode(chunk.payload(), ItemOutcome::value);
    encode(chunk.payload(), std::string("item"));
  }
  {
    const Section section(chunk.payload());
    encode(chunk.payload(), ItemOutcome::exception);
    const std::span<const std::byte> content = exception.view().subspan(sizeof(MessageHeader));
    chunk.payload().append(content.data(), content.size());
  }
  chunk.seal(1);
  write(directory, "chunk", chunk.view());

  Message large(MessageKind::result);
  encode(large.payload(), std::string(40'000, 'x'));
  large.seal(0);
  write(directory, "longer_than_the_buffer", large.view(), 100);

  Message flag(MessageKind::result);
  const std::uint8_t two = 2;
  flag.payload().append(&two, 1);
  flag.seal(13);
  write(directory, "a_bool_that_is_none", flag.view());

  for (const auto& [name, offset, value] :
       {std::tuple("wrong_magic", offsetof(MessageHeader, magic), std::uint64_t{1}),
        std::tuple("absurd_length", offsetof(MessageHeader, length), ~std::uint64_t{0}),
        std::tuple("longer_than_what_comes", offsetof(MessageHeader, length), std::uint64_t{1} << 30),
        std::tuple("unknown_kind", offsetof(MessageHeader, kind), std::uint64_t{99})}) {
    Message message = exception_message();
    std::memcpy(message.payload().data() + offset, &value, offset == offsetof(MessageHeader, length) ? 8 : 4);
    write(directory, name, message.view());
  }
}
