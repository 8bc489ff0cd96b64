#include "pools/tests/faults/fault.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace pools::faults {

void fail(const char* file, int line, const std::string& what) {
  const char* const name = std::strrchr(file, '/');
  throw Failure(std::string(name != nullptr ? name + 1 : file) + ":" + std::to_string(line) + ": " + what);
}

std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

std::vector<Actor>& actors() {
  static std::vector<Actor> all;
  return all;
}

Child start_actor(const std::string& name, const Arguments& arguments, int channel) {
  SpawnRequest request{.arguments = {kActorArgument, name}, .channel_fd = channel};
  request.arguments.insert(request.arguments.end(), arguments.begin(), arguments.end());
  return spawn(request);
}

void play(const std::string& name, const Arguments& arguments) { expect_success(start_actor(name, arguments).wait()); }

void expect_success(const ExitStatus& status) {
  if (status.exit_code == kSkipped) throw Skip("the actor was not allowed to play");
  if (!status.success()) throw Failure("the actor " + status.description());
}

Conversation::Conversation() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  ours_ = detail::FileDescriptor(ends[0]);
  theirs_ = detail::FileDescriptor(ends[1]);
}

Conversation::Conversation(int descriptor) : ours_(descriptor) {}

Child Conversation::start(const std::string& actor, Arguments arguments) {
  Child child = start_actor(actor, arguments, theirs_.get());
  theirs_.reset();
  return child;
}

void Conversation::say(const std::string& line) {
  const std::string whole = line + "\n";
  if (::send(ours_.get(), whole.data(), whole.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(whole.size()))
    throw Failure("nobody listens");
}

std::string Conversation::hear() {
  std::string line;
  for (char each = 0;;) {
    const ssize_t got = ::read(ours_.get(), &each, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw Failure("the conversation ended after '" + line + "'");
    if (each == '\n') return line;
    line += each;
  }
}

}  // namespace pools::faults
