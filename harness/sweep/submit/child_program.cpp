#include "harness/sweep/submit/child_program.h"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/process/io.hpp>
#include <boost/process/pipe.hpp>
#include <iterator>
#include <system_error>

#include "harness/engine/drivers/programs.h"
#include "os/boost_process.h"

namespace harness {
namespace {

namespace process = os::boost_process;

constexpr int kNotFound = 127;
constexpr int kBySignal = 128;

int end_of(process::child& child) {
  std::error_code error;
  child.wait(error);
  const int status = child.native_exit_code();
  return WIFSIGNALED(status) ? kBySignal + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

ProgramEnd run_program(const std::vector<std::string>& argv) {
  const auto program = drivers::find_program(argv.front());
  if (!program) return {kNotFound, ""};
  process::ipstream output;
  std::error_code error;
  process::child child(process::exe = program->string(), process::args = std::vector<std::string>(argv.begin() + 1, argv.end()),
                       process::std_in<process::null, (process::std_out & process::std_err)> output, error);
  if (error) return {kNotFound, error.message()};
  std::string text{std::istreambuf_iterator<char>(output), {}};
  return {end_of(child), std::move(text)};
}

int run_in_foreground(const std::vector<std::string>& argv) {
  const auto program = drivers::find_program(argv.front());
  if (!program) return kNotFound;
  std::error_code error;
  process::child child(process::exe = program->string(), process::args = std::vector<std::string>(argv.begin() + 1, argv.end()),
                       error);
  return error ? kNotFound : end_of(child);
}

}  // namespace harness
