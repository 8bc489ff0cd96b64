#include "pools/src/process/os/event_poll.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace pools::detail {

EventPoll::EventPoll() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!epoll_ || !wake_ || !add_bell(wake_.get())) {
    throw std::system_error(errno, std::generic_category(), "cannot make the descriptors of a process pool");
  }
}

bool EventPoll::add_bell(int descriptor) noexcept {
  epoll_event bell{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &bell) == 0;
}

bool EventPoll::add_process(int pidfd, void* of) noexcept {
  epoll_event death{.events = EPOLLIN, .data = {.ptr = of}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, pidfd, &death) == 0;
}

void EventPoll::remove(int descriptor) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr); }

void EventPoll::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

int EventPoll::wait(std::span<epoll_event> events, int timeout_ms) noexcept {
  return ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
}

void EventPoll::close() noexcept {
  epoll_.reset();
  wake_.reset();
}

}  // namespace pools::detail
