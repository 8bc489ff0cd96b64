#pragma once

// What the contract suite's tasks do, and the gates that they wait at. A task is a named function of serialisable
// arguments, so that it can run in another process; a gate is therefore made of two named pipes. No test sleeps: it opens a gate.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace pools::test {

// A directory that is gone at the end of the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_((std::filesystem::temp_directory_path() / "pools-test-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::system_error(errno, std::generic_category(), path_);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Tasks that pass a gate say that they have arrived, and go on once it is open.
class Gate {
 public:
  Gate() {
    for (const char* name : {"arrived", "door"}) {
      if (::mkfifo(directory_.file(name).c_str(), 0600) != 0) throw std::system_error(errno, std::generic_category(), name);
    }
    arrived_ = hold("arrived");
  }
  ~Gate() {
    open();  // a test that failed half-way must not leave its tasks standing
    ::close(arrived_);
    ::close(door_);
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Returns when `count` further tasks have arrived.
  void await(int count = 1) {
    for (char mark = 0; count > 0; --count) {
      if (::read(arrived_, &mark, 1) != 1) throw std::system_error(errno, std::generic_category(), "gate");
    }
  }
  // Once open, a gate stays open.
  void open() {
    if (door_ < 0) door_ = hold("door");
  }
  const std::string& name() const { return directory_.path(); }

 private:
  // Open for reading and writing: never blocks, and whoever opens the other end does not block either.
  int hold(const char* name) const {
    const int descriptor = ::open(directory_.file(name).c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), name);
    return descriptor;
  }

  TemporaryDirectory directory_;
  int arrived_ = -1;
  int door_ = -1;
};

// --- tasks ---

inline void pass(const std::string& gate) {
  const int arrived = ::open((gate + "/arrived").c_str(), O_WRONLY | O_CLOEXEC);
  if (arrived < 0 || ::write(arrived, "x", 1) != 1) throw std::runtime_error("no gate " + gate);
  ::close(arrived);
  int door = -1;
  while ((door = ::open((gate + "/door").c_str(), O_RDONLY | O_CLOEXEC)) < 0 && errno == EINTR) {
  }
  ::close(door);
}

inline int identity(int value) { return value; }
inline int square(int value) { return value * value; }
inline int add(int a, int b) { return a + b; }
inline int add_three(int a, int b, int c) { return a + b + c; }
inline int add_four(int a, int b, int c, int d) { return a + b + c + d; }
inline std::string repeat(const std::string& text, int times) {
  std::string result;
  for (; times > 0; --times) result += text;
  return result;
}
inline void nothing() {}
inline int fail(const std::string& message) { throw std::runtime_error(message); }
inline int square_unless_negative(int value) {
  if (value < 0) throw std::runtime_error("negative: " + std::to_string(value));
  return value * value;
}
inline int pass_and_return(const std::string& gate, int value) {
  pass(gate);
  return value;
}
inline int pass_and_fail(const std::string& gate, const std::string& message) {
  pass(gate);
  throw std::runtime_error(message);
}
// Passes the gate if the value is negative.
inline int pass_if_negative(const std::string& gate, int value) {
  if (value < 0) pass(gate);
  return value;
}
// Appends a line to the file: one write, so that lines of several processes do not mix.
inline int log_value(const std::string& file, int value) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const std::string line = std::to_string(value) + "\n";
  const bool written = ::write(descriptor, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  ::close(descriptor);
  if (!written) throw std::runtime_error("cannot write " + file);
  return value;
}
inline std::vector<int> logged(const std::string& file) {
  std::ifstream stream(file);
  std::vector<int> values;
  for (int value = 0; stream >> value;) values.push_back(value);
  return values;
}

}  // namespace pools::test
