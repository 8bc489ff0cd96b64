#include "pools/process/worker_process.h"

#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "pools/process/handshake.h"

namespace pools::detail {
namespace {

Message prepare_message(const std::string& name, const RemoteCall& initializer) {
  Message message(MessageKind::prepare, initializer ? initializer.function() : FunctionKey{});
  encode(message.payload(), name);
  if (initializer) message.payload().append(initializer.arguments().data(), initializer.arguments().size());
  return message;
}

}  // namespace

WorkerProcess::WorkerProcess(int number, const std::string& name, const RemoteCall& initializer) : number_(number) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a socket for a worker");
  }
  lifeline_ = FileDescriptor(ends[0]);
  const FileDescriptor theirs(ends[1]);
  // Sent before there is a receiver, so that no death can be in the way.
  send_handshake(lifeline_.get(), channel_.memory_descriptor(), channel_.event());
  child_ = spawn({.arguments = {kWorkerArgument, name}, .channel_fd = theirs.get(), .own_process_group = true});
  channel_.forget_memory_descriptor();
  load(prepare_message(name, initializer));
  send_some();
  channel_.ring();
}

void WorkerProcess::load(Message message) noexcept {
  outgoing_ = std::move(message);
  outgoing_.seal(++sequence_);
  sent_ = 0;
}

bool WorkerProcess::send_some() {
  const auto rest = outgoing_.view().subspan(sent_);
  const std::size_t count = channel_.write_some(rest);
  sent_ += count;
  unsent_.store(count < rest.size(), std::memory_order_release);
  return count > 0;
}

void WorkerProcess::condemn(const std::string& violation) noexcept {
  violation_ = violation;
  condemned_.store(true, std::memory_order_relaxed);
  child_.kill(SIGKILL);
}

TaskRef WorkerProcess::take_back_unread_task() noexcept {
  try {
    if (!task || channel_.unread() < sent_) return nullptr;
  } catch (const WireError&) {
    return nullptr;
  }
  task->message() = std::move(outgoing_);
  return std::move(task);
}

bool WorkerProcess::actionable() const {
  return channel_.readable() || (unsent() && channel_.has_room());
}

}  // namespace pools::detail
