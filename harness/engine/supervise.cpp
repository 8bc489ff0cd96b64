#include "harness/engine/supervise.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <optional>

#include "harness/engine/frame.h"
#include "harness/engine/session.h"

namespace harness {
namespace {

// Keeps the end of a child's output.
class Tail {
 public:
  void append(std::string_view piece) {
    bytes_.append(piece);
    if (bytes_.size() > 2 * kKept) bytes_.erase(0, bytes_.size() - kKept);
  }

  // On one line, runs of white space and control characters as one blank.
  std::string one_line() const {
    std::string line;
    for (const char character : std::string_view(bytes_).substr(bytes_.size() - std::min(bytes_.size(), kKept))) {
      const auto byte = static_cast<unsigned char>(character);
      if (!std::isspace(byte) && !std::iscntrl(byte)) {
        line += character;
      } else if (!line.empty() && line.back() != ' ') {
        line += ' ';
      }
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
  }

 private:
  static constexpr std::size_t kKept = 400;

  std::string bytes_;
};

// The conversation with a child that has not ended.
class Conversation {
 public:
  Conversation(int stream, int output, std::string_view request)
      : stream_(stream), output_(output), request_(framed(request)), unsent_(request_) {}

  // Waits for something to happen and deals with it, until the child is dead. False when the deadline passed or the
  // interruption came first.
  bool until_dead(int process, int interruption, std::chrono::steady_clock::time_point deadline, bool& interrupted) {
    while (true) {
      std::array<pollfd, 4> events{{
          {.fd = process, .events = POLLIN, .revents = 0},
          {.fd = interruption, .events = POLLIN, .revents = 0},
          {.fd = stream_, .events = static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT), .revents = 0},
          {.fd = output_, .events = POLLIN, .revents = 0},
      }};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      const int wait_ms = static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000));
      if (::poll(events.data(), events.size(), wait_ms) < 0 && errno != EINTR) return false;
      interrupted = events[1].revents != 0;
      if (interrupted) return false;
      if (events[2].revents & POLLOUT) send_some();
      if (events[2].revents & ~POLLOUT) receive_all();
      if (events[3].revents != 0) read_output();
      if (events[0].revents != 0) {
        receive_all();
        read_output();
        return true;
      }
    }
  }

  bool answered() const { return assembler_.complete(); }
  std::string answer() const { return std::string(assembler_.body()); }
  std::string last_words() {
    read_output();
    return tail_.one_line();
  }

 private:
  void send_some() {
    const ssize_t sent = ::send(stream_, unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      unsent_.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      unsent_ = {};  // it will not be read any more; how the child ends says why
    }
  }

  void receive_all() {
    std::array<char, 65536> buffer;
    while (stream_ >= 0) {
      const ssize_t got = ::recv(stream_, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got > 0) {
        assembler_.append({buffer.data(), static_cast<std::size_t>(got)});
      } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        stream_ = -1;  // poll ignores it from now on
        unsent_ = {};
      } else if (errno == EAGAIN) {
        return;
      }
    }
  }

  // What is there now: never waits for the end of the pipe, which a process left behind may hold open.
  void read_output() {
    std::array<char, 4096> buffer;
    for (pollfd event{.fd = output_, .events = POLLIN, .revents = 0}; output_ >= 0 && ::poll(&event, 1, 0) > 0;) {
      const ssize_t got = ::read(output_, buffer.data(), buffer.size());
      if (got > 0) {
        tail_.append({buffer.data(), static_cast<std::size_t>(got)});
      } else if (got == 0 || errno != EINTR) {
        output_ = -1;
      }
    }
  }

  int stream_;
  int output_;
  const std::string request_;
  std::string_view unsent_;
  FrameAssembler assembler_;
  Tail tail_;
};

// How the dead child ended, which stays unreaped, so that its id is still its own; nothing when another part of the
// program reaped it.
std::optional<siginfo_t> peek_exit(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
    return std::nullopt;
  }
  return info;
}

std::string description_of(const std::optional<siginfo_t>& exit) {
  if (!exit) return "ended with an unknown status";
  if (exit->si_code == CLD_EXITED) return "exited with status " + std::to_string(exit->si_status);
  return "killed by signal " + std::to_string(exit->si_status) + " (" + ::strsignal(exit->si_status) + ")";
}

}  // namespace

Attempt supervise(pools::Child& child, int stream, int output, int interruption, std::string_view request,
                  std::chrono::steady_clock::time_point deadline) {
  Conversation conversation(stream, output, request);
  Attempt attempt;
  bool interrupted = false;
  if (!conversation.until_dead(child.pidfd(), interruption, deadline, interrupted)) {
    attempt.end = interrupted ? Attempt::End::interrupted : Attempt::End::timed_out;
    kill_session(child.pid());
  } else {
    const auto exit = peek_exit(child.pid());
    const bool clean = !exit || (exit->si_code == CLD_EXITED && exit->si_status == 0);
    if (clean && conversation.answered()) {
      attempt.end = Attempt::End::answered;
      attempt.answer = conversation.answer();
      if (exit && has_orphans(child.pid())) kill_session(child.pid());
    } else {
      attempt.end = Attempt::End::crashed;
      attempt.how_it_died = clean && exit ? "exited without an answer" : description_of(exit);
      if (exit) kill_session(child.pid());
    }
  }
  attempt.last_words = conversation.last_words();
  child.wait();
  return attempt;
}

}  // namespace harness
