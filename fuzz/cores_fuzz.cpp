// /proc/self/cgroup and the quotas of cgroups v1 and v2 (pools/cores.h). An input is three files, '\0' between them: cgroup, the quota
// (cpu.max, and cpu.cfs_quota_us), the period (cpu.cfs_period_us); the group that they belong to is "group".

#include <fstream>

#include "fuzz/fuzz.h"
#include "pools/cores.h"

namespace {

// One directory per process, removed at its end.
class Tree {
 public:
  Tree() {
    char name[] = "/tmp/poolbench-fuzz-XXXXXX";
    FUZZ_REQUIRE(::mkdtemp(name) != nullptr);
    root_ = name;
    std::filesystem::create_directory(root_ / "self");
    std::filesystem::create_directories(root_ / "cgroup/group");
    std::filesystem::create_directories(root_ / "cgroup/cpu/group");
  }
  ~Tree() { std::filesystem::remove_all(root_); }
  void write(const char* file, std::string_view content) const { std::ofstream(root_ / file, std::ios::binary) << content; }
  const std::filesystem::path& root() const { return root_; }

 private:
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
