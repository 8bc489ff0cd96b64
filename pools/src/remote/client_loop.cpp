#include "pools/src/remote/client_loop.h"

#include <sched.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "pools/errors.h"
#include "pools/src/base/thread_name.h"
#include "pools/src/process/words.h"
#include "pools/src/remote/options_on_the_way.h"

namespace pools::detail {
namespace {

using std::chrono::milliseconds;

constexpr int kFramesAtATime = 512;
constexpr milliseconds kUnknownEvery{20};
constexpr milliseconds kLookAtLeast{20};  // so often, while there is work
constexpr int kHeldBack = 8;              // rounds, at most, until frames are sent
constexpr milliseconds kStopped{100};     // a round that is so late: this thread did not run

}  // namespace

ClientLoop::ClientLoop(RemotePoolState& pool)
    : pool_(pool), links_(pool), launches_(pool.options.launcher, pool.router), welcome_(welcome_for(pool.options)) {}

void ClientLoop::start() {
  thread_ = std::thread([this] { run(); });
  id_ = thread_.get_id();
}

void ClientLoop::join() noexcept {
  if (thread_.joinable()) thread_.join();
}

void ClientLoop::run() noexcept {
  pool_thread_of = this_process();
  name_this_thread(pool_.options.name_prefix, "_remote");
  try {
    run_until_finished();
    say_goodbye();
  } catch (const std::exception& error) {
    break_pool(words([&] { return std::string("its thread failed: ") + error.what(); }));
  } catch (...) {
    break_pool(words([] { return std::string("its thread failed"); }));
  }
  launches_.kill();
  links_.fail_everything(
      std::make_exception_ptr(BrokenPoolError("the remote pool has ended")));  // nothing is left, but after a failure
  {
    const Lock lock(pool_.mutex);
    pool_.finished = true;
    pool_.hosts.clear();
  }
  pool_.notify();
}

void ClientLoop::run_until_finished() {
  expected_ = Clock::now();
  hosts_missed_since_ = expected_;
  int held_back = 0;  // rounds whose frames have not been sent
  while (!work_is_over()) {
    const auto now = Clock::now();
    // If this process was stopped, or had no core, it is not for want of life that nothing was heard of anybody.
    if (const auto missed = now - expected_; missed > kStopped) {
      links_.for_each([&](Link& link) { link.last_heard += missed; });
    }
    expected_ = now;
    bool progress = take_requests();
    progress |= receive(now);
    progress |= links_.supply(now);
    // Where tasks are short, more comes while others run: all of it in one frame, instead of a frame and four threads' wake-ups for each.
    if (progress && ++held_back < kHeldBack && links_.short_tasks()) {
      ::sched_yield();
      continue;
    }
    held_back = 0;
    links_.flush();
    lose_the_unreachable();
    if (now >= next_look_ || now - looked_ >= kLookAtLeast) look(now);
    if (!progress) sleep(now);
  }
}

bool ClientLoop::take_requests() {
  if (!pool_.was_poked()) return false;
  std::vector<StateRef> kills;
  bool cancel_ahead = false;
  {
    const Lock lock(pool_.mutex);
    kills.swap(pool_.kills);
    pool_.backlog.drop_cancelled_retries();
    cancel_ahead = pool_.cancel_ahead;
  }
  for (const StateRef& cancelled : kills) links_.kill(*cancelled);
  if (cancel_ahead) cancel_what_lies_ahead();
  next_look_ = {};
  return true;
}

// What no agent has been permitted to begin is as good as queued.
void ClientLoop::cancel_what_lies_ahead() {
  links_.take_back_all_ahead();
  const auto take_all = [&] {
    const Lock lock(pool_.mutex);
    return pool_.backlog.take_all();
  };
  TaskList cancelled = take_all();
  while (!cancelled.empty()) pool_.events.cancel(*cancelled.pop_front());
  {
    const Lock lock(pool_.mutex);
    pool_.cancel_ahead = false;
  }
  pool_.notify();
}

// --- what agents say ---

bool ClientLoop::receive(Clock::time_point now) {
  std::string identity;
  zmq::message_t frame;
  int frames = 0;
  while (frames < kFramesAtATime && pool_.router.receive(identity, frame)) {
    ++frames;
    on_frame(identity, frame, now);
  }
  return frames > 0;
}

void ClientLoop::on_frame(const std::string& identity, zmq::message_t& bytes, Clock::time_point now) {
  Link* const link = links_.find(identity);
  try {
    const Frame frame = frame_of({static_cast<const std::byte*>(bytes.data()), bytes.size()});
    if (frame.header.kind == FrameKind::hello) {
      launches_.started_well(Router::user_of(bytes));
      return on_hello(identity, frame.content, now);
    }
    if (frame.header.kind != FrameKind::stream) throw WireError("a frame that an agent does not send");
    if (link == nullptr || frame.header.session != link->session) {  // (S)
      {
        const Lock lock(pool_.mutex);
        ++pool_.incidents.late_frames;
      }
      if (link == nullptr && now >= next_unknown_) {
        next_unknown_ = now + kUnknownEvery;
        pool_.router.send(identity, text_frame(FrameKind::unknown, "").view());
      }
      return;
    }
    link->last_heard = now;
    link->reader.take(frame, [&](const MessageHeader& header, std::span<const std::byte> payload) {
      on_message(*link, header, payload, now);
    });
    links_.all_answered(*link, Clock::now());
  } catch (const Error& error) {  // of the wire: it tells us nothing that could be relied on from here on
    {
      const Lock lock(pool_.mutex);
      ++pool_.incidents.violations;
    }
    if (link == nullptr) return;
    const std::string why = words([&] { return std::string("it said what makes no sense: ") + error.what(); });
    pool_.router.send(identity, text_frame(FrameKind::unknown, "").view());
    links_.lost(*link, why);
  }
}

void ClientLoop::refuse(const std::string& identity, const std::string& who, const std::string& why) {
  pool_.router.send(identity, text_frame(FrameKind::refusal, why).view());
  if (pool_.options.host_observer) pool_.options.host_observer->host_refused(who, why);
}

void ClientLoop::on_hello(const std::string& identity, std::span<const std::byte> content, Clock::time_point now) {
  const Hello hello = hello_of(content);
  if (hello.protocol != kRemoteProtocol || hello.program != own_program()) {
    {
      const Lock lock(pool_.mutex);
      ++pool_.incidents.builds_refused;
    }
    const std::string who = hello.host.empty() ? "an agent" : hello.host;
    return refuse(identity, who, "it runs another build of the program than the pool does: install the same one on all hosts");
  }
  if (Link* const known = links_.find(identity)) {
    links_.lost(*known, "it said hello again: its connection had been lost");
  }
  Link& link = links_.admit(identity, hello, ++sessions_, now);
  if (pool_.options.workers) link.info.workers = *pool_.options.workers;
  FrameHeader header{.kind = FrameKind::welcome, .session = link.session};
  Bytes frame;
  frame.append(&header, sizeof header);
  const std::span<const std::byte> rest = welcome_.view().subspan(sizeof header);
  frame.append(rest.data(), rest.size());
  links_.sender(link)(frame.view());
  beat(link, now);
  if (pool_.options.host_observer) pool_.options.host_observer->host_up(link.info);
  next_look_ = {};
  links_.publish();
}

void ClientLoop::on_message(Link& link, const MessageHeader& header, std::span<const std::byte> payload, Clock::time_point now) {
  switch (remote_kind(header)) {
    case RemoteKind::result:
    case RemoteKind::error:
    case RemoteKind::returned:
    case RemoteKind::killed:
      return links_.answered(link, header, payload);
    case RemoteKind::begun:
      return links_.begun(link, payload);
    case RemoteKind::beat:
      return on_beat(link, payload_as<Beat>(payload), now);
    case RemoteKind::probed:
      if (!link.probing) throw WireError("a probe that nobody asked for");
      link.probing = false;
      link.info.fenced = false;
      next_look_ = {};
      return links_.publish();
    case RemoteKind::started:
      if (!link.told_to_start) throw WireError("a start that nobody asked for");
      link.info.started = true;
      return links_.publish();
    case RemoteKind::broken:
      link.leaving = true;
      return break_pool("on host '" + link.info.name + "': " + text_of_bytes(payload));
    case RemoteKind::leaving:
      link.leaving = true;
      return links_.take_back_ahead(link);
    case RemoteKind::gone:
      link.gone = true;
      link.unreachable = true;
      return;
    default:
      throw WireError("a message that an agent does not send");
  }
}

void ClientLoop::sleep(Clock::time_point now) {
  auto until = next_look_;
  if (links_.wants_recalls()) until = std::min(until, now + milliseconds(5));
  if (const auto launch = launches_.next_look()) until = std::min(until, *launch);
  {
    const Lock lock(pool_.mutex);
    pool_.backlog.for_each_retry([&](const RemoteTask& task) { until = std::min(until, task.retry_due); });
    const bool room = links_.any_room();
    if (room && !pool_.backlog.empty()) return;
    pool_.hungry = room;
  }
  const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
  expected_ = std::max(expected_, until);
  std::vector<bool> ready;
  const bool news = pool_.router.wait(std::max(left, milliseconds(0)), launches_.descriptors(), ready);
  const Lock lock(pool_.mutex);
  pool_.hungry = false;
  // The router's own words, the end of a command and a retry that is due are looked at there.
  if (news || std::find(ready.begin(), ready.end(), true) != ready.end() || Clock::now() >= until) next_look_ = {};
}

// --- the end ---

bool ClientLoop::work_is_over() const {
  const Lock lock(pool_.mutex);
  return pool_.closing && pool_.backlog.nothing_left() && links_.idle();
}

void ClientLoop::say_goodbye() {
  const auto until = Clock::now() + pool_.options.farewell;
  links_.for_each([&](Link& link) {
    link.leaving = true;
    links_.say(link, RemoteKind::stop);
  });
  std::vector<bool> ready;
  bool told = false;
  for (;;) {
    const auto now = Clock::now();
    receive(now);
    static_cast<void>(pool_.router.look());
    links_.for_each([&](Link& link) { beat(link, now); });  // those that have ended without a word are found out
    while (Link* const link = links_.first([](const Link& each) { return each.unreachable; }))
      links_.lost(*link, "the pool ends", false);
    // Not before: at the end of their standard input agents drop everything.
    if (!told && (links_.empty() || now + pool_.options.farewell / 4 >= until)) {
      told = true;
      launches_.farewell();
    }
    if ((links_.empty() && launches_.all_ended()) || now >= until) break;
    const auto left = std::chrono::ceil<milliseconds>(until - now);
    pool_.router.wait(std::min(left, milliseconds(10)), {}, ready);  // not of commands: one that has ended would end each wait
  }
  while (Link* const link = links_.first([](const Link&) { return true; })) links_.lost(*link, "the pool ends", false);
}

void ClientLoop::break_pool(const std::string& why) noexcept {
  {
    const Lock lock(pool_.mutex);
    if (!pool_.broken) pool_.broken = why;
    pool_.closing = true;
  }
  links_.fail_everything(error_or(std::make_exception_ptr(BrokenPoolError("the remote pool is broken")),
                                  [&] { return BrokenPoolError(pool_.called + " is broken: " + why); }));
  pool_.notify();
}

}  // namespace pools::detail
