#pragma once

// The frame of the fault suite: one program, fault_driver, that does one thing to a pool that is at work, several times over, and
// looks each time at what is left (aftermath.h). A case is a function that throws Failure when the pool did not take it well:
//
//   POOLS_FAULT(segmentation_fault) { ... FAULT_EXPECT(died.signal() == SIGSEGV); ... }
//
// What needs a process of its own to be killed, limited or interrupted is an actor: the same program, started by a case.
//
//   POOLS_ACTOR(owner_of_a_pool) { ... return 0; }

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/src/process/os/spawn.h"

namespace pools::faults {

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// The machine does not allow the case; the driver exits with kSkipped.
class Skip : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
inline constexpr int kSkipped = 77;

[[noreturn]] void fail(const char* file, int line, const std::string& what);

#define FAULT_EXPECT(condition) \
  ((condition) ? static_cast<void>(0) : ::pools::faults::fail(__FILE__, __LINE__, #condition " does not hold"))
// With what it was instead.
#define FAULT_EXPECT_EQ(actual, expected) \
  ::pools::faults::expect_equal(__FILE__, __LINE__, #actual " == " #expected, actual, expected)

template <class Actual, class Expected>
void expect_equal(const char* file, int line, const char* what, const Actual& actual, const Expected& expected) {
  if (actual == static_cast<Actual>(expected)) return;
  fail(file, line, std::string(what) + " does not hold: it is " + std::to_string(actual) + ", not " + std::to_string(expected));
}

// The exception of type E that `call` throws.
template <class E, class Call>
E thrown_by(Call&& call) {
  try {
    call();
  } catch (const E& error) {
    return error;
  } catch (const std::exception& error) {
    throw Failure(std::string("another exception than expected: ") + error.what());
  }
  throw Failure("no exception where one was expected");
}
inline bool mentions(const std::exception& error, const std::string& words) {
  return std::string(error.what()).find(words) != std::string::npos;
}

// For what comes about soon and has no gate. If it does not, the test's timeout ends it.
template <class Condition>
void wait_until(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

// --- cases ---

struct Case {
  std::string name;
  int repetitions;
  void (*run)();
};
std::vector<Case>& cases();

struct RegisterCase {
  RegisterCase(const char* name, int repetitions, void (*run)()) { cases().push_back({name, repetitions, run}); }
};
inline constexpr int kRepetitions = 5;

#define POOLS_FAULT(name) POOLS_FAULT_REPEATED(name, ::pools::faults::kRepetitions)
#define POOLS_FAULT_REPEATED(name, repetitions)                                           \
  void fault_##name();                                                                    \
  const ::pools::faults::RegisterCase register_##name{#name, repetitions, &fault_##name}; \
  void fault_##name()

// --- actors ---

using Arguments = std::vector<std::string>;
struct Actor {
  std::string name;
  int (*run)(const Arguments& arguments);
};
std::vector<Actor>& actors();

struct RegisterActor {
  RegisterActor(const char* name, int (*run)(const Arguments&)) { actors().push_back({name, run}); }
};
#define POOLS_ACTOR(name)                                                           \
  int actor_##name(const ::pools::faults::Arguments& arguments);                    \
  const ::pools::faults::RegisterActor register_actor_##name{#name, &actor_##name}; \
  int actor_##name([[maybe_unused]] const ::pools::faults::Arguments& arguments)

inline constexpr const char* kActorArgument = "--actor";
// Starts the actor; `channel` becomes its descriptor 3. It dies with this process.
Child start_actor(const std::string& name, const Arguments& arguments = {}, int channel = -1);
// Plays it to its end. Throws Failure unless it exits with 0, Skip when it says so.
void play(const std::string& name, const Arguments& arguments = {});
void expect_success(const ExitStatus& status);

// What actor and case tell each other: lines over a socket.
class Conversation {
 public:
  Conversation();                         // both ends
  explicit Conversation(int descriptor);  // the actor's end: 3
  Child start(const std::string& actor, Arguments arguments = {});
  void say(const std::string& line);
  std::string hear();  // throws Failure at the end of the conversation

 private:
  detail::FileDescriptor ours_;
  detail::FileDescriptor theirs_;
};

}  // namespace pools::faults
