#include "workloads/last_input.h"

#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace workloads {
namespace {

// Read by the handler of a signal of this very thread only. Volatile: the store must have happened when the function is called.
thread_local const char* volatile current = nullptr;

// Async-signal-safe.
void say_input() {
  const char* const input = current;
  if (input == nullptr) return;
  current = nullptr;                  // once
  constexpr std::size_t kMost = 200;  // the end of what a process printed is kept, on one line
  const auto write = [](const char* text, std::size_t size) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, size);
  };
  constexpr char kBefore[] = "\nit was working on the input '";
  write(kBefore, sizeof kBefore - 1);
  const std::size_t size = std::strlen(input);
  write(input, size < kMost ? size : kMost);
  if (size > kMost) write("...", 3);
  write("'\n", 2);
}

void on_fatal_signal(int signal) {
  say_input();
  ::raise(signal);  // blocked until this returns; then with the default action again (SA_RESETHAND)
}

void install() {
  struct sigaction action {};
  action.sa_handler = on_fatal_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_ONSTACK);
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS}) ::sigaction(signal, &action, nullptr);
  std::atexit(say_input);  // runs on the thread that called exit()
}

// Of the calling thread, unless it has one.
class SignalStack {
 public:
  SignalStack() {
    stack_t present{};
    if (::sigaltstack(nullptr, &present) == 0 && (present.ss_flags & SS_DISABLE) == 0) return;
    memory_.reset(new (std::nothrow) char[kBytes]);
    if (memory_ == nullptr) return;  // a stack overflow then goes without its input
    const stack_t stack{.ss_sp = memory_.get(), .ss_flags = 0, .ss_size = kBytes};
    ::sigaltstack(&stack, nullptr);
  }
  ~SignalStack() {
    if (memory_ == nullptr) return;
    const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
    ::sigaltstack(&none, nullptr);
  }
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  static constexpr std::size_t kBytes = std::size_t{64} << 10;
  std::unique_ptr<char[]> memory_;
};

}  // namespace

LastInput::LastInput(const char* input) noexcept {
  static const bool kInstalled = (install(), true);
  static_cast<void>(kInstalled);
  thread_local const SignalStack stack;
  static_cast<void>(stack);
  current = input;
}

LastInput::~LastInput() { current = nullptr; }

}  // namespace workloads
