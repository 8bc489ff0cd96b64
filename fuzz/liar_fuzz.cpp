// A process pool whose workers lie. Worker 0 does as it should; the others do what the input says: honest steps as far as it likes, so that
// the lies come in every state of the protocol, and then messages out of turn, headers that promise too much, cells of the board, indices and
// sleep flags as it suits them, deaths. The pool is a real one; its workers are played here (played_processes.h).
//
// Whatever the liars do: every future ends, what the honest worker has answered is what its future holds, the honest worker is never killed, the
// pool breaks only if an initializer may have thrown, the counts balance, and nothing hangs.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "fuzz/fuzz.h"
#include "fuzz/liar_roles.h"
#include "fuzz/played_processes.h"
#include "pools/detail/codec.h"
#include "pools/detail/remote_exception.h"
#include "pools/process_pool.h"
#include "pools/remote.h"

namespace {

using namespace std::chrono_literals;
using namespace pools::detail;
using namespace fuzz;

constexpr std::uint64_t kMaxPayload = 3'000'000;
constexpr std::size_t kMostTasks = 64;

class Session {
 public:
  explicit Session(fuzz::Input input) : input_(input) {
    const std::uint8_t shape = input_.byte();
    with_initializer_ = (shape & 1) != 0;
    pools::ProcessPoolOptions options;
    options.workers = 2 + (shape >> 1 & 1);
    if (with_initializer_) options.initializer = pools::remote<&prepare>();
    options.retry = {.retries = shape >> 2 & 1, .backoff = 0ns, .max_backoff = 0ns};
    options.crash_limit = 0;
    options.timing = (shape & 8) != 0;  // then one task at a time
    options.max_tasks_per_child = (shape & 16) != 0 ? 3 : 0;
    options.max_payload = kMaxPayload;
    options.kill_gap = 1ms;
    options.output = pools::WorkerOutput::inherited;
    pool_ = std::make_unique<pools::ProcessPool>(options);
    submit(false);  // starts worker 0, which is honest and there from now on
    pump_until([this] { return honest_is_ready_; });
  }

  void run() {
    for (int steps = 0; !input_.empty() && steps < 2000; ++steps) step(input_.byte());
    finish();
  }

 private:
  // --- the pool's user ---

  void submit(bool pointers) {
    const std::uint64_t number = strings_.size() + pointers_.size();
    if (number >= kMostTasks) return;
    try {
      if (pointers) {
        pointers_.emplace(number, pool_->submit<&shared>(number, text_for(number)));
      } else {
        strings_.emplace(number, pool_->submit<&labelled>(number, text_for(number)));
      }
    } catch (const pools::BrokenPoolError&) {
      FUZZ_REQUIRE(may_be_broken_);
    }
  }
  template <class Use>
  void with_future(std::uint64_t number, Use use) {
    if (const auto at = strings_.find(number); at != strings_.end()) use(at->second);
    if (const auto at = pointers_.find(number); at != pointers_.end()) use(at->second);
  }
  bool all_done() const {
    const auto done = [](const auto& each) { return each.second.done(); };
    return std::all_of(strings_.begin(), strings_.end(), done) && std::all_of(pointers_.begin(), pointers_.end(), done);
  }
  void expect_balance() const {
    const pools::PoolMetrics metrics = pool_->metrics();
    FUZZ_REQUIRE(metrics.submitted == metrics.queued + metrics.running + metrics.done + metrics.failed + metrics.cancelled);
  }

  void step(std::uint8_t what) {
    switch (what % 16) {
      case 0:
        return submit((what & 16) != 0);
      case 1:
        return honest_step();
      case 2:
        return with_future(input_.byte() % kMostTasks, [](auto& future) { future.cancel(); });
      case 3:
        return pool_->pause();
      case 4:
        return pool_->resume();
      case 5:
        return resize();
      case 6:
        return settle();
      case 7:
        return expect_balance();
      default:
        return liar_step(what);
    }
  }
  void resize() {
    try {
      pool_->resize(1 + input_.byte() % 3);
    } catch (const pools::BrokenPoolError&) {
      FUZZ_REQUIRE(may_be_broken_);
    }
  }
  // Lets the supervisor see what there is.
  static void settle() {
    for (int yields = 0; yields < 20; ++yields) std::this_thread::yield();
  }

  // --- the workers ---

  void meet_new_ones() {
    const auto all = fuzz::played_processes();
    std::erase_if(roles_, [](const Role& role) { return role.process->dead(); });
    for (const auto& process : all) {
      if (!process->worker || process->dead()) continue;
      if (std::any_of(roles_.begin(), roles_.end(), [&](const Role& role) { return role.process == process; })) continue;
      roles_.push_back({.process = process, .honest = !honest_, .request = {}, .task = {}, .saying = {}});
      if (!honest_) honest_ = process;
    }
    // Told to go, by a resize, it exits like any other; killed it is never.
    FUZZ_REQUIRE(!honest_ || !honest_->dead() || honest_exited_);
    if (honest_exited_) {
      honest_exited_ = false;
      honest_ = nullptr;
      for (Role& role : roles_) {
        if (role.lied || role.process->dead()) continue;
        role.honest = true;
        honest_ = role.process;
        break;
      }
    }
  }

  // What an honest worker does next. False: nothing.
  bool act(Role& role) {
    PlayedWorker& worker = *role.process->worker;
    if (role.process->dead() || role.stopped) return false;
    if (!role.saying.empty()) {
      const std::size_t count = worker.write(role.saying);
      role.saying.erase(role.saying.begin(), role.saying.begin() + static_cast<std::ptrdiff_t>(count));
      return count > 0;
    }
    if (!role.request && !read_request(role)) return false;
    if (role.request->kind == MessageKind::stop) {
      role.stopped = true;
      if (role.honest) honest_exited_ = may_be_broken_ = true;
      role.process->die({.exit_code = 0, .signal = {}});
      return true;
    }
    if (role.request->kind == MessageKind::task && !role.begun) {
      role.begun = worker.shared().board.begin(role.request->sequence);
      if (!role.begun) return say(role, MessageKind::skipped, {});
    }
    Message answer(MessageKind::result);
    try {
      Reader arguments(worker.payload());
      if (role.request->kind == MessageKind::prepare) {
        WorkerSetup setup;
        arguments.read(&setup, sizeof setup);
        static_cast<void>(decode<std::string>(arguments));
        if (role.honest) honest_is_ready_ = true;
        return say(role, MessageKind::ready, {});
      }
      reinterpret_cast<Trampoline>(const_cast<void*>(function_of(role.request->function)))(arguments, answer.payload());
    } catch (...) {
      FUZZ_REQUIRE(!"what the pool sends can be read");
    }
    if (role.honest) answered_.insert(*role.task);
    return say(role, MessageKind::result, answer.view().subspan(sizeof(MessageHeader)));
  }
  bool read_request(Role& role) {
    try {
      role.request = role.process->worker->receive();
    } catch (const WireError&) {
      FUZZ_REQUIRE(!role.honest);  // its own index, overwritten
    }
    if (!role.request) return false;
    role.sequence = role.request->sequence;
    role.begun = false;
    role.task.reset();
    if (role.request->kind == MessageKind::task) {
      Reader arguments(role.process->worker->payload());
      role.task = decode<std::uint64_t>(arguments);
    }
    return true;
  }
  // The whole of a message, or as much as there is room for; the rest follows.
  bool say(Role& role, MessageKind kind, std::span<const std::byte> payload) {
    return say(role, kind, payload, role.sequence, payload.size());
  }
  bool say(Role& role, MessageKind kind, std::span<const std::byte> payload, std::uint64_t sequence, std::uint64_t length) {
    MessageHeader header;
    header.kind = kind;
    header.sequence = sequence;
    header.length = length;
    const auto* const bytes = reinterpret_cast<const std::byte*>(&header);
    role.saying.insert(role.saying.end(), bytes, bytes + sizeof header);
    role.saying.insert(role.saying.end(), payload.begin(), payload.end());
    role.request.reset();
    try {
      const std::size_t count = role.process->worker->write(role.saying);
      role.saying.erase(role.saying.begin(), role.saying.begin() + static_cast<std::ptrdiff_t>(count));
    } catch (const WireError&) {
      FUZZ_REQUIRE(!role.honest);
      role.saying.clear();
    }
    return true;
  }

  void honest_step() {
    meet_new_ones();
    for (Role& role : roles_) {
      if (role.honest) act(role);
    }
  }

  void liar_step(std::uint8_t what) {
    meet_new_ones();
    std::vector<Role*> liars;
    for (Role& role : roles_) {
      if (!role.honest && !role.process->dead() && !role.stopped) liars.push_back(&role);
    }
    if (liars.empty()) return;
    Role& role = *liars[(what >> 4) % liars.size()];
    try {
      lie(role);
    } catch (const WireError&) {  // it sees an index that it has overwritten itself
    }
  }

  void lie(Role& role) {
    PlayedWorker& worker = *role.process->worker;
    ChannelLayout& shared = worker.shared();
    const std::uint8_t which = input_.byte();
    const std::uint64_t sequence = role.sequence + (which >> 4) - (which >= 0xe0 ? 16 : 0);
    if (which % 16 > 2) role.lied = true;
    switch (which % 16) {
      case 0:
      case 1:
      case 2:
        act(role);
        return;
      case 3:  // reads on, and answers nothing
        role.request.reset();
        read_request(role);
        return;
      case 4:
        shared.board.begin(sequence);
        return;
      case 5:
      case 6:
        write_cell(shared, sequence % ClaimBoard::kCells, sequence << 2 | input_.byte() % 4);
        return;
      case 7:
        write_cell(shared, input_.byte() % ClaimBoard::kCells, input_.number());
        return;
      case 8:
        return say_anything(role, sequence);
      case 9: {  // a header that promises
        const auto kind = kind_of(role, input_.byte());
        const std::uint64_t length = (input_.byte() & 1) != 0 ? input_.number() : std::uint64_t{1} << (input_.byte() % 64);
        say(role, kind, {}, sequence, length);
        return;
      }
      case 10:  // more of it, or nonsense
        role.saying.resize(std::size_t{input_.byte()} * 64, std::byte{input_.byte()});
        act(role);
        return;
      case 11:
        (input_.byte() & 1 ? shared.responses.written : shared.requests.consumed).fetch_add(input_.byte() - std::uint64_t{128});
        return;
      case 12:
        (input_.byte() & 1 ? shared.responses.written : shared.requests.consumed).store(input_.number());
        return;
      case 13:
        (input_.byte() & 1 ? shared.parent_asleep : shared.worker_asleep).store(input_.byte() % 4);
        return;
      case 14:  // what it has written, once more
        worker.response_bytes()[(shared.responses.written - input_.byte()) % PlayedWorker::kLongestInPlace] =
            std::byte{input_.byte()};
        return;
      default: {
        const std::uint8_t how = input_.byte();
        if (how % 3 == 0) role.process->die({.exit_code = {}, .signal = 9});
        if (how % 3 == 1) role.process->die({.exit_code = 0, .signal = {}});
        worker.ring_parent(kHasWritten);
      }
    }
  }
  MessageKind kind_of(const Role& role, std::uint8_t byte) {
    const auto kind = static_cast<MessageKind>(byte % 10);
    // The one lie that cannot be told from the truth.
    if (kind == MessageKind::refused && with_initializer_ && role.sequence <= 1) may_be_broken_ = true;
    return kind;
  }
  void say_anything(Role& role, std::uint64_t sequence) {
    const MessageKind kind = kind_of(role, input_.byte());
    Bytes payload;
    switch (input_.byte() % 6) {
      case 0:
        break;
      case 1:
        encode(payload, std::string("a result"));
        break;
      case 2:
        encode(payload, std::string("std::exception"));
        encode(payload, std::string("a message"));
        break;
      case 3:  // shared pointers: numbers and contents
        for (int pointer = 0; pointer < 3; ++pointer) {
          const std::uint8_t number = input_.byte();
          encode(payload, std::uint32_t{number % 4U} | (number & 0x80 ? 0x80000000U : 0U));
          if ((number & 0x80) != 0) encode(payload, input_.number());
        }
        break;
      case 4:
        for (int left = input_.byte(); left > 0; --left) encode(payload, input_.byte());
        break;
      default:
        payload.extend(input_.byte() * std::size_t{20'000});
        if (!payload.view().empty()) std::memset(payload.data(), 0, payload.size());
    }
    say(role, kind, payload.view(), sequence, payload.size());
  }
  static void write_cell(ChannelLayout& shared, std::size_t cell, std::uint64_t word) {
    static_assert(sizeof(ClaimBoard) == ClaimBoard::kCells * sizeof(std::atomic<std::uint64_t>));
    reinterpret_cast<std::atomic<std::uint64_t>*>(&shared.board)[cell].store(word);
  }

  // --- the end ---

  // All workers that are there or come do as they should until it holds. That it never does is a hang, which the fuzzer's timeout ends.
  template <class Condition>
  void pump_until(Condition condition) {
    while (!condition()) {
      meet_new_ones();
      bool progress = false;
      for (Role& role : roles_) {
        if (role.honest || closing_) progress |= act(role);
      }
      if (!progress) std::this_thread::yield();
    }
  }

  void finish() {
    pool_->resume();
    // The liars die; who comes after them does as it should.
    meet_new_ones();
    for (Role& role : roles_) {
      if (!role.honest) role.process->die({.exit_code = {}, .signal = 9});
    }
    closing_ = true;
    pump_until([this] { return all_done(); });
    for (auto& [number, future] : strings_) look_at(number, future);
    for (auto& [number, future] : pointers_) look_at(number, future);
    std::atomic<bool> over{false};
    std::thread closer([&] {
      pool_->shutdown();
      const pools::PoolMetrics metrics = pool_->metrics();
      FUZZ_REQUIRE(metrics.queued == 0 && metrics.running == 0);
      FUZZ_REQUIRE(metrics.submitted == metrics.done + metrics.failed + metrics.cancelled);
      pool_.reset();
      over = true;
    });
    pump_until([&] { return over.load(); });
    closer.join();
    roles_.clear();
    FUZZ_REQUIRE(fuzz::played_processes().empty());
  }
  template <class T>
  void look_at(std::uint64_t number, const pools::Future<T>& future) {
    bool right = false;
    bool excused = false;
    try {
      right = is_right(number, future.result());
    } catch (const pools::BrokenPoolError&) {
      FUZZ_REQUIRE(may_be_broken_);
    } catch (const pools::CancelledError&) {
      excused = true;  // an answer that came too late
    } catch (const std::exception&) {
    }
    FUZZ_REQUIRE(right || excused || !answered_.contains(number));
  }

  fuzz::Input input_;
  bool with_initializer_ = false;
  std::unique_ptr<pools::ProcessPool> pool_;
  std::map<std::uint64_t, pools::Future<std::string>> strings_;
  std::map<std::uint64_t, pools::Future<Shared>> pointers_;
  std::set<std::uint64_t> answered_;  // by the honest worker
  std::vector<Role> roles_;
  std::shared_ptr<PlayedProcess> honest_;
  bool honest_is_ready_ = false;
  bool honest_exited_ = false;
  bool may_be_broken_ =
      false;  // a lie that breaks it by contract has been told, or there was a time when only liars were to be started
  bool closing_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool initialised = [] {
    int argc = 0;
    pools::init(argc, nullptr);
    pools::set_error_hook([](std::string_view, const std::exception_ptr&) noexcept {});
    return true;
  }();
  static_cast<void>(initialised);
  Session(fuzz::Input(data, size)).run();
  return 0;
}
