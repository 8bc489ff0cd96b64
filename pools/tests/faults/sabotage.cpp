#include "pools/tests/faults/sabotage.h"

#include <sys/prctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "pools/src/process/ipc/channel.h"

namespace pools::faults {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kRing = detail::ChannelMemory::kRingCapacity;
constexpr std::uint64_t kMagic = 0x33676e69726c6f6f;  // of the layout that the offsets here belong to (channel.cpp)

void protect(void* pages, std::size_t bytes, int rights) {
  if (::mprotect(pages, bytes, rights) != 0) std::abort();
}

void kill_self() { ::kill(::getpid(), SIGKILL); }

// Pages of the ring of answers whose touch is noticed: offsets in the ring.
std::byte* answers = nullptr;
std::size_t first_trap = 0;
std::size_t second_trap = 0;
bool first_is_set = false;

void set_trap(std::size_t offset, int rights) {
  for (std::byte* const ring : {answers, answers + kRing}) protect(ring + offset, kPage, rights);
}

void move_trap(int, siginfo_t*, void*) {
  if (!first_is_set) return kill_self();
  first_is_set = false;
  set_trap(first_trap, PROT_READ | PROT_WRITE);
  set_trap(second_trap, PROT_NONE);
}

void on_touch(void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (::sigaction(SIGSEGV, &action, nullptr) != 0) std::abort();
}

}  // namespace

OwnChannel::OwnChannel() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("memfd:pools-channel") == std::string::npos) continue;
    char* end = nullptr;
    memory = reinterpret_cast<std::byte*>(std::strtoull(line.c_str(), &end, 16));
    if (*reinterpret_cast<const std::uint64_t*>(memory) != kMagic) throw std::runtime_error("the channel has another layout");
    return;
  }
  throw std::runtime_error("there is no channel");
}

std::span<std::byte> OwnChannel::requests() const { return {memory + kPage, 2 * kRing}; }
std::span<std::byte> OwnChannel::responses() const { return {memory + kPage + 2 * kRing, 2 * kRing}; }

void die_at_the_next_request() {
  const OwnChannel channel;
  on_touch(&move_trap);
  protect(channel.requests().data(), channel.requests().size(), PROT_NONE);
}

// The first trap lies half a ring on. Touching it lays the second a little behind where the answer begins: there the writer comes only
// after it has published what it wrote before, one ring being the most that it writes at a time.
void die_mid_answer() {
  const OwnChannel channel;
  on_touch(&move_trap);
  const auto page_at = [](std::uint64_t index) { return index % kRing - index % kPage; };
  const std::uint64_t begin = channel.responses_written();
  answers = channel.responses().data();
  first_trap = page_at(begin + kRing / 2);
  second_trap = page_at(begin + 4 * kPage);
  first_is_set = true;
  set_trap(first_trap, PROT_NONE);
}

void die_when_answered() {
  const OwnChannel channel;
  const std::uint64_t before = channel.responses_written();
  std::thread([channel, before] {
    while (channel.responses_written() == before) {
    }
    ::kill(::getpid(), SIGKILL);
  }).detach();
}

pid_t leave_a_process_behind() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    for (;;) ::pause();
  }
  return pid;
}

int die_of(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  return 0;
}

}  // namespace pools::faults
