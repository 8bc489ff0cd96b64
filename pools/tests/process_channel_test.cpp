// The channel between pool and worker, both ends in this process; what is read from it is not trusted.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "pools/detail/function_key.h"
#include "pools/src/process/ipc/channel.h"
#include "pools/src/process/ipc/wire.h"
#include "pools/tests/expectations.h"

namespace pools::detail {
namespace {

FileDescriptor copy_of(int fd) { return FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

struct Ends {
  ParentChannel parent;
  WorkerChannel worker{copy_of(parent.memory_descriptor()), copy_of(parent.event())};
};

std::vector<std::byte> pattern(std::size_t size, unsigned seed) {
  std::vector<std::byte> bytes(size);
  for (std::size_t at = 0; at < size; ++at) bytes[at] = static_cast<std::byte>(at * 131 + seed + at / 257);
  return bytes;
}

// As the supervisor does it: look, say that one is going to sleep, look again, sleep.
template <class Ready>
void await(ParentChannel& parent, bool want_room, Ready ready) {
  while (!ready()) {
    parent.expect_event(want_room);
    if (ready()) return;
    pollfd event{.fd = parent.event(), .events = POLLIN, .revents = 0};
    ASSERT_GE(::poll(&event, 1, -1), 0);
    std::uint64_t count = 0;
    ASSERT_EQ(::read(parent.event(), &count, sizeof count), static_cast<ssize_t>(sizeof count));
  }
}

TEST(Channel, carries_more_than_a_ring_in_both_directions) {
  Ends ends;
  const std::vector<std::byte> sent = pattern(5 * ChannelMemory::kRingCapacity + 123, 7);
  std::thread worker([&] {
    std::vector<std::byte> received(sent.size());
    std::mt19937 random(1);
    for (std::size_t at = 0; at < received.size();) {
      const std::size_t piece = std::min<std::size_t>(1 + random() % 200'000, received.size() - at);
      at += ends.worker.read_some(std::span(received).subspan(at, piece));
    }
    ends.worker.write(received);
  });
  std::mt19937 random(2);
  for (std::size_t at = 0; at < sent.size();) {
    await(ends.parent, true, [&] { return ends.parent.has_room(); });
    at += ends.parent.write_some(std::span(sent).subspan(at, std::min<std::size_t>(1 + random() % 300'000, sent.size() - at)));
    ends.parent.ring();
  }
  std::vector<std::byte> received(sent.size());
  for (std::size_t at = 0; at < received.size();) {
    await(ends.parent, false, [&] { return ends.parent.readable(); });
    at += ends.parent.read_some(std::span(received).subspan(at));
  }
  worker.join();
  EXPECT_EQ(received, sent);
}

// A wake-up that is lost leaves both sides asleep: the test's timeout tells. On a busy machine, or under a sanitizer, it makes do
// with the round trips of ten seconds.
TEST(Channel, loses_no_wake_up_in_hundreds_of_thousands_of_round_trips) {
  constexpr int kRoundTrips = 300'000;
  const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  Ends ends;
  const auto idle_sometimes = [](std::mt19937& random) {
    // From no pause to one in which the other side surely falls asleep, so that every point of its way to sleep is hit.
    for (unsigned yields = random() % 32 == 0 ? random() % 120 : 0; yields > 0; --yields) ::sched_yield();
  };
  constexpr int kStop = -1;
  std::thread worker([&] {
    std::mt19937 random(3);
    for (int number = 0;;) {
      ASSERT_EQ(ends.worker.read_some(std::as_writable_bytes(std::span(&number, 1))), sizeof number);
      if (number == kStop) return;
      idle_sometimes(random);
      ++number;
      ends.worker.write(std::as_bytes(std::span(&number, 1)));
    }
  });
  const auto send = [&](int number) {
    EXPECT_EQ(ends.parent.write_some(std::as_bytes(std::span(&number, 1))), sizeof number);
    ends.parent.ring();
  };
  std::mt19937 random(4);
  int trip = 0;
  for (; trip < kRoundTrips && (trip % 64 != 0 || std::chrono::steady_clock::now() < enough); ++trip) {
    send(trip);
    idle_sometimes(random);
    await(ends.parent, false, [&] { return ends.parent.readable(); });
    int number = 0;
    EXPECT_EQ(ends.parent.read_some(std::as_writable_bytes(std::span(&number, 1))), sizeof number);
    EXPECT_EQ(number, trip + 1);
  }
  send(kStop);
  worker.join();
  RecordProperty("round_trips", trip);
}

TEST(Channel, memory_of_another_size_or_layout_is_refused) {
  const FileDescriptor small(::memfd_create("small", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(small.get(), 4096), 0);
  EXPECT_THROW(ChannelMemory(copy_of(small.get())), WireError);
  const ChannelMemory right;
  const FileDescriptor zeros(::memfd_create("zeros", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(zeros.get(), ::lseek(right.descriptor(), 0, SEEK_END)), 0);
  EXPECT_THROW(ChannelMemory(copy_of(zeros.get())), WireError);
}

TEST(Channel, its_memory_cannot_be_shrunk_under_the_other_side) {
  const ChannelMemory memory;
  EXPECT_NE(::ftruncate(memory.descriptor(), 4096), 0);
  EXPECT_EQ(errno, EPERM);
}

TEST(ByteRing, an_index_out_of_bounds_is_an_error_and_nothing_is_touched) {
  RingIndices indices;
  std::vector<std::byte> memory(128);  // nothing here goes beyond the first half
  RingProducer producer(indices, memory.data(), 64);
  RingConsumer consumer(indices, memory.data(), 64);
  std::byte byte{};
  EXPECT_EQ(producer.write_some(pattern(10, 0)), 10u);
  for (const std::uint64_t wrong : {std::uint64_t{11}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    indices.consumed = wrong;  // more than was written
    EXPECT_THROW(producer.room(), WireError);
    EXPECT_THROW(producer.write_some(pattern(64, 0)), WireError);  // more than the room that it has seen before
  }
  indices.consumed = 0;
  for (const std::uint64_t wrong : {std::uint64_t{65}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    indices.written = wrong;  // more than fits
    EXPECT_THROW(consumer.read_some(std::span(&byte, 1)), WireError);
    EXPECT_THROW(consumer.view(), WireError);
  }
  indices.written = 10;
  std::vector<std::byte> received(20);
  EXPECT_EQ(consumer.read_some(received), 10u);
}

// --- messages ---

// Shows `piece` bytes more at each look.
struct Pieces {
  std::vector<std::byte> bytes;
  std::size_t piece = 1;
  std::size_t visible = 0;
  std::size_t at = 0;
  static constexpr std::size_t kLongestInPlace = 256;

  std::span<const std::byte> view(std::size_t done, std::size_t) {
    at += done;
    visible = std::min(std::min(visible + piece, at + kLongestInPlace), bytes.size());
    return std::span(bytes).subspan(at, visible - at);
  }
  std::size_t read_some(std::span<std::byte> to) {
    const std::size_t count = std::min({to.size(), piece, bytes.size() - at});
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, to.begin());
    at += count;
    visible = std::max(visible, at);
    return count;
  }
};

std::vector<std::byte> message_of(std::size_t payload, std::uint64_t sequence) {
  Message message(MessageKind::result);
  message.payload().append(pattern(payload, 1).data(), payload);
  message.seal(sequence);
  return {message.view().begin(), message.view().end()};
}

TEST(MessageReader, puts_messages_together_from_any_pieces) {
  for (const std::size_t piece : {1u, 7u, 40u, 41u, 1000u}) {
    Pieces source{.bytes = {}, .piece = piece};
    for (const std::size_t size : {0u, 1u, 300u, 216u, 217u, 2u}) {
      const auto message = message_of(size, size + 5);
      source.bytes.insert(source.bytes.end(), message.begin(), message.end());
    }
    MessageReader<Pieces> reader;
    for (const std::size_t size : {0u, 1u, 300u, 216u, 217u, 2u}) {
      std::optional<MessageHeader> header;
      while (!(header = reader.poll(source))) ASSERT_LT(source.at, source.bytes.size());
      EXPECT_EQ(header->sequence, size + 5);
      EXPECT_TRUE(std::ranges::equal(reader.payload(), pattern(size, 1)));
    }
    EXPECT_FALSE(reader.poll(source));
  }
}

TEST(MessageReader, a_header_that_lies_is_an_error_before_anything_is_allocated) {
  Pieces wrong_magic{.bytes = message_of(3, 1), .piece = 1000};
  wrong_magic.bytes[0] ^= std::byte{1};
  EXPECT_THROW(MessageReader<Pieces>().poll(wrong_magic), WireError);
  Pieces absurd{.bytes = message_of(3, 1), .piece = 1000};
  const std::uint64_t length = ~std::uint64_t{0};
  std::memcpy(&absurd.bytes[offsetof(MessageHeader, length)], &length, sizeof length);
  EXPECT_THROW(MessageReader<Pieces>().poll(absurd), WireError);
}

TEST(Reader, what_is_not_there_is_not_read) {
  Bytes bytes;
  const std::uint64_t length = 9;
  bytes.append(&length, sizeof length);
  Reader reader(bytes.view());
  EXPECT_THROW(reader.section(), WireError);
  std::uint32_t word = 0;
  EXPECT_THROW(Reader(bytes.view().first(3)).read(&word, sizeof word), WireError);
  EXPECT_THROW(Reader(bytes.view()).expect_end(), WireError);
}

TEST(FunctionKey, names_functions_of_the_program_and_of_its_libraries) {
  for (const void* function : {reinterpret_cast<const void*>(&copy_of), reinterpret_cast<const void*>(&::getpid)}) {
    const FunctionKey key = key_of(function);
    EXPECT_NE(key, FunctionKey{});
    EXPECT_EQ(function_of(key), function);
  }
  EXPECT_NE(key_of(reinterpret_cast<const void*>(&copy_of)).module,
            key_of(reinterpret_cast<const void*>(&::memfd_create)).module);
  EXPECT_THROW(function_of({.module = 1, .offset = 2}), Error);
}

}  // namespace
}  // namespace pools::detail
