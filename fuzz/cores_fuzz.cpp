// /proc/self/cgroup and the quotas of cgroups v1 and v2 (pools/include/pools/cores.h). An input is three files, '\0' between them: cgroup, the quota
// (cpu.max, and cpu.cfs_quota_us), the period (cpu.cfs_period_us); the group that they belong to is "group".

#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>

#include "fuzz/fuzz.h"
#include "pools/cores.h"

namespace {

// One directory per process, that goes when the process ends, also by SIGKILL or libFuzzer's _Exit: another process makes it, says its
// name, and removes it at the end of the stream between them.
class Tree {
 public:
  Tree() {
    std::array<int, 2> ends{};
    FUZZ_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    guard_ = ::fork();
    FUZZ_REQUIRE(guard_ >= 0);
    if (guard_ == 0) {
      ::close(ends[0]);
      guard(ends[1]);
    }
    ::close(ends[1]);
    stream_ = ends[0];
    char end = 0;
    std::string name;
    while (::read(stream_, &end, 1) == 1 && end != '\0') name.push_back(end);
    FUZZ_REQUIRE(!name.empty());
    root_ = name;
    std::filesystem::create_directory(root_ / "self");
    std::filesystem::create_directories(root_ / "cgroup/group");
    std::filesystem::create_directories(root_ / "cgroup/cpu/group");
  }
  ~Tree() {
    ::close(stream_);
    ::waitpid(guard_, nullptr, 0);
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  void write(const char* file, std::string_view content) const { std::ofstream(root_ / file, std::ios::binary) << content; }
  const std::filesystem::path& root() const { return root_; }

 private:
  [[noreturn]] static void guard(int stream) {
    ::setsid();  // what is sent to the group of the fuzzer does not concern it
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
    std::string name = (std::filesystem::temp_directory_path() / "poolbench-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) ::_exit(1);
    char none = 0;
    if (::write(stream, name.c_str(), name.size() + 1) > 0) {
      while (::read(stream, &none, 1) > 0 || errno == EINTR) errno = 0;
    }
    std::error_code ignored;
    std::filesystem::remove_all(name, ignored);
    ::_exit(0);
  }

  pid_t guard_ = -1;
  int stream_ = -1;
  std::filesystem::path root_;
};

std::string_view take_file(std::string_view& text) {
  const std::size_t end = text.find('\0');
  const std::string_view file = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Tree tree;
  std::string_view text = fuzz::text_of(data, size);
  const std::string_view groups = take_file(text);
  const std::string_view quota = take_file(text);
  const std::string_view period = take_file(text);
  tree.write("self/cgroup", groups);
  tree.write("cgroup/group/cpu.max", quota);
  tree.write("cgroup/cpu/group/cpu.cfs_quota_us", quota);
  tree.write("cgroup/cpu/group/cpu.cfs_period_us", period);
  for (const int affinity : {1, 64}) {
    const pools::UsableCores usable = pools::detail::usable_cores(affinity, tree.root() / "self", tree.root() / "cgroup");
    FUZZ_REQUIRE(usable.count >= 1 && usable.count <= affinity && !usable.decided_by.empty());
  }
  return 0;
}
