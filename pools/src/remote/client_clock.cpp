// ClientLoop: what is due by the clock.

#include <algorithm>
#include <chrono>
#include <string>

#include "pools/errors.h"
#include "pools/src/remote/client_loop.h"

namespace pools::detail {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kProbeFor{60};  // after the end of a connection; it takes the router a moment to let go of an identity
constexpr milliseconds kProbeEvery{3};
constexpr std::size_t kFirstExchanges = 8;  // one after the other: the first ones wait for the agent's pool to be made

std::string seconds_of(std::chrono::nanoseconds time) {
  const auto tenths = std::chrono::duration_cast<milliseconds>(time).count() / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

void ClientLoop::on_beat(Link& link, const Beat& beat, Clock::time_point now) {
  // How long it lay here before it was looked at belongs to the way, and only makes the bound larger.
  const std::int64_t received = stamp(Clock::now());
  link.peer_sent = beat.sent;
  link.peer_received = received;
  if (beat.echoed == 0 || !link.clock.exchange(beat.echoed, beat.echoed_received, beat.sent, received)) return;
  const bool first = !link.info.round_trip;
  if (const auto estimate = link.clock.at(received)) {
    link.info.round_trip = std::chrono::nanoseconds(estimate->round_trip);
    link.info.clock_offset = std::chrono::nanoseconds(estimate->offset);
    link.info.clock_bound = std::chrono::nanoseconds(estimate->bound);
  }
  if (pool_.options.host_observer) pool_.options.host_observer->clock_compared(link.info);
  if (first) links_.publish();
  if (link.clock.exchanges() < kFirstExchanges) this->beat(link, now);
}

void ClientLoop::beat(Link& link, Clock::time_point now) {
  link.next_beat = now + pool_.options.heartbeat;
  const Beat beat{.sent = stamp(Clock::now()), .echoed = link.peer_sent, .echoed_received = link.peer_received, .answer = 1};
  links_.say(link, RemoteKind::beat, 0, std::as_bytes(std::span(&beat, 1)));
  link.writer.flush(links_.sender(link));
}

void ClientLoop::look(Clock::time_point now) {
  looked_ = now;
  const Router::News news = pool_.router.look();
  if (news.connection_ended) probing_until_ = now + kProbeFor;
  if (news.strangers > 0 || !news.refused_keys.empty()) {
    const Lock lock(pool_.mutex);
    pool_.incidents.strangers += news.strangers;
    pool_.incidents.keys_refused += news.refused_keys.size();
  }
  if (pool_.options.host_observer) {
    for (const std::string& address : news.refused_keys) {
      pool_.options.host_observer->host_refused(address, "its key is none of this pool's");
    }
  }
  launches_.look(now);
  {
    const Lock lock(pool_.mutex);
    pool_.backlog.requeue_due(now);
    // Cancelled ones need no host to be let go.
    if (pool_.closing && pool_.backlog.waiting() == 0) {
      if (TaskRef task = pool_.backlog.pop()) pool_.backlog.put_back(std::move(task));
    }
  }
  look_at_links(now);
  probe_the_fenced(now);
  tell_to_start(now);
  links_.publish();
  look_at_patience(now);
}

void ClientLoop::look_at_links(Clock::time_point now) {
  const auto longest = pool_.options.heartbeat * pool_.options.missed_heartbeats;
  const bool probing = now < probing_until_;
  next_look_ = now + (probing ? kProbeEvery : milliseconds(1000));
  links_.for_each([&](Link& link) {
    if (probing || now >= link.next_beat) beat(link, now);
    next_look_ = std::min({next_look_, link.next_beat, link.last_heard + longest});
  });
  lose_the_unreachable();
  while (Link* const silent = links_.first([&](const Link& link) { return now - link.last_heard > longest; })) {
    links_.lost(*silent, "nothing was heard of it for " + seconds_of(now - silent->last_heard));
  }
}

void ClientLoop::lose_the_unreachable() noexcept {
  while (Link* const link = links_.first([](const Link& each) { return each.unreachable; })) {
    links_.lost(*link, link->gone ? "it has ended" : "its connection has ended", !link->gone);
  }
}

void ClientLoop::probe_the_fenced(Clock::time_point now) {
  links_.for_each([&](Link& link) {
    if (!link.info.fenced || link.probing) return;
    if (!links_.fences().fenced(link.info.name)) {  // another agent there has ended a task meanwhile
      link.info.fenced = false;
      return;
    }
    const auto until = links_.fences().until(link.info.name);
    if (now < until) {
      next_look_ = std::min(next_look_, until);
      return;
    }
    link.probing = true;
    links_.say(link, RemoteKind::probe);
    beat(link, now);
  });
}

void ClientLoop::tell_to_start(Clock::time_point now) {
  {
    const Lock lock(pool_.mutex);
    if (!pool_.all_are_to_start) return;
  }
  links_.for_each([&](Link& link) {
    if (link.told_to_start || !link.usable()) return;
    link.told_to_start = true;
    links_.say(link, RemoteKind::start);
    beat(link, now);
  });
}

void ClientLoop::look_at_patience(Clock::time_point now) {
  bool waits = false;
  {
    const Lock lock(pool_.mutex);
    if (pool_.broken) return;
    waits = pool_.starters > 0 || !pool_.backlog.nothing_left();
  }
  if (!links_.empty() || !waits) hosts_missed_since_ = now;
  if (!links_.empty()) return;
  if (const std::string despair = launches_.despair(); !despair.empty()) return break_pool("no host is left: " + despair);
  const auto patience = pool_.options.patience;
  if (!waits || patience.count() == 0) return;
  if (now - hosts_missed_since_ >= patience) {
    return break_pool("no agent has come to " + pool_.router.endpoint() + " for " + seconds_of(patience));
  }
  next_look_ = std::min(next_look_, hosts_missed_since_ + patience);
}

}  // namespace pools::detail
