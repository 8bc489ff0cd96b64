// What must not outlive the program: the scratch directory, the servers, a session's processes.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "harness/base/errors.h"
#include "harness/engine/frame.h"
#include "harness/engine/internal_entry.h"
#include "harness/engine/scratch.h"
#include "harness/engine/loopback_servers.h"
#include "harness/engine/session.h"
#include "harness/tests/engine/entries.h"

namespace harness {
namespace {

using testing_engine::kOwnerEntry;

std::filesystem::path fresh_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "poolbench-test-XXXXXX").string();
  return ::mkdtemp(path.data());
}

// A copy of this program that owns something and has told what; killed without warning on request.
class Owner {
 public:
  explicit Owner(std::vector<std::string> arguments)
      : stream_(os::make_stream_pair()), child_(spawn_internal(kOwnerEntry, std::move(arguments), stream_.theirs.get())) {
    stream_.theirs.reset();
    owned_ = receive_frame(stream_.ours.get()).value();
  }
  const std::string& owned() const { return owned_; }
  void kill() {
    ::kill(child_.pid(), SIGKILL);
    child_.wait();
  }

 private:
  os::DescriptorPair stream_;
  pools::Child child_;
  std::string owned_;
};

// Waits until every child of this process, orphans it adopted included, has ended.
void await_all_children() {
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

std::vector<pid_t> children() {
  std::vector<pid_t> pids;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(thread.path() / "children");
    for (pid_t pid = 0; file >> pid;) pids.push_back(pid);
  }
  return pids;
}

bool connects(std::uint16_t port) {
  const os::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

TEST(ScratchDirectory, IsFreshAndGoneWithItsOwner) {
  const std::filesystem::path parent = fresh_directory();
  std::filesystem::path directory;
  {
    Scratch scratch(parent);
    directory = scratch.directory();
    EXPECT_EQ(directory.parent_path(), parent);
    EXPECT_TRUE(std::filesystem::is_empty(directory));
    std::filesystem::create_directories(directory / "deep");
    std::ofstream(directory / "deep" / "file") << "contents";
    scratch.clear();
    EXPECT_TRUE(std::filesystem::is_empty(directory));
    std::filesystem::create_directories(directory / "deep");
  }
  EXPECT_FALSE(std::filesystem::exists(directory));
  EXPECT_TRUE(std::filesystem::remove(parent));
}

TEST(ScratchDirectory, IsRemovedWhenItsOwnerIsKilled) {
  adopt_orphans();  // the guard becomes this process's child when its owner dies
  const std::filesystem::path parent = fresh_directory();
  Owner owner({"scratch", parent.string()});
  const std::filesystem::path directory = owner.owned();
  ASSERT_TRUE(std::filesystem::exists(directory / "deep" / "deeper" / "file"));
  owner.kill();
  await_all_children();
  EXPECT_FALSE(std::filesystem::exists(directory));
  EXPECT_TRUE(std::filesystem::remove(parent));
}

TEST(ScratchDirectory, IsRemovedByItsOwnerWhenTheGuardWasKilled) {
  const std::filesystem::path parent = fresh_directory();
  {
    const Scratch scratch(parent);
    const std::vector<pid_t> guards = children();
    ASSERT_EQ(guards.size(), 1u);
    ::kill(guards.front(), SIGKILL);
  }
  EXPECT_TRUE(std::filesystem::remove(parent));
}

TEST(ScratchDirectory, ThatCannotBeMadeIsAnErrorThatNamesTheParent) {
  try {
    const Scratch scratch("/nowhere/at/all");
    FAIL() << "made in a directory that does not exist";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("/nowhere/at/all"));
  }
}

TEST(NetworkServers, RunWhenRequiredAndStayOnTheirPorts) {
  LoopbackServers servers;
  EXPECT_EQ(servers.require({}), (std::vector<std::uint16_t>{0, 0}));
  EXPECT_TRUE(children().empty());
  const std::vector<std::uint16_t> ports = servers.require({.echo_server = true});
  EXPECT_TRUE(connects(ports.at(workloads::kEchoPort)));
  EXPECT_EQ(servers.require({.http_server = true}), ports);
  EXPECT_TRUE(connects(ports.at(workloads::kHttpPort)));
  EXPECT_EQ(servers.require({}), ports) << "what runs is told to those who do not need it as well";
}

TEST(NetworkServers, AreGoneWithTheirOwner) {
  std::uint16_t echo = 0;
  {
    LoopbackServers servers;
    echo = servers.require({.echo_server = true}).at(workloads::kEchoPort);
  }
  EXPECT_FALSE(connects(echo));
  EXPECT_TRUE(children().empty());
}

TEST(NetworkServers, AreStartedAgainWhenOneHasDied) {
  LoopbackServers servers;
  servers.require({.echo_server = true});
  ASSERT_EQ(children().size(), 1u);
  ::kill(children().front(), SIGKILL);
  siginfo_t info{};
  ::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);  // dead, and left for the servers to reap
  EXPECT_TRUE(connects(servers.require({.echo_server = true}).at(workloads::kEchoPort)));
}

TEST(NetworkServers, EndWhenTheirOwnerIsKilled) {
  adopt_orphans();
  Owner owner({"servers"});
  std::istringstream ports(owner.owned());
  std::uint16_t echo = 0;
  std::uint16_t http = 0;
  ports >> echo >> http;
  EXPECT_TRUE(connects(echo));
  EXPECT_TRUE(connects(http));
  owner.kill();
  await_all_children();
  EXPECT_FALSE(connects(echo));
  EXPECT_FALSE(connects(http));
}

TEST(Frames, ArriveWholeFromAnyPieces) {
  const std::string frame = framed("a body") + "and more";
  FrameAssembler assembler;
  for (std::size_t i = 0; i < framed("a body").size(); ++i) {
    EXPECT_FALSE(assembler.complete()) << i;
    assembler.append(frame.substr(i, 1));
  }
  ASSERT_TRUE(assembler.complete());
  EXPECT_EQ(assembler.body(), "a body");
}

TEST(Frames, CutShortAreTheEndOfTheStream) {
  os::DescriptorPair pair = os::make_stream_pair();
  send_frame(pair.ours.get(), "");
  EXPECT_EQ(receive_frame(pair.theirs.get()), "");
  const std::string half = framed("a body").substr(0, 10);
  ASSERT_EQ(::write(pair.ours.get(), half.data(), half.size()), 10);
  pair.ours.reset();
  EXPECT_EQ(receive_frame(pair.theirs.get()), std::nullopt);
}

}  // namespace
}  // namespace harness
