#pragma once

// What the tasks of the fuzzed pool do, and what is known of its workers, honest and lying.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/played_processes.h"
#include "pools/detail/codec.h"

namespace fuzz {

// --- what the tasks do ---

struct Shared {
  std::shared_ptr<std::uint64_t> number;
  std::shared_ptr<std::string> text;
  std::shared_ptr<std::uint64_t> again;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, text, again);
  }
};

inline std::string text_for(std::uint64_t number) {
  return std::string(number % 16 == 9 ? 2'200'000 : number % 40, static_cast<char>('a' + number % 26));
}
inline std::string labelled(std::uint64_t number, const std::string& text) { return std::to_string(number) + text; }
inline Shared shared(std::uint64_t number, const std::string& text) {
  const auto its = std::make_shared<std::uint64_t>(number);
  return {its, std::make_shared<std::string>(text), its};
}
inline void prepare() {}

inline bool is_right(std::uint64_t number, const std::string& result) { return result == labelled(number, text_for(number)); }
inline bool is_right(std::uint64_t number, const Shared& result) {
  return result.number && *result.number == number && result.text && *result.text == text_for(number) &&
         result.again == result.number;
}

// --- the workers ---

// What is known of a worker's place in the protocol, and what it has begun to say.
struct Role {
  std::shared_ptr<PlayedProcess> process;
  bool honest = false;
  std::optional<pools::detail::MessageHeader> request;  // read and not answered
  std::optional<std::uint64_t> task;                    // its first argument: the number of the task
  bool begun = false;
  std::uint64_t sequence = 0;     // of the last request
  std::vector<std::byte> saying;  // what of a message is left to be written
  bool stopped = false;
  bool lied = false;
};

}  // namespace fuzz
