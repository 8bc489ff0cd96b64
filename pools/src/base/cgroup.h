#pragma once

// The control groups that this process is in.

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace pools::detail {

// Directly after a file was opened or read: it could not be, since there is no descriptor or memory for it now. It may well be there.
inline bool cannot_be_read_now(const std::ifstream& file) noexcept {
  return (!file.is_open() || file.bad()) && (errno == EMFILE || errno == ENFILE || errno == ENOMEM);
}

// Calls use(directory, v2) for each group that may have files of the controller, of both versions, from the innermost up to the root. A
// directory need not be there: a container sees its own group as the root. Of groups nested deeper than anybody nests them, the innermost
// count. False: which these are cannot be read now. A directory never ends in '/': libstdc++'s path, appended to after one, destroys what it
// does not have when there is no memory (GCC 12, path::operator/=), and here is where memory is short.
template <class Use>
bool for_each_cgroup(const std::filesystem::path& proc_self, const std::filesystem::path& cgroup_root,
                     std::string_view controller, Use use) {
  constexpr int kMostLevels = 64;
  const auto walk = [&use](const std::filesystem::path& root, std::string group, bool v2) {
    while (!group.empty() && group.back() == '/') group.pop_back();
    for (int level = 0; level < kMostLevels; ++level) {
      use(std::filesystem::path(root.native() + group), v2);
      if (group.empty()) break;
      const auto parent = group.rfind('/');
      group.resize(parent == std::string::npos ? 0 : parent);
    }
  };
  std::ifstream groups(proc_self / "cgroup");  // "4:cpu,cpuacct:/group" (v1), "0::/group" (v2)
  if (cannot_be_read_now(groups)) return false;
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      walk(cgroup_root, group, true);
      walk(cgroup_root / "unified", group, true);  // hybrid hierarchy
    } else if (("," + controllers + ",").find("," + std::string(controller) + ",") != std::string::npos) {
      walk(cgroup_root / controllers, group, false);
      walk(cgroup_root / controller, group, false);
    }
  }
  return !cannot_be_read_now(groups);
}

}  // namespace pools::detail
