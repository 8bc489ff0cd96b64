#include "pools/faults/sabotage.h"

#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "pools/process/channel.h"

namespace pools::faults {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kRing = detail::ChannelMemory::kRingCapacity;
constexpr std::uint64_t kMagic = 0x32676e69726c6f6f;   // of the layout that the offsets here belong to (channel.cpp)

// Where the next touch kills, if not at the first.
void* next_trap = nullptr;

void protect(void* page, std::size_t bytes, int rights) {
  if (::mprotect(page, bytes, rights) != 0) std::abort();
}

void kill_self(int) { ::kill(::getpid(), SIGKILL); }

void move_trap(int, siginfo_t* info, void*) {
  if (next_trap == nullptr) return kill_self(0);
  auto* const touched = static_cast<std::byte*>(info->si_addr);
  protect(touched - reinterpret_cast<std::uintptr_t>(touched) % kPage, kPage, PROT_READ | PROT_WRITE);
  protect(next_trap, kPage, PROT_NONE);
  next_trap = nullptr;
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
    size = kPage + 2 * kRing;   // a page with other rights is another line
    if (*reinterpret_cast<const std::uint64_t*>(memory) != kMagic) throw std::runtime_error("the channel has another layout");
    return;
  }
  throw std::runtime_error("there is no channel");
}

std::span<std::byte> OwnChannel::requests() const { return {memory + kPage, kRing}; }
std::span<std::byte> OwnChannel::responses() const { return {memory + kPage + kRing, kRing}; }

void die_at_the_next_request() {
  const OwnChannel channel;
  on_touch(&move_trap);
  protect(channel.requests().data(), kRing, PROT_NONE);
}

// The first trap lies half a ring on. Touching it lays the second a little behind where the answer begins: there the writer comes only
// after it has published what it wrote before, one ring being the most that it writes at a time.
void die_mid_answer() {
  const OwnChannel channel;
  on_touch(&move_trap);
  const auto page_at = [&](std::uint64_t index) {
    const std::size_t offset = index % kRing;
    return channel.responses().data() + (offset - offset % kPage);
  };
  const std::uint64_t begin = channel.responses_written();
  next_trap = page_at(begin + 4 * kPage);
  protect(page_at(begin + kRing / 2), kPage, PROT_NONE);
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

int die_of(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  return 0;
}

}  // namespace pools::faults
