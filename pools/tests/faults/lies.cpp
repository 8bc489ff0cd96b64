// Workers that lie within the protocol: well-formed messages at the wrong time, cells of the board that say what suits their writer,
// headers that promise what no one wants, payloads that are wrong on purpose.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pools/detail/codec.h"
#include "pools/detail/remote_exception.h"
#include "pools/src/process/ipc/wire.h"
#include "pools/src/process/os/file_descriptor.h"
#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/faults/sabotage.h"

namespace pools::faults {
namespace {

using namespace std::chrono_literals;
using detail::Bytes;
using detail::MessageHeader;
using detail::MessageKind;

constexpr std::uint64_t kOffered = 1, kBegun = 2, kTakenBack = 3;  // claim_board.h
constexpr std::uint64_t kAnyLength = ~std::uint64_t{0};

std::span<std::atomic<std::uint64_t>> cells(const OwnChannel& channel) {
  return {reinterpret_cast<std::atomic<std::uint64_t>*>(channel.board().data()), channel.board().size() / 8};
}

// The number of the task that calls this: the newest that this worker has begun.
std::uint64_t own_number(const OwnChannel& channel) {
  std::uint64_t newest = 0;
  for (const auto& cell : cells(channel)) {
    if (const std::uint64_t word = cell; word % 4 == kBegun) newest = std::max(newest, word / 4);
  }
  return newest;
}

void call_own_task(std::uint64_t state) {
  const OwnChannel channel;
  const std::uint64_t number = own_number(channel);
  cells(channel)[number % cells(channel).size()] = number << 2 | state;
}

// A message as if the worker had sent it. What the worker itself sends afterwards lies over it.
void say(std::uint32_t kind, std::uint64_t sequence, std::span<const std::byte> payload = {}, std::uint64_t length = kAnyLength,
         std::uint16_t descriptors = 0) {
  const OwnChannel channel;
  MessageHeader header;
  header.kind = static_cast<MessageKind>(kind);
  header.sequence = sequence;
  header.length = length == kAnyLength ? payload.size() : length;
  header.descriptors = descriptors;
  const std::uint64_t begin = channel.responses_written();
  std::byte* const at = channel.responses().data() + begin % (channel.responses().size() / 2);
  std::memcpy(at, &header, sizeof header);
  if (!payload.empty()) std::memcpy(at + sizeof header, payload.data(), payload.size());
  channel.responses_written() = begin + sizeof header + payload.size();
}
void say(MessageKind kind, std::uint64_t sequence, const Bytes& payload = {}) {
  say(static_cast<std::uint32_t>(kind), sequence, payload.view());
}

Bytes exception_of(const std::string& message) {
  Bytes bytes;
  detail::encode(bytes, std::string("std::runtime_error"));
  detail::encode(bytes, message);
  return bytes;
}

void expect_ended_by_the_pool(const WorkerDied& died, const std::string& why) {
  if (!mentions(died, "the pool ended it because of") || !mentions(died, why))
    throw Failure(std::string("died of something else: ") + died.what());
}

// --- messages out of turn ---

int say_refused() {
  say(MessageKind::refused, own_number(OwnChannel()), exception_of("I will not"));
  return die_of(SIGKILL);  // what it has said is looked at all the same
}

POOLS_FAULT(refusal_of_a_worker_at_work) {
  BusyPool pool;
  const auto liar = pool->submit<&say_refused>();
  expect_ended_by_the_pool(thrown_by<WorkerDied>([&] { liar.result(); }), "a refusal where no initializer runs");
  pool.finish();
}

int say_anything(std::uint32_t kind, std::int64_t off) {
  say(kind, own_number(OwnChannel()) + static_cast<std::uint64_t>(off));
  return die_of(SIGKILL);
}

// But for the two answers that a task at work may give, everything is a violation; so are those of another number.
POOLS_FAULT_REPEATED(answers_out_of_turn, 1) {
  BusyPool pool;
  for (std::uint32_t kind = 0; kind <= 9; ++kind) {
    for (const std::int64_t off : {-1, 0, 1}) {
      const bool answer =
          kind == static_cast<std::uint32_t>(MessageKind::result) || kind == static_cast<std::uint32_t>(MessageKind::error);
      if (answer && off == 0) continue;
      const auto liar = pool->submit<&say_anything>(kind, off);
      expect_ended_by_the_pool(thrown_by<WorkerDied>([&] { liar.result(); }), "");
    }
  }
  pool.finish();
}

int say_result_once_idle() {
  const OwnChannel channel;
  const std::uint64_t before = channel.responses_written();
  std::thread([channel, before] {
    while (channel.responses_written() == before) std::this_thread::yield();
    say(MessageKind::result, own_number(channel));
    ::kill(::getpid(), SIGKILL);
  }).detach();
  return 5;
}

int one_more(int number) { return number + 1; }

POOLS_FAULT(answer_of_an_idle_worker) {
  ProcessPool pool({.workers = 1});
  FAULT_EXPECT_EQ(pool.submit<&say_result_once_idle>().result(), 5);
  wait_until([&] { return pool.metrics().crashed == 1; });
  FAULT_EXPECT_EQ(pool.submit<&one_more>(1).result(), 2);
  pool.shutdown();
  expect_balance(pool);
}

int say_result_at_exit() {
  std::atexit([] {
    say(MessageKind::result, own_number(OwnChannel()));
    while (true) ::pause();
  });
  return 6;
}

POOLS_FAULT(answer_while_stopping) {
  ProcessPool pool({.workers = 2, .max_tasks_per_child = 1});
  for (int round = 0; round < 3; ++round) FAULT_EXPECT_EQ(pool.submit<&say_result_at_exit>().result(), 6);
  FAULT_EXPECT_EQ(pool.submit<&one_more>(1).result(), 2);
}

// --- while it starts ---

// True for the first process that asks.
bool first_here(const std::string& path) {
  const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) ::close(file);
  return file >= 0;
}

void say_result_while_starting(const std::string& path) {
  if (!first_here(path)) return;
  say(MessageKind::result, 1);
  die_of(SIGKILL);
}

POOLS_FAULT(answer_of_a_worker_that_starts) {
  const std::string path = std::string(std::getenv("TMPDIR")) + "/lied";
  {
    BusyPool pool({.initializer = remote<&say_result_while_starting>(path)});
    pool.finish();
  }
  ::unlink(path.c_str());
}

void refuse_and_stay() {
  ::signal(SIGTERM, SIG_IGN);
  say(MessageKind::refused, 1, exception_of("I stay"));
  // A bell that the pool hears: it sleeps on the event descriptor.
  for (int descriptor = 3; descriptor < 64; ++descriptor) {
    const std::uint64_t one = 1;
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    char name[64] = {};
    if (::readlink(path.c_str(), name, sizeof name - 1) > 0 && std::strstr(name, "eventfd") != nullptr) {
      if (::write(descriptor, &one, sizeof one) != sizeof one) std::abort();
    }
  }
  while (true) ::pause();
}

POOLS_FAULT_REPEATED(refusal_without_an_exit, 2) {
  ProcessPool pool({.workers = 2, .initializer = remote<&refuse_and_stay>(), .kill_gap = 20ms});
  const auto task = pool.submit<&one_more>(1);
  FAULT_EXPECT(mentions(thrown_by<BrokenPoolError>([&] { task.result(); }), "I stay"));
  pool.shutdown();  // ends
  expect_balance(pool);
}

// --- the claim board ---

int call_it_and_die(std::uint64_t state) {
  call_own_task(state);
  return die_of(SIGKILL);
}
int call_it_and_answer(std::uint64_t state) {
  call_own_task(state);
  return 1;
}

// A task that never seems to have begun is run until twelve workers have died of it (four for each that one may kill), not until the pool
// breaks, and perhaps once more for each that was still at it when it was taken back. One that answered is ended for that, and may have begun a bystander meanwhile.
POOLS_FAULT_REPEATED(own_task_called_offered, 2) {
  BusyPool pool;
  const auto dies = pool->submit<&call_it_and_die>(kOffered);
  thrown_by<QuarantinedError>([&] { dies.result(); });
  FAULT_EXPECT(pool->metrics().crashed >= 12 && pool->metrics().crashed < 17);
  const auto answers = pool->submit<&call_it_and_answer>(kOffered);
  thrown_by<QuarantinedError>([&] { answers.result(); });
  FAULT_EXPECT(pool->metrics().crashed >= 24 && pool->metrics().crashed < 34);
  pool.finish(3);
}

POOLS_FAULT(own_task_called_taken_back) {
  BusyPool pool;
  const auto dies = pool->submit<&call_it_and_die>(kTakenBack);
  thrown_by<WorkerDied>([&] { dies.result(); });
  FAULT_EXPECT_EQ(pool->metrics().crashed, 1U);
  const auto answers = pool->submit<&call_it_and_answer>(kTakenBack);
  expect_ended_by_the_pool(thrown_by<WorkerDied>([&] { answers.result(); }), "a task that it");
  pool.finish();
}

// It says that those have begun that lie behind it, and itself not.
int blame_the_others() {
  const OwnChannel channel;
  const std::uint64_t own = own_number(channel);
  for (auto& cell : cells(channel)) {
    if (const std::uint64_t word = cell; word % 4 == kOffered && word / 4 > own) cell = word - kOffered + kBegun;
  }
  cells(channel)[own % cells(channel).size()] = own << 2 | kOffered;
  return die_of(SIGKILL);
}

POOLS_FAULT(other_tasks_called_begun) {
  BusyPool pool({.workers = 1}, 60);
  for (int round = 0; round < 3; ++round) {
    const auto liar = pool->submit<&blame_the_others>();
    thrown_by<QuarantinedError>([&] { liar.result(); });
  }
  pool.finish();
}

// --- payloads ---

// Header and then bytes without an end, as much as the pool takes.
int stream(std::uint32_t kind) {
  const OwnChannel channel;
  say(kind, own_number(channel), {}, std::uint64_t{1} << 39);
  const std::uint64_t ring = channel.responses().size() / 2;
  std::uint64_t written = channel.responses_written();
  while (written < (std::uint64_t{256} << 20)) {
    written = channel.responses_consumed() + ring;
    channel.responses_written() = written;
  }
  return die_of(SIGKILL);
}

POOLS_FAULT(terabyte_in_a_header) {
  BusyPool pool({.max_payload = 4'000'000});
  const auto result = pool->submit<&stream>(static_cast<std::uint32_t>(MessageKind::result));
  expect_ended_by_the_pool(thrown_by<WorkerDied>([&] { result.result(); }),
                           "an answer of 549755813888 bytes where 4000000 are the most");
  const auto error = pool->submit<&stream>(static_cast<std::uint32_t>(MessageKind::error));
  expect_ended_by_the_pool(thrown_by<WorkerDied>([&] { error.result(); }), "an answer of 549755813888 bytes");
  pool.finish();
}

int throw_at_length(std::size_t length) { throw std::runtime_error(std::string(length, 'x')); }

POOLS_FAULT(exception_with_an_endless_message) {
  BusyPool pool({.max_payload = 4'000'000});
  for (const std::size_t length : {detail::kLongestExceptionText, detail::kLongestExceptionText + 1, std::size_t{20'000'000}}) {
    const auto task = pool->submit<&throw_at_length>(length);
    const auto error = thrown_by<RemoteError>([&] { task.result(); });
    FAULT_EXPECT_EQ(std::strlen(error.what()), detail::kLongestExceptionText);
    FAULT_EXPECT(mentions(error, "[cut: it has " + std::to_string(length) + " bytes]") ==
                 (length > detail::kLongestExceptionText));
  }
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

int promise_memory(std::uint32_t kind, std::uint16_t descriptors) {
  say(kind, own_number(OwnChannel()), {}, kAnyLength, descriptors);
  return die_of(SIGKILL);
}

POOLS_FAULT(descriptors_that_are_promised_and_not_sent) {
  BusyPool pool;
  const auto expect_violation = [&](MessageKind kind, std::uint16_t descriptors, const std::string& why) {
    const auto liar = pool->submit<&promise_memory>(static_cast<std::uint32_t>(kind), descriptors);
    expect_ended_by_the_pool(thrown_by<WorkerDied>([&] { liar.result(); }), why);
  };
  expect_violation(MessageKind::result, 1, "a message whose descriptors are not there");
  expect_violation(MessageKind::result, 254, "an answer with more descriptors than there may be");
  expect_violation(MessageKind::error, 1, "an answer with descriptors that is no result");
  pool.finish();
}

// The socket for the descriptors of this worker: the only one of packets.
int own_passage() {
  for (int descriptor = 3; descriptor < 256; ++descriptor) {
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET) return descriptor;
  }
  std::abort();
}

// Sends `copies` descriptors of a page that has these seals, for the answer of its own task, or one that is `off` it; then promises one.
int send_memory(int seals, int copies, std::int64_t off) {
  const std::uint64_t own = own_number(OwnChannel());
  const int memory = ::memfd_create("pools-liar", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory < 0 || ::ftruncate(memory, 4096) != 0 || ::fcntl(memory, F_ADD_SEALS, seals) != 0) std::abort();
  const std::uint64_t sequence = own + static_cast<std::uint64_t>(off);
  const std::vector<int> descriptors(static_cast<std::size_t>(copies), memory);
  if (detail::send_packet(own_passage(), std::as_bytes(std::span(&sequence, 1)), descriptors) != 0) std::abort();
  return promise_memory(static_cast<std::uint32_t>(MessageKind::result), 1);
}

POOLS_FAULT(descriptors_that_are_not_what_was_promised) {
  BusyPool pool;
  const auto expect_violation = [&](int seals, int copies, std::int64_t off, const std::string& why) {
    const auto liar = pool->submit<&send_memory>(seals, copies, off);
    expect_ended_by_the_pool(thrown_by<WorkerDied>([&] { liar.result(); }), why);
  };
  constexpr int kFixed = F_SEAL_SHRINK | F_SEAL_GROW;
  expect_violation(0, 1, 0, "a descriptor that is no shared memory");
  expect_violation(F_SEAL_SHRINK, 1, 0, "a descriptor that is no shared memory");
  expect_violation(F_SEAL_GROW, 1, 0, "a descriptor that is no shared memory");
  expect_violation(kFixed, 2, 0, "a message with another number of descriptors");
  expect_violation(kFixed, 1, 1, "a message whose descriptors are not there");
  expect_violation(kFixed, 1, -1, "a message whose descriptors are not there");
  pool.finish();
}

struct Pair {
  std::shared_ptr<std::uint64_t> number;
  std::shared_ptr<std::string> text;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, text);
  }
};

// The number again where the text should be: a string whose pointer and length are the liar's.
Pair share_a_number() {
  Bytes bytes;
  detail::encode(bytes, std::uint32_t{0x80000001});
  detail::encode(bytes, std::uint64_t{0x4141414141414141});
  detail::encode(bytes, std::uint32_t{1});
  say(MessageKind::result, own_number(OwnChannel()), bytes);
  die_of(SIGKILL);
  return {};
}
Pair honest_pair() { return {std::make_shared<std::uint64_t>(7), std::make_shared<std::string>("seven")}; }

POOLS_FAULT(shared_pointers_that_swap_their_types) {
  BusyPool pool;
  const auto liar = pool->submit<&share_a_number>();
  FAULT_EXPECT(mentions(thrown_by<detail::WireError>([&] { liar.result(); }),
                        "a shared pointer in a message refers to no object of its type"));
  const auto honest = pool->submit<&honest_pair>();
  FAULT_EXPECT(*honest.result().number == 7 && *honest.result().text == "seven");
  pool.finish();
}

}  // namespace
}  // namespace pools::faults
