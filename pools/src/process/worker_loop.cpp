#include "pools/src/process/worker_loop.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "pools/cores.h"
#include "pools/detail/codec.h"
#include "pools/detail/forced_unwind.h"
#include "pools/detail/forks.h"
#include "pools/remote.h"
#include "pools/src/base/affinity.h"
#include "pools/src/process/ipc/channel.h"
#include "pools/src/process/ipc/handshake.h"
#include "pools/src/process/ipc/passage.h"
#include "pools/src/process/ipc/shared_memory.h"
#include "pools/src/process/ipc/wire.h"

namespace pools::detail {
namespace {

constexpr std::size_t kKept = std::size_t{4} << 20;  // bytes of an answer's memory that are kept for the next

// Between attempts to pass on what a task returns: eight seconds in all.
constexpr std::chrono::milliseconds kFirstGap{1};
constexpr std::chrono::milliseconds kLongestGap{4096};

constexpr std::size_t kInPlace = std::size_t{4} << 10;  // room in the ring from which on an answer is tried there

// A worker's memory is its tasks': what they free stays for the next. Zeroing 1 MiB of fresh pages costs the kernel more than copying
// it ten times.
void keep_freed_memory() noexcept {
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

// Has the kernel kill this process when the pool's end of the socket is closed: whatever a task does to PR_SET_PDEATHSIG, and
// also while it hangs in a task. Nothing is ever sent over this socket once the handshake is done.
void tie_to(int socket) {
  ::fcntl(socket, F_SETFD, FD_CLOEXEC);
  if (::fcntl(socket, F_SETOWN, ::getpid()) != 0 || ::fcntl(socket, F_SETSIG, SIGKILL) != 0 ||
      ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_ASYNC) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot watch the pool's socket");
  }
  // It may have been closed before.
  char byte = 0;
  if (::recv(socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0) ::_exit(EXIT_FAILURE);
}

class WorkerLoop {
 public:
  explicit WorkerLoop(ChannelDescriptors descriptors)
      : channel_(std::move(descriptors.memory), std::move(descriptors.event)), passage_(std::move(descriptors.passage)) {}

  void serve() {
    for (;;) {
      const MessageHeader header = next();
      switch (header.kind) {
        case MessageKind::prepare:
          prepare(header);
          break;
        case MessageKind::task:
          if (channel_.board().begin(header.sequence)) {
            answer(header, MessageKind::result, MessageKind::error, arguments());
          } else {
            unreceived_ = nullptr;
            attachments_.clear();
            skip(header);
          }
          break;
        case MessageKind::stop:
          return;
        default:
          throw WireError("a message that a pool does not send");
      }
    }
  }

 private:
  MessageHeader next() {
    const MessageHeader header = next_message();
    // Whatever becomes of the message: the next one's lie behind them.
    if (header.descriptors > 0) {
      Passage::Received received = passage_.receive(header.sequence, header.descriptors);
      attachments_ = std::move(received.attachments);
      if (received.problem) unreceived_ = std::move(received.problem);
    }
    return header;
  }
  MessageHeader next_message() {
    for (;;) {
      try {
        if (const auto header = reader_.poll(channel_)) return *header;
      } catch (const std::bad_alloc&) {
        // Arguments larger than the memory that there is: that is the task's exception, and no reason to die.
        if (!reader_.is_assembling()) throw;
        unreceived_ = std::current_exception();
        return reader_.skip(channel_);
      }
    }
  }

  Reader arguments() const noexcept { return Reader(reader_.payload(), attachments_); }

  void prepare(const MessageHeader& header) {
    Reader reader = arguments();
    WorkerSetup setup;
    reader.read(&setup, sizeof setup);
    const auto name = decode<std::string>(reader);
    ::prctl(PR_SET_NAME, name.c_str(), 0, 0, 0);
    max_payload_ = setup.max_payload;
    if (setup.cpu >= 0 && !pin_this_thread(static_cast<int>(setup.cpu))) {
      throw std::system_error(errno, std::generic_category(), "cannot run on CPU " + std::to_string(setup.cpu));
    }
    set_inner_threads(static_cast<int>(setup.inner_threads));
    if (setup.memory_limit > 0) {
      const rlimit limit{.rlim_cur = setup.memory_limit, .rlim_max = setup.memory_limit};
      if (::setrlimit(RLIMIT_AS, &limit) != 0) throw std::system_error(errno, std::generic_category(), "cannot limit the memory");
    }
    if (!answer(header, MessageKind::ready, MessageKind::refused, reader)) std::exit(EXIT_FAILURE);
  }

  // Calls what the header names and sends what comes of it. False if it threw.
  bool answer(const MessageHeader& header, MessageKind success, MessageKind failure, Reader arguments) {
    // Where the pool will read it, if it fits there.
    const std::span<std::byte> room = channel_.reserve();
    Message message(room.size() >= kInPlace ? Bytes::over(room) : std::move(memory_), success, {});
    message.limit_payload(max_payload_);
    bool succeeded = true;
    try {
      if (unreceived_) std::rethrow_exception(std::exchange(unreceived_, nullptr));
      if (header.function != FunctionKey{}) {
        call(header.function, arguments, message.payload());
        if (success == MessageKind::ready) message.restart(success);  // an initializer's value is dropped
      }
      send_attachments(header.sequence, message);
    } catch (ForcedUnwind&) {
      refuse_to_unwind("a task");
    } catch (...) {
      message.restart(failure);
      message.payload().limit(~std::size_t{0}, 0);  // what is thrown arrives
      encode_current_exception(message.payload());
      succeeded = false;
    }
    // Before the pool can know of the answer: what was passed is no longer held here, but by what the task has kept.
    attachments_.clear();
    message.seal(header.sequence);
    message.payload().detach();
    if (message.view().data() == room.data()) {
      channel_.commit(message.view().size());
    } else {
      channel_.write(message.view());
      memory_ = message.release();
      memory_.clear(kKept);
    }
    return succeeded;
  }

  // Before the answer: so they are there for who reads that. How many descriptors of a user are on their way is limited (ETOOMANYREFS), and
  // they are going to be read: what has been computed is not lost for that.
  void send_attachments(std::uint64_t sequence, const Message& message) {
    if (message.attachments().empty()) return;
    int error = 0;
    for (auto gap = kFirstGap; gap <= kLongestGap; gap *= 2) {
      error = passage_.send(sequence, message.attachments(), Passage::When::once_there_is_room);
      if (error != ETOOMANYREFS) break;
      std::this_thread::sleep_for(gap);
    }
    if (error != 0) throw shared_memory_error("pass shared memory to the pool", error);
  }

  void skip(const MessageHeader& header) {
    Message message(MessageKind::skipped);
    message.seal(header.sequence);
    channel_.write(message.view());
  }

  void call(const FunctionKey& key, Reader& arguments, Bytes& result) {
    if (key != last_key_) {
      last_function_ = reinterpret_cast<Trampoline>(const_cast<void*>(function_of(key)));
      last_key_ = key;
    }
    last_function_(arguments, result);
  }

  WorkerChannel channel_;
  Passage passage_;
  MessageReader<WorkerChannel> reader_;
  Attachments attachments_;        // of the message at hand
  std::exception_ptr unreceived_;  // why the message at hand has no payload; null: it has
  Bytes memory_;
  std::uint64_t max_payload_ = 0;
  FunctionKey last_key_;
  Trampoline last_function_ = nullptr;
};

}  // namespace

void run_worker(int argc, char** argv) {
  const char* const name = argc > 2 ? argv[2] : "worker";
  pool_thread_of = this_process();
  ::signal(SIGINT, SIG_IGN);  // the terminal's Ctrl-C is for the main process to deal with
  ::prctl(PR_SET_NAME, name, 0, 0, 0);
  std::setvbuf(stdout, nullptr, _IOLBF,
               BUFSIZ);  // into a pipe it would be held back until 4 KiB are there, or lost with the process
  const char* problem = "%s: %s is how a process pool starts its workers, and nobody else: %s\n";
  try {
    ChannelDescriptors descriptors = receive_handshake(kWorkerSocket);
    tie_to(kWorkerSocket);
    keep_freed_memory();
    WorkerLoop loop(std::move(descriptors));
    problem = "%s: %s: the worker gives up: %s\n";
    loop.serve();
  } catch (const std::exception& error) {
    std::fprintf(stderr, problem, argv[0], kWorkerArgument, error.what());
    std::exit(2);
  }
  std::exit(EXIT_SUCCESS);
}

}  // namespace pools::detail
