#pragma once

// A driver: a program, in whatever language, that runs cells on executors which this program cannot link to. It is a child with
// its standard input and output on one stream, led by lines: a question out, an answer in (protocol.h says which). It leads a
// process group, which is killed, and the driver reaped, by the destructor; and it is killed when the thread that started it ends.
//
// Not thread-safe.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "os/descriptor.h"

namespace harness::drivers {

// How a driver is started: argv, of which the first is a path and executed as it is.
using Command = std::vector<std::string>;
std::string command_text(const Command& command);

// What went wrong with a driver, in one line that names it.
class DriverError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// It has not answered in time.
class LateError : public DriverError {
 public:
  using DriverError::DriverError;
};
// Whoever asked it wants no answer any more.
class StoppedError : public DriverError {
 public:
  using DriverError::DriverError;
};
// It cannot be started at all.
class NoDriverError : public DriverError {
 public:
  using DriverError::DriverError;
};

// Whether to wait no longer: of somebody who interrupts. An empty one never says so.
using Stop = std::function<bool()>;

class DriverProcess {
 public:
  // Throws NoDriverError.
  explicit DriverProcess(Command command);
  ~DriverProcess();
  DriverProcess(const DriverProcess&) = delete;
  DriverProcess& operator=(const DriverProcess&) = delete;

  pid_t pid() const { return pid_; }

  // Sends a line that answer() does not wait for, or as much of it as the driver takes meanwhile.
  void tell(std::string_view line);

  // The next line that it says, without its end; at most `most_bytes` of it. Throws DriverError: it ended before, which is said with
  // the end of its standard error; it says more. LateError: it has not answered
  // `within` that time (none: it may take for ever). StoppedError: `stop`, which is asked several times a second, says so.
  std::string answer(std::size_t most_bytes, std::optional<std::chrono::milliseconds> within = std::nullopt,
                     const Stop& stop = {});

  // Ends its standard input, and waits that long for its end: "exited with status 0". Nothing if it goes on. It is not reaped yet: what
  // it has left is this process's, if that adopts orphans.
  std::optional<std::string> leave(std::chrono::milliseconds within);

 private:
  // Waits for what happens next until `deadline`, and deals with it. False: the deadline has passed.
  bool attend(std::optional<std::chrono::steady_clock::time_point> deadline);
  void send_some();
  void receive_some();
  void read_words();
  std::string reap();
  std::string last_words() const;

  Command command_;
  pid_t pid_ = -1;          // -1: reaped
  bool ended_ = false;      // it may still have to be reaped
  os::Descriptor process_;  // a pidfd
  os::Descriptor stream_;
  os::Descriptor errors_;  // its standard error
  bool deaf_ = false;      // it reads no more
  bool silent_ = false;    // it has closed its output
  std::string unsent_;
  std::string received_;
  std::string words_;  // the end of its standard error
};

}  // namespace harness::drivers
