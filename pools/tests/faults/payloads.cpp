// Arguments and results that are too large, too slow or cannot be turned into bytes and back.

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/gate.h"

namespace pools::faults {
namespace {

using test::Gate;
using test::TemporaryDirectory;

// --- large ones ---

std::vector<std::uint64_t> count_on(std::vector<std::uint64_t> numbers) {
  for (std::uint64_t& number : numbers) ++number;
  return numbers;
}

// 256 MiB each; POOLS_FAULT_BYTES says another size, up to the gibibyte that a pool allows. Six times as much memory is touched, which takes
// minutes on a virtual machine that had none of it before.
POOLS_FAULT_REPEATED(huge_argument_and_result, 1) {
  const char* const bytes = std::getenv("POOLS_FAULT_BYTES");
  const std::size_t count = (bytes == nullptr ? std::size_t{1} << 28 : std::stoull(bytes)) / sizeof(std::uint64_t);
  BusyPool pool;
  std::vector<std::uint64_t> numbers(count);
  for (std::size_t at = 0; at < count; ++at) numbers[at] = at * 0x9e3779b97f4a7c15;
  auto future = pool->submit<&count_on>(numbers);
  pool.others().await(100);  // they go on meanwhile
  const std::vector<std::uint64_t> counted = std::move(future).result();
  FAULT_EXPECT_EQ(counted.size(), count);
  for (std::size_t at = 0; at < count; ++at) {
    if (counted[at] != numbers[at] + 1) throw Failure("a wrong number at " + std::to_string(at));
  }
  pool.finish();
}

POOLS_FAULT(payload_beyond_its_limit) {
  BusyPool pool({.max_payload = 4'000'000});
  const auto sent = pool->submit<&count_on>(std::vector<std::uint64_t>(500'001));
  FAULT_EXPECT(mentions(thrown_by<PayloadTooLargeError>([&] { sent.result(); }), "4000000"));
  const auto returned = pool->submit<&test::repeat>(std::string(1000, 'x'), 4001);
  FAULT_EXPECT(mentions(thrown_by<PayloadTooLargeError>([&] { returned.result(); }), "4000000"));
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

// Once armed it stands at a gate when a task has ended, and with it the whole of the pool's supervision.
struct StandsAtAGate : PoolObserver {
  explicit StandsAtAGate(std::string name) : gate(std::move(name)) {}
  void finished(std::uint64_t, int, Outcome) noexcept override {
    if (armed.exchange(false)) test::pass(gate);
  }
  const std::string gate;
  std::atomic<bool> armed{false};
};
std::vector<std::uint64_t> many(const std::string& file, std::size_t count) {
  test::log_value(file, ::getpid());
  std::vector<std::uint64_t> numbers(count);
  for (std::size_t at = 0; at < count; ++at) numbers[at] = at;
  return numbers;
}

bool sleeps(int pid) {
  std::string stat;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), stat);
  return stat.substr(stat.rfind(')') + 2, 1) == "S";
}

POOLS_FAULT(full_ring_with_a_slow_parent) {
  Gate gate;
  const TemporaryDirectory directory;
  const auto observer = std::make_shared<StandsAtAGate>(gate.name());
  BusyPool pool({.observer = observer});
  std::vector<Future<std::vector<std::uint64_t>>> large;
  observer->armed = true;
  gate.await();
  // Nothing is read any more. The workers go on with what they have, and whoever has more to say than its ring holds waits.
  for (int task = 0; task < 8; ++task) large.push_back(pool->submit<&many>(directory.file("writers"), std::size_t{1} << 20));
  wait_until([&] {
    for (const pid_t pid : pool->worker_pids()) {
      if (!sleeps(pid)) return false;
    }
    return true;
  });
  gate.open();
  for (const auto& future : large) {
    const std::vector<std::uint64_t>& numbers = future.result();
    FAULT_EXPECT_EQ(numbers.size(), std::size_t{1} << 20);
    for (std::size_t at = 0; at < numbers.size(); ++at) FAULT_EXPECT(numbers[at] == at);
  }
  pool.finish();
}

// --- what cannot be encoded or decoded ---

bool in_a_worker = false;
void mark_as_worker() { in_a_worker = true; }

enum class Point { none, save_here, load_there, save_there, load_here };

// Throws at one point of its way to a worker and back.
struct Fragile {
  Point breaks = Point::none;
  std::string before = std::string(100, 'b');

  void pass(Point here, Point there) const {
    if (breaks == (in_a_worker ? there : here)) throw std::out_of_range("fragile");
  }
  template <class Archive>
  void save(Archive& archive) const {
    archive(breaks, before);
    pass(Point::save_here, Point::save_there);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(breaks, before);
    pass(Point::load_here, Point::load_there);
  }
};
Fragile send_back(const Fragile& fragile) { return fragile; }

// The future has the exception, of whichever side, and no process has died.
template <class Error>
void expect_exception(Point breaks) {
  BusyPool pool({.initializer = remote<&mark_as_worker>()});
  std::vector<Future<Fragile>> futures;
  for (int task = 0; task < 20; ++task) futures.push_back(pool->submit<&send_back>(Fragile{.breaks = breaks}));
  const auto whole = pool->submit<&send_back>(Fragile{});
  for (const auto& future : futures) FAULT_EXPECT(mentions(thrown_by<Error>([&] { future.result(); }), "fragile"));
  FAULT_EXPECT(whole.result().before.size() == 100);
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

POOLS_FAULT(argument_that_cannot_be_encoded) { expect_exception<std::out_of_range>(Point::save_here); }
POOLS_FAULT(argument_that_cannot_be_decoded) { expect_exception<RemoteError>(Point::load_there); }
POOLS_FAULT(result_that_cannot_be_encoded) { expect_exception<RemoteError>(Point::save_there); }
POOLS_FAULT(result_that_cannot_be_decoded) { expect_exception<std::out_of_range>(Point::load_here); }

struct NoStandardException {};
int throw_something(int what) {
  if (what == 0) throw 42;
  if (what == 1) throw NoStandardException{};
  throw "words";
}

POOLS_FAULT(exception_that_is_no_std_exception) {
  BusyPool pool;
  const std::string types[] = {"int", "NoStandardException", "char const*"};
  for (int what = 0; what < 3; ++what) {
    const auto error = thrown_by<RemoteError>([&] { pool->submit<&throw_something>(what).result(); });
    FAULT_EXPECT(error.type().find(types[what]) != std::string::npos);
  }
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

}  // namespace
}  // namespace pools::faults
