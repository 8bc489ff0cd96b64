#include "pools/src/process/os/output_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <system_error>
#include <utility>

#include "pools/detail/futex.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/thread_name.h"

namespace pools::detail {
namespace {

constexpr std::size_t kAtOnce = std::size_t{64} << 10;  // a pipe's capacity

constexpr int kOutputs[2] = {STDOUT_FILENO, STDERR_FILENO};

// Writes what there is room for. REQUIRES: poll() said that there is some.
ssize_t write_some(int to, const char* bytes, std::size_t size) noexcept {
  struct stat kind {};
  const bool regular = ::fstat(to, &kind) == 0 && S_ISREG(kind.st_mode);
  if (!regular) {
    // The room may be gone: other processes write into the same pipe. Not by O_NONBLOCK, which they would see, too.
    const iovec some{.iov_base = const_cast<char*>(bytes), .iov_len = size};
    const ssize_t count = ::pwritev2(to, &some, 1, -1, RWF_NOWAIT);
    if (count >= 0 || errno != EOPNOTSUPP) return count;
  }
  // A file always takes it. Of a terminal, and of a pipe before Linux 6.4, poll() means that this much does not block.
  return ::write(to, bytes, std::min<std::size_t>(size, regular ? size : PIPE_BUF));
}

}  // namespace

struct OutputRelay::Stream {
  FileDescriptor pipe;  // the reading end; does not block
  int to = 0;           // 0: standard output, 1: standard error
  std::string line;     // the beginning of one
};

class OutputRelay::Source {
 public:
  std::string worker;
  std::string tag;
  Stream streams[2];
  std::string tail;  // of standard error
};

OutputRelay::OutputRelay(std::chrono::nanoseconds patience)
    : patience_ms_(
          static_cast<int>(std::min<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(patience).count(), INT_MAX))),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (!epoll_ || !wake_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make the descriptors for the workers' output");
  }
}

OutputRelay::~OutputRelay() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  wake();
  if (thread_.joinable()) thread_.join();
}

void OutputRelay::ensure_thread() {
  const Lock lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

std::shared_ptr<OutputRelay::Source> OutputRelay::attach(std::string worker, FileDescriptor& stdout_fd,
                                                         FileDescriptor& stderr_fd) {
  ensure_thread();
  auto source = std::make_shared<Source>();
  source->worker = std::move(worker);
  FileDescriptor* const theirs[2] = {&stdout_fd, &stderr_fd};
  for (int to = 0; to < 2; ++to) {
    DescriptorPair ends = make_pipe();
    if (!ends) throw std::system_error(errno, std::generic_category(), "cannot make a pipe for a worker's output");
    ::fcntl(ends.first.get(), F_SETFL, O_NONBLOCK);
    source->streams[to].pipe = std::move(ends.first);
    *theirs[to] = std::move(ends.second);
    source->streams[to].to = to;
  }
  const Lock lock(mutex_);
  for (Stream& stream : source->streams) {
    // Level-triggered; the thread looks at all streams when any is readable.
    epoll_event event{.events = EPOLLIN, .data = {.ptr = source.get()}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stream.pipe.get(), &event) != 0) {
      throw std::system_error(errno, std::generic_category(), "cannot watch a worker's output");
    }
  }
  sources_.push_back(source);
  return source;
}

void OutputRelay::started(Source& source, pid_t pid) {
  const Lock lock(mutex_);
  source.tag = "[" + source.worker + " " + std::to_string(pid) + "] ";
}

// Everything that is there; words for which there is no memory are lost. At the end of the stream the pipe is watched no more.
void OutputRelay::read_locked(Source& source, Stream& stream) noexcept {
  std::array<char, 4096> bytes;
  for (std::size_t total = 0; stream.pipe && total < kAtOnce;) {
    const ssize_t got = ::read(stream.pipe.get(), bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stream.pipe.get(), nullptr);
      stream.pipe.reset();
    }
    if (got <= 0) break;
    const auto count = static_cast<std::size_t>(got);
    total += count;
    try {
      stream.line.append(bytes.data(), count);
      if (stream.to == 1) {
        source.tail.append(bytes.data(), count);
        if (source.tail.size() > kTail) source.tail.erase(0, source.tail.size() - kTail);
      }
      pass_on_locked(source, stream, false);
    } catch (const std::bad_alloc&) {
      stream.line.clear();
    }
  }
}

void OutputRelay::pass_on_locked(const Source& source, Stream& stream, bool all) {
  std::string& to = pending_[stream.to];
  std::size_t begin = 0;
  for (std::size_t end = stream.line.find('\n'); end != std::string::npos; end = stream.line.find('\n', begin)) {
    to.append(source.tag).append(stream.line, begin, end + 1 - begin);
    begin = end + 1;
  }
  stream.line.erase(0, begin);
  if (stream.line.size() > kLongestLine || (all && !stream.line.empty())) {
    to.append(source.tag).append(stream.line).append(1, '\n');
    stream.line.clear();
  }
}

std::string OutputRelay::finish(Source& source) {
  std::string tail;
  {
    const Lock lock(mutex_);
    for (Stream& stream : source.streams) {
      read_locked(source, stream);
      if (stream.pipe) {
        // A descendant holds it still: closing would not take it off the list.
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stream.pipe.get(), nullptr);
        stream.pipe.reset();
      }
      pass_on_locked(source, stream, true);
    }
    tail = std::move(source.tail);
    std::erase_if(sources_, [&](const std::shared_ptr<Source>& each) { return each.get() == &source; });
  }
  wake();
  return tail;
}

void OutputRelay::flush() {
  for (;;) {
    const std::uint32_t before = written_.load(std::memory_order_acquire);  // before the look: a change after it changes the word
    {
      const Lock lock(mutex_);
      if (!thread_.joinable() || (pending_[0].empty() && pending_[1].empty() && !writing_)) return;
    }
    futex_wait(written_, before);
  }
}

void OutputRelay::hurry() {
  // Release: pairs with the load in await_taker(), which follows the read of what wake() writes.
  hurried_.store(true, std::memory_order_release);
  wake();
}

// False: nobody takes it, and nobody waits for it any longer.
bool OutputRelay::await_taker(int to) noexcept {
  for (;;) {
    const bool hurried = hurried_.load(std::memory_order_acquire);  // before the wait: what changes afterwards wakes it
    pollfd either[] = {{.fd = kOutputs[to], .events = POLLOUT, .revents = 0},
                       {.fd = wake_.get(), .events = POLLIN, .revents = 0}};
    const int ready = ::poll(either, hurried ? 1 : 2, hurried ? patience_ms_ : -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    if (either[0].revents != 0) return true;  // room, or an error that the write will meet
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof count);
  }
}

void OutputRelay::write_all(int to, const std::string& bytes) noexcept {
  for (std::size_t at = 0; at < bytes.size() && !given_up_[to];) {
    if (!await_taker(to)) {
      given_up_[to] = true;
      return;
    }
    const ssize_t count = write_some(kOutputs[to], bytes.data() + at, bytes.size() - at);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return;  // nobody is there to be told: closed, full
    at += static_cast<std::size_t>(count);
  }
}

void OutputRelay::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void OutputRelay::run() {
  name_this_thread("pools", "_output");
  for (;;) {
    std::array<epoll_event, 32> events;
    ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    for (;;) {
      std::string lines[2];
      {
        const Lock lock(mutex_);
        for (const std::shared_ptr<Source>& source : sources_) {
          for (Stream& stream : source->streams) read_locked(*source, stream);
        }
        lines[0].swap(pending_[0]);
        lines[1].swap(pending_[1]);
        writing_ = !lines[0].empty() || !lines[1].empty();
        if (!writing_ && stopping_) return;
      }
      if (lines[0].empty() && lines[1].empty()) break;
      for (const int to : {0, 1}) write_all(to, lines[to]);  // without the lock: it may block
      {
        const Lock lock(mutex_);
        writing_ = false;
      }
      written_.fetch_add(1, std::memory_order_release);
      futex_wake_all(written_);
    }
  }
}

}  // namespace pools::detail
