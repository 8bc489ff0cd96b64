#include "pools/src/process/ipc/answer_rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace pools::detail {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

bool allows(const AnswerRules& rules, WorkerPhase phase, bool up, MessageKind kind, std::uint64_t length) {
  MessageHeader header;
  header.kind = kind;
  header.length = length;
  try {
    rules.check(header, phase, up);
    return true;
  } catch (const WireError&) {
    return false;
  }
}

// Every message there is, and two that there are not, in every phase.
TEST(AnswerRules, EachPhaseHasItsAnswersAndEachAnswerItsLength) {
  for (const bool may_refuse : {false, true}) {
    for (const std::uint64_t max_payload : {0u, 1000u}) {
      const AnswerRules rules{.may_refuse = may_refuse, .max_payload = max_payload};
      for (const auto& [phase, up] : {std::pair(WorkerPhase::starting, false), std::pair(WorkerPhase::ready, true),
                                      std::pair(WorkerPhase::stopping, false), std::pair(WorkerPhase::stopping, true)}) {
        const auto longest = [&, phase = phase, up = up](MessageKind kind) -> std::optional<std::uint64_t> {
          if (!up && kind == MessageKind::ready) return 0;
          if (!up && kind == MessageKind::refused && may_refuse) return kLongestException;
          if (phase == WorkerPhase::ready && kind == MessageKind::result) return max_payload > 0 ? max_payload : kUnlimited;
          if (phase == WorkerPhase::ready && kind == MessageKind::error) return kLongestException;
          if (phase == WorkerPhase::ready && kind == MessageKind::skipped) return 0;
          return std::nullopt;
        };
        for (std::uint32_t number = 0; number <= 9; ++number) {
          const auto kind = static_cast<MessageKind>(number);
          const std::optional<std::uint64_t> most = longest(kind);
          SCOPED_TRACE(testing::Message() << "phase " << static_cast<int>(phase) << ", up " << up << ", kind " << number);
          EXPECT_EQ(allows(rules, phase, up, kind, 0), most.has_value());
          EXPECT_EQ(allows(rules, phase, up, kind, most.value_or(1)), most.has_value());
          EXPECT_EQ(allows(rules, phase, up, kind, std::max(most.value_or(0), most.value_or(0) + 1)), most == kUnlimited);
        }
      }
    }
  }
}

struct Endless {  // a header, and bytes without an end
  MessageHeader header;
  std::size_t read = 0;
  static constexpr std::size_t kLongestInPlace = 256;
  std::span<const std::byte> view(std::size_t, std::size_t) {
    return {reinterpret_cast<const std::byte*>(&header), sizeof header};
  }
  std::size_t read_some(std::span<std::byte> to) {
    read += to.size();
    return to.size();
  }
};

TEST(AnswerRules, AreAskedBeforeAnythingOfAPayloadIsKept) {
  Endless source;
  source.header.kind = MessageKind::result;
  source.header.length = std::uint64_t{1} << 39;
  const AnswerRules rules{.may_refuse = false, .max_payload = 1000};
  MessageReader<Endless> reader;
  EXPECT_THROW(reader.poll(source, [&](const MessageHeader& header) { rules.check(header, WorkerPhase::ready, true); }),
               WireError);
  EXPECT_EQ(source.read, 0u);
}

}  // namespace
}  // namespace pools::detail
