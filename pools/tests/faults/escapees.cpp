#include "pools/tests/faults/escapees.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "pools/tests/faults/fault.h"

namespace pools::faults {
namespace {

bool alive(const detail::FileDescriptor& pidfd) {
  pollfd death{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&death, 1, 0) == 0;
}

}  // namespace

void start(const Way& way, const std::string& script) {
  std::vector<char*> arguments;
  for (const char* word : way) {
    if (word != nullptr) arguments.push_back(const_cast<char*>(word));
  }
  arguments.push_back(const_cast<char*>(script.c_str()));
  arguments.push_back(nullptr);
  if (::fork() == 0) {
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
}

int start_escapees(const std::string& directory) {
  for (const Way& way : kWaysOut) start(way, directory + "/script");
  wait_until([&] { return test::logged(directory + "/pids").size() >= kWaysOut.size(); });
  return 0;
}

Escapees::Escapees() {
  std::ofstream(directory_.file("script")) << "echo $$ >> " << directory_.file("pids") << "\nexec sleep 76\n";
}

void Escapees::watch(std::size_t count) {
  for (const int pid : test::logged(directory_.file("pids"))) {
    pidfds_.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    FAULT_EXPECT(pidfds_.back() && alive(pidfds_.back()));
  }
  FAULT_EXPECT_EQ(pidfds_.size(), count);
}

bool Escapees::all_live() const { return std::all_of(pidfds_.begin(), pidfds_.end(), alive); }

void Escapees::await_death() {
  for (const detail::FileDescriptor& each : pidfds_) {
    pollfd death{.fd = each.get(), .events = POLLIN, .revents = 0};
    while (::poll(&death, 1, -1) != 1) {
    }
  }
  pidfds_.clear();
}

void Escapees::kill() {
  for (const detail::FileDescriptor& each : pidfds_) ::syscall(SYS_pidfd_send_signal, each.get(), SIGKILL, nullptr, 0);
}

}  // namespace pools::faults
