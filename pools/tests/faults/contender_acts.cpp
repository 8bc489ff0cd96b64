#include "pools/tests/faults/contender_acts.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "pools/tests/faults/sabotage.h"

namespace pools::faults::contender {
namespace {

using namespace std::chrono_literals;

// A file with this worker's process id, whole as soon as it is there.
void mark(const std::string& directory, const std::string& name) {
  const std::string file = directory + "/" + name;
  std::ofstream(file + ".tmp") << ::getpid();
  std::filesystem::rename(file + ".tmp", file);
}

void start_child(bool in_session) {
  const pid_t child = ::fork();
  if (child != 0) return;
  if (in_session) ::setsid();
  ::close_range(0, ~0U, 0);
  ::execlp("sleep", "sleep", "1000", nullptr);
  ::_exit(127);
}

[[noreturn]] void hang() {
  for (;;) ::pause();
}

}  // namespace

void await_file(const std::string& file) {
  while (!std::filesystem::exists(file)) std::this_thread::sleep_for(5ms);
}

int square(int number) { return number * number; }
int meet(const std::string& directory, int number, int workers) {
  mark(directory, "met-" + std::to_string(number));
  for (int other = 0; other < workers; ++other) await_file(directory + "/met-" + std::to_string(other));
  return number * number;
}
int stand(const std::string& directory, int number) {
  mark(directory, "standing-" + std::to_string(number));
  await_file(directory + "/gate");
  return number * number;
}

int killed(const std::string&) { return die_of(SIGKILL); }
int segfault(const std::string&) {
  volatile int* const nowhere = nullptr;
  return *nowhere;
}
int aborts(const std::string&) { std::abort(); }
int exits(const std::string&) { std::exit(3); }
int exits_at_once(const std::string&) { ::_exit(3); }
int recursion(const std::string& directory) {
  int (*volatile again)(const std::string&) = &recursion;  // the compiler refuses what it sees to be endless
  return again(directory) + 1;
}
int out_of_memory(const std::string&) {
  std::vector<std::string> kept;
  for (std::size_t taken = 0; taken < 4 * kMemoryLimit; taken += 1 << 20) kept.emplace_back(1 << 20, 'm');
  return static_cast<int>(kept.size());
}
std::string killed_mid_result(const std::string&) {
  die_mid_answer();
  return std::string(kLarge, 'r');
}
int killed_after_result(const std::string& directory) {
  mark(directory, "dying");
  die_when_answered();
  return kAnswer;
}

int stopped(const std::string&) {
  ::raise(SIGSTOP);
  return 0;
}
int endless(const std::string&) {
  ::signal(SIGTERM, SIG_IGN);
  for (std::atomic<unsigned> turn{0};; turn.fetch_add(1)) std::this_thread::sleep_for(10ms);
}
int forks(const std::string&) {
  static_cast<void>(::fork());
  return kAnswer;
}
int closes_descriptors(const std::string&) {
  ::close_range(3, ~0U, 0);
  return kAnswer;
}
int closes_standard(const std::string&) {
  ::close_range(0, 2, 0);
  std::printf("into nothing\n");
  std::fflush(stdout);
  return kAnswer;
}
int never_ending_exit(const std::string&) {
  std::atexit([] { hang(); });
  return kAnswer;
}

void Traveller::refuse_if(Does point) const {
  if (does != point) return;
  if (point == Does::dies_decoding) ::_exit(3);
  throw std::runtime_error(point == Does::refuses_encoding ? "this cannot be encoded" : "this cannot be decoded");
}
int takes(const std::string&, const Traveller&) { return kAnswer; }
Traveller unencodable_result(const std::string&) { return {Traveller::Does::refuses_encoding}; }
Traveller undecodable_result(const std::string&) { return {Traveller::Does::refuses_decoding}; }
std::string large_result(const std::string&) { return std::string(kLarge, 'r'); }
Nested nested_result(const std::string&) { return {kDepth}; }

int grandchild(const std::string&) {
  start_child(false);
  return kAnswer;
}
int grandchild_in_session(const std::string&) {
  start_child(true);
  return kAnswer;
}
int killed_with_grandchild(const std::string&) {
  start_child(false);
  return die_of(SIGKILL);
}

void initializer_raises() { throw std::runtime_error("this initializer raises"); }
void initializer_dies() { ::_exit(3); }
void initializer_hangs() { hang(); }

}  // namespace pools::faults::contender
