// Parameters that view their argument where it arrived.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pools/detail/codec.h"
#include "pools/detail/views.h"
#include "pools/process_pool.h"
#include "pools/remote.h"
#include "pools/src/process/ipc/channel.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

class ProcessViews : public ProcessTest {};

// It lies in the memory that this worker shares with its pool.
bool is_in_the_channel(const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/memfd:pools-channel") == std::string::npos) continue;
    const std::size_t dash = line.find('-');
    if (std::stoull(line.substr(0, dash), nullptr, 16) <= address && address < std::stoull(line.substr(dash + 1), nullptr, 16)) {
      return true;
    }
  }
  return false;
}

std::size_t letters(std::string_view text) { return text.size(); }
bool text_is_viewed(std::string_view text) { return is_in_the_channel(text.data()); }
double sum_of_span(std::span<const double> numbers) { return std::accumulate(numbers.begin(), numbers.end(), 0.0); }
bool span_is_viewed(const std::string& before, std::span<const double> numbers) {
  return is_in_the_channel(numbers.data()) && reinterpret_cast<std::uintptr_t>(numbers.data()) % alignof(double) == 0 &&
         !before.empty();
}
std::string joined(std::string_view a, int number, const std::span<const char>& b) {
  return std::string(a) + std::to_string(number) + std::string(b.begin(), b.end());
}

TEST_F(ProcessViews, a_view_is_given_what_the_caller_had) {
  ProcessPool pool{1};
  EXPECT_EQ(pool.submit<&letters>("four").result(), 4U);
  EXPECT_EQ(pool.submit<&letters>(std::string()).result(), 0U);
  EXPECT_EQ(pool.submit<&letters>(std::string(5'000'000, 'x')).result(), 5'000'000U);
  EXPECT_EQ(pool.submit<&joined>("a", 7, std::vector<char>{'b', 'c'}).result(), "a7bc");
  std::vector<double> numbers(1000, 0.5);
  EXPECT_EQ(pool.submit<&sum_of_span>(numbers).result(), 500);
  EXPECT_EQ(pool.submit<&sum_of_span>(std::span<const double>(numbers).first(2)).result(), 1);
  numbers.resize(1'000'000, 0.5);
  EXPECT_EQ(pool.submit<&sum_of_span>(numbers).result(), 500'000);
}

TEST_F(ProcessViews, both_pools_take_the_same_arguments) {
  ThreadPool threads{1};
  ProcessPool processes{1};
  const std::string text = "text";
  EXPECT_EQ(threads.submit<&letters>(text).result(), processes.submit<&letters>(text).result());
  const std::vector<double> numbers{1, 2};
  EXPECT_EQ(threads.submit<&sum_of_span>(numbers).result(), processes.submit<&sum_of_span>(numbers).result());
  EXPECT_EQ(threads.submit<&repeat>(text, 2).then_in<&letters>(processes).result(), 8U);
}

TEST_F(ProcessViews, nothing_is_copied_that_lies_in_the_ring_whatever_went_before) {
  ProcessPool pool{1};
  std::vector<Future<bool>> viewed;
  for (std::size_t round = 0; round < 500; ++round) {
    const std::string odd(1 + round * 7919 % 5000, 'o');
    viewed.push_back(pool.submit<&text_is_viewed>(odd));
    viewed.push_back(pool.submit<&span_is_viewed>(odd, std::vector<double>(round % 300 + 1)));
  }
  viewed.push_back(pool.submit<&span_is_viewed>("1 MiB", std::vector<double>(std::size_t{1} << 17)));
  for (const Future<bool>& each : viewed) EXPECT_TRUE(each.result());
}

TEST_F(ProcessViews, map_and_initializers_take_them) {
  ProcessPool pool({.workers = 2, .initializer = remote<&span_is_viewed>("x", std::vector<double>{1, 2, 3})});
  std::vector<std::string> texts;
  for (std::size_t length = 0; length < 100; ++length) texts.emplace_back(length, 'x');
  for (const int chunksize : {1, 7}) {
    std::size_t length = 0;
    for (const std::size_t each : pool.map<&letters>(texts, {.chunksize = chunksize})) EXPECT_EQ(each, length++);
  }
}

TEST(Views, elements_that_arrive_out_of_line_are_copied_into_line) {
  const std::vector<double> numbers{1, 2, 3};
  for (std::size_t before = 0; before < 9; ++before) {
    detail::Bytes bytes;
    bytes.append("12345678", before);
    detail::encode_view(bytes, std::span<const double>(numbers));
    std::vector<std::byte> moved(bytes.size() + 16);
    for (std::size_t off = 0; off < 9; ++off) {
      std::copy(bytes.view().begin(), bytes.view().end(), moved.begin() + static_cast<std::ptrdiff_t>(off));
      detail::Reader reader(std::span<const std::byte>(moved).subspan(off, bytes.size()));
      reader.take(before);
      detail::ViewedArgument<std::span<const double>> argument(reader);
      reader.expect_end();
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(argument.view().data()) % alignof(double), 0U);
      EXPECT_THAT(argument.view(), testing::ElementsAre(1, 2, 3));
    }
  }
}

TEST(Views, one_that_is_longer_than_its_message_is_refused) {
  for (const std::uint64_t count : {std::uint64_t{4}, std::uint64_t{1} << 61, ~std::uint64_t{0}}) {
    detail::Bytes bytes;
    bytes.append(&count, sizeof count);
    bytes.append("\0abc", 4);
    detail::Reader text(bytes);
    if (count != 4) {
      EXPECT_THROW(detail::ViewedArgument<std::string_view>{text}, detail::WireError);
    }
    detail::Reader span(bytes);
    EXPECT_THROW(detail::ViewedArgument<std::span<const double>>{span}, detail::WireError);
  }
}

TEST(ByteRing, a_message_begins_at_a_multiple_and_not_without_room_for_the_way_there) {
  detail::RingIndices indices;
  std::vector<std::byte> memory(128);
  detail::RingProducer producer(indices, memory.data(), 64);
  detail::RingConsumer consumer(indices, memory.data(), 64);
  EXPECT_EQ(producer.write_some(std::vector<std::byte>(3)), 3U);
  EXPECT_TRUE(producer.align(8));
  EXPECT_TRUE(producer.align(8));
  producer.publish();
  EXPECT_EQ(consumer.available(), 8U);
  EXPECT_EQ(producer.write_some(std::vector<std::byte>(56)), 56U);
  EXPECT_TRUE(producer.align(8));
  consumer.consume(3);
  EXPECT_EQ(producer.write_some(std::vector<std::byte>(2)), 2U);
  EXPECT_FALSE(producer.align(8));
  consumer.consume(5);
  EXPECT_TRUE(producer.align(8));
  producer.publish();
  EXPECT_EQ(consumer.available(), 64U);
}

// What a fork that the task makes dies of when it looks at its argument; 0: of nothing.
int signal_of_a_fork_that_looks_at(std::string_view text) {
  const volatile char* const first = text.data();
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would exit
    static_cast<void>(*first);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) return SIGSEGV;  // a sanitizer exits all the same
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}
int signal_of_a_fork_that_looks_at_a_copy(std::string_view text) {
  const std::string copy(text);
  return signal_of_a_fork_that_looks_at(copy);
}

TEST_F(ProcessViews, a_fork_of_a_task_has_no_views_but_copies) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the fork can read there: what ThreadSanitizer maps in a fork may lie where the view was";
#endif
  ProcessPool pool{1};
  EXPECT_EQ(pool.submit<&signal_of_a_fork_that_looks_at>("four").result(), SIGSEGV);
  EXPECT_EQ(pool.submit<&signal_of_a_fork_that_looks_at_a_copy>("four").result(), 0);
}

}  // namespace
}  // namespace pools::test
