#include "harness/engine/scratch.h"

#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include "harness/base/errors.h"
#include "harness/engine/frame.h"
#include "harness/engine/internal_entry.h"
#include "harness/engine/session.h"

namespace harness {
namespace {

// The guard's first message: 'd' and the directory, or 'e' and what is wrong.
constexpr char kDirectory = 'd';

// Processes that die together with the program may still be writing when the removal starts, so it is repeated until
// the directory is gone; each try but the first waits a moment. Gives up after about five seconds.
void remove_tree(const std::filesystem::path& directory) noexcept {
  for (int attempt = 0; attempt < 100; ++attempt) {
    if (attempt > 0) ::poll(nullptr, 0, 50);
    std::error_code error;
    std::filesystem::remove_all(directory, error);
    if (!std::filesystem::exists(directory, error) && !error) return;
  }
}

}  // namespace

Scratch::Scratch(const std::filesystem::path& parent)
    : stream_(os::make_stream_pair()), guard_(spawn_internal(kScratchGuardEntry, {parent.string()}, stream_.theirs.get())) {
  stream_.theirs.reset();
  const auto answer = receive_frame(stream_.ours.get());
  if (!answer || answer->empty() || answer->front() == kErrorFrame) {
    end_guard();
    throw EnvironmentError(answer && !answer->empty() ? answer->substr(1) : "the guard of the scratch directory did not start");
  }
  directory_ = answer->substr(1);
}

Scratch::~Scratch() {
  end_guard();
  remove_tree(directory_);  // finds something only if the guard was killed
}

void Scratch::end_guard() noexcept {
  stream_.ours.reset();
  try {
    guard_.wait();
  } catch (const std::exception&) {
    // A host that reaps every child leaves nothing to wait for.
  }
}

void Scratch::clear() noexcept {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory_, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    std::filesystem::remove_all(entry->path(), ignored);
  }
}

std::filesystem::path temporary_directory() {
  std::error_code error;
  std::filesystem::path directory = std::filesystem::temp_directory_path(error);
  if (!error) return directory;
  std::string named = "/tmp";
  for (const char* const variable : {"TEMPDIR", "TEMP", "TMP", "TMPDIR"}) {  // the last that is set is what was looked at
    if (const char* const value = std::getenv(variable)) named = value;
  }
  throw EnvironmentError("the temporary directory '" + named + "' cannot be used: " + error.message() +
                         "; set TMPDIR to a directory that can be written to");
}

void run_scratch_guard(std::span<char* const> arguments, int stream) {
  // The guard has to survive the program: it gives up the signal on the parent's death and ignores those that end the
  // program. Only then does it make the directory, so that no death at any point leaves one behind.
  ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  lead_session();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_IGN);

  const std::filesystem::path parent = arguments.empty() ? "." : arguments[0];
  std::string directory = (parent / "poolbench-XXXXXX").string();
  std::string answer;
  if (::mkdtemp(directory.data()) != nullptr) {
    answer = kDirectory + directory;
  } else {
    answer = kErrorFrame + ("cannot make a scratch directory in '" + parent.string() + "': " + std::strerror(errno) +
                            "; set TMPDIR to a directory that can be written to");
    directory.clear();
  }
  try {
    send_frame(stream, answer);
    while (receive_frame(stream)) {
    }
  } catch (const std::exception&) {
    // A stream that fails is a parent that is gone, like one that ends.
  }
  if (!directory.empty()) remove_tree(directory);
  std::exit(0);
}

}  // namespace harness
