#include "pools/src/remote/agent.h"

#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "pools/errors.h"
#include "pools/src/remote/agent_session.h"
#include "pools/src/remote/agent_start.h"
#include "pools/src/remote/dealer.h"
#include "pools/src/remote/options_on_the_way.h"
#include "pools/src/remote/protocol.h"
#include "pools/src/remote/workers_start.h"

namespace pools::detail {
namespace {

using AgentClock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr int kExitRefused = 2;
constexpr int kHeldBackRounds = 8;
constexpr auto kLookAgain = 20ms;     // at the clock and the connection, while there is work
constexpr auto kFirstPatience = 10s;  // for the first welcome

std::string own_host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "?";
}

std::uint64_t drawn_number() {
  std::uint64_t number = 0;
  while (::getrandom(&number, sizeof number, 0) != sizeof number) {
  }
  return number;
}

// To its workers: agent_incarnation().
std::uint64_t announced(std::uint64_t incarnation) {
  ::setenv(kIncarnationVariable, std::to_string(incarnation).c_str(), 1);
  return incarnation;
}

FileDescriptor end_signals() {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&ends, signal);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // before there are threads
  FileDescriptor signals(::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) throw std::system_error(errno, std::generic_category(), "cannot make the descriptors of an agent");
  return signals;
}

class Agent {
 public:
  Agent(AgentArguments arguments, const AgentKey& key, int input)
      : arguments_(std::move(arguments)),
        input_(input),
        signals_(end_signals()),
        incarnation_(announced(drawn_number())),
        dealer_(arguments_.address, key, "agent-" + std::to_string(incarnation_)) {}

  // Returns the exit code.
  int serve() {
    started_ = last_heard_ = expected_ = AgentClock::now();
    int held_back = 0;  // rounds whose frames have not been sent
    while (!exit_code_) {
      const auto now = AgentClock::now();
      if (now - expected_ > 100ms) last_heard_ += now - expected_;  // this process was stopped: that was no silence of the pool's
      expected_ = now;
      try {
        if (news_ || now - looked_ >= kLookAgain) look(now);
        bool progress = receive();
        if (!exit_code_) progress |= report();
        if (exit_code_) break;
        beat(now);
        // As the pool does: where tasks are short, one frame for what comes while others run.
        if (progress && ++held_back < kHeldBackRounds && session_ && session_->short_tasks(pool_->workers())) {
          ::sched_yield();
          continue;
        }
        held_back = 0;
        if (session_) session_->flush();
        if (!progress) sleep(now);
      } catch (const BrokenPoolError& broken) {
        give_up_as_broken(broken.what());
      } catch (const std::exception& error) {  // not to wait for tasks that nobody hears of any more
        std::fprintf(stderr, "pool agent: %s\n", error.what());
        vanish(1);
      }
    }
    return *exit_code_;
  }

 private:
  void look(AgentClock::time_point now) {
    news_ = false;
    looked_ = now;
    const Dealer::News news = dealer_.look();
    if (news.connected) hello_due_ = true;
    if (news.connected || news.disconnected) hello_sent_ = false;
    if (news.key_refused) return refuse("the pool at " + arguments_.address + " does not know its key");
    if (news.disconnected && welcomed_ && dealer_.nobody_listens()) return vanish(0);
    if (welcomed_ && now - last_heard_ > silence_) {
      std::fprintf(stderr, "pool agent: the pool at %s has been silent for too long\n", arguments_.address.c_str());
      return vanish(1);
    }
    if (!welcomed_ && now - started_ > kFirstPatience) {
      return refuse("no pool answers at " + arguments_.address + ", or none to whom its key belongs");
    }
    if (hello_due_ && !hello_sent_) {
      hello_sent_ = dealer_.send(hello_frame({.program = own_program(),
                                              .incarnation = incarnation_,
                                              .pid = ::getpid(),
                                              .workers = arguments_.workers,
                                              .host = own_host_name()})
                                     .view());
      hello_due_ = !hello_sent_;
    }
  }

  bool receive() {
    constexpr int kAtATime = 512;
    zmq::message_t bytes;
    int frames = 0;
    while (frames < kAtATime && !exit_code_ && dealer_.receive(bytes)) {
      ++frames;
      last_heard_ = AgentClock::now();
      try {
        on_frame(frame_of({static_cast<const std::byte*>(bytes.data()), bytes.size()}));
      } catch (const WireError& error) {
        // Frames were lost, or worse: only another session helps.
        std::fprintf(stderr, "pool agent: %s\n", error.what());
        end_session();
        hello_due_ = true;
      }
    }
    return frames > 0;
  }

  void on_frame(const Frame& frame) {
    switch (frame.header.kind) {
      case FrameKind::welcome:
        return on_welcome(frame);
      case FrameKind::refusal:
        return refuse("the pool at " + arguments_.address + " refuses it: " + text_of_bytes(frame.content));
      case FrameKind::unknown:
        if (!hello_sent_) hello_due_ = true;  // else it has not read the hello yet
        return;
      case FrameKind::stream:
        if (!session_ || frame.header.session != session_->number()) return;  // (S)
        return session_->reader().take(frame, [this](const MessageHeader& header, std::span<const std::byte> payload) {
          on_message(header, payload);
        });
      case FrameKind::hello:
        break;
    }
    throw WireError("a frame that a pool does not send");
  }

  void on_welcome(const Frame& frame) {
    Welcome welcome = welcome_of(frame.content);
    hello_sent_ = false;
    end_session();
    heartbeat_ = std::chrono::nanoseconds(welcome.heartbeat_ns);
    silence_ = std::chrono::nanoseconds(welcome.silence_ns);
    if (!pool_) pool_.emplace(process_options_of(welcome, arguments_.workers));
    session_.emplace(frame.header.session, *pool_, ended_, dealer_);
    start_asked_ = false;
    welcomed_ = true;
    next_beat_ = {};
    peer_sent_ = peer_received_ = 0;
    if (leaving_) session_->say(RemoteKind::leaving);
  }

  // (S) Ends all that there is of the session.
  void end_session() {
    if (!session_) return;
    const bool idle = session_->idle();
    session_->cancel_all();
    session_.reset();
    if (idle) return;
    // What runs runs for nobody. Its workers are killed, and the pool with them: another takes its place.
    pool_->shutdown({.wait = false, .cancel_futures = true});
    kill_workers();
    workers_start_.give_up();
    pool_.reset();
    static_cast<void>(ended_.take());
  }

  void on_message(const MessageHeader& header, std::span<const std::byte> payload) {
    if (exit_code_) return;
    switch (remote_kind(header)) {
      case RemoteKind::task:
        return session_->on_task(header, payload);
      case RemoteKind::permit:
        return session_->permit(header.sequence);
      case RemoteKind::skip:
        return session_->skip(header.sequence);
      case RemoteKind::kill:
        return session_->kill(header.sequence);
      case RemoteKind::recall:
        return session_->return_unbegun();
      case RemoteKind::probe:
        return session_->probe();
      case RemoteKind::start:
        start_asked_ = true;
        return workers_start_.begin(*pool_);
      case RemoteKind::stop:
        return leave(0);
      case RemoteKind::beat: {
        peer_received_ = stamp(AgentClock::now());
        const auto beat = payload_as<Beat>(payload);
        peer_sent_ = beat.sent;
        if (beat.answer != 0) next_beat_ = {};
        return;
      }
      default:
        throw WireError("a message that a pool does not send");
    }
  }

  bool report() {
    const std::vector<Ended::Task> ended = ended_.take();
    for (const Ended::Task& task : ended) {
      if (session_ && task.session == session_->number()) session_->report(task);
    }
    const bool started = workers_start_.is_over();
    if (started && session_ && std::exchange(start_asked_, false)) session_->say(RemoteKind::started);
    if (leaving_ && !exit_code_ && (!session_ || session_->idle())) leave(0);
    return started || !ended.empty();
  }

  void beat(AgentClock::time_point now) {
    if (!session_ || now < next_beat_) return;
    next_beat_ = now + heartbeat_;
    session_->report_begun();
    const Beat beat{.sent = stamp(AgentClock::now()), .echoed = peer_sent_, .echoed_received = peer_received_};
    session_->say(RemoteKind::beat, 0, std::as_bytes(std::span(&beat, 1)));
  }

  void sleep(AgentClock::time_point now) {
    if (!ended_.may_sleep()) return;
    auto until = now + (welcomed_ ? std::chrono::nanoseconds(1s) : std::chrono::nanoseconds(100ms));
    if (hello_due_) until = std::min<AgentClock::time_point>(until, now + 2ms);
    if (session_) until = std::min(until, next_beat_);
    expected_ = std::max<AgentClock::time_point>(expected_, until);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - AgentClock::now());
    const Dealer::Woken woken = dealer_.wait(std::max(left, std::chrono::milliseconds(0)), signals_.get(), input_);
    news_ = woken.news || hello_due_ || AgentClock::now() >= until;
    if (woken.signalled) on_signal();
    if (woken.input_readable) read_input();
  }

  void on_signal() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    }
    if (leaving_ || !session_) return vanish(0);
    leaving_ = true;  // what has begun goes on to its end
    session_->refuse_more();
    session_->say(RemoteKind::leaving);
    session_->return_unbegun();
  }

  void read_input() {
    char bytes[256];
    const ssize_t got = ::read(input_, bytes, sizeof bytes);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) vanish(0);
  }

  void refuse(const std::string& why) {
    std::fprintf(stderr, "pool agent: %s\n", why.c_str());
    vanish(kExitRefused);
  }

  void give_up_as_broken(const std::string& why) {
    std::fprintf(stderr, "pool agent: %s\n", why.c_str());
    if (session_) {
      session_->say(RemoteKind::broken, 0, std::as_bytes(std::span(why)));
      session_->flush();
      dealer_.close(500ms);
    }
    vanish(kExitRefused);
  }

  // In order: the pool ends first.
  void leave(int code) {
    exit_code_ = code;
    if (pool_) pool_->shutdown({.wait = false});
    workers_start_.give_up();
    pool_.reset();
    if (session_) {
      session_->say(RemoteKind::gone);
      session_->flush();
    }
    dealer_.close(500ms);
  }

  // At once. The pool's guard sees to what the workers have started.
  [[noreturn]] void vanish(int code) {
    kill_workers();
    ::_exit(code);
  }

  void kill_workers() {
    if (!pool_) return;
    for (const pid_t pid : pool_->worker_pids()) ::kill(pid, SIGKILL);
  }

  const AgentArguments arguments_;
  const int input_;  // -1: none that is to be watched
  const FileDescriptor signals_;
  const std::uint64_t incarnation_;
  Dealer dealer_;
  Ended ended_{dealer_};
  std::optional<LocalPool> pool_;  // from the first welcome on
  std::optional<AgentSession> session_;
  WorkersStart workers_start_{dealer_};
  std::optional<int> exit_code_;

  bool news_ = true;  // to be looked at
  bool hello_due_ = false;
  bool hello_sent_ = false;  // and not answered yet
  bool welcomed_ = false;    // once
  bool leaving_ = false;
  bool start_asked_ = false;  // in this session, and not answered
  std::chrono::nanoseconds heartbeat_{500ms};
  std::chrono::nanoseconds silence_{3s};
  AgentClock::time_point started_{};
  AgentClock::time_point looked_{};
  AgentClock::time_point last_heard_{};
  AgentClock::time_point expected_{};  // when this round was to begin at the latest
  AgentClock::time_point next_beat_{};
  std::int64_t peer_sent_ = 0;
  std::int64_t peer_received_ = 0;
};

// What comes and goes is as large as frames, arguments and results: the memory stays here, for as much as may be on its way, instead of being
// the kernel's in between, which clears each page. Of ZeroMQ's own work at large arguments that was a seventh. This process is nobody else's.
void keep_memory() {
  constexpr int kMapped = 32 << 20;
  constexpr int kKept = 64 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kMapped);
  ::mallopt(M_TRIM_THRESHOLD, kKept);
}

}  // namespace

void run_agent(int argc, char** argv) {
  keep_memory();
  ::prctl(PR_SET_NAME, "pool_agent", 0, 0, 0);
  int code = 1;
  try {
    AgentArguments arguments = agent_arguments_of(argc, argv);
    int input = -1;
    const AgentKey key = key_handed_over(input);
    Agent agent(std::move(arguments), key, input);
    code = agent.serve();
  } catch (const Error& error) {
    std::fprintf(stderr, "pool agent: %s\n", error.what());
    code = kExitRefused;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pool agent: %s\n", error.what());
  }
  std::exit(code);
}

}  // namespace pools::detail
