#include "harness/recommend/looks.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "harness/base/errors.h"
#include "harness/base/hash.h"
#include "harness/base/read_file.h"

namespace harness::recommend {

Looks::Looks(const std::filesystem::path& directory, std::string circumstances) : circumstances_(std::move(circumstances)) {
  if (directory.empty()) return;
  const std::optional<std::string> text = read_file_if_there(path(directory), "first looks at a function", kMostTableBytes);
  if (!text) return;
  try {
    const auto looks = nlohmann::ordered_json::parse(*text);
    for (const auto& [key, answer] : looks.items()) known_[key] = answer.dump();
  } catch (const nlohmann::json::exception& error) {
    throw ConfigError("'" + path(directory).string() + "' has no first looks at a function (" + error.what() +
                      "); --fresh measures anew");
  }
}

Seen Looks::look(const PythonWork& work, const drivers::Command& driver, int cores, std::chrono::nanoseconds budget,
                 std::chrono::nanoseconds deadline) {
  const std::string key = fnv1a_hex(circumstances_ + '\n' + code_of(work));
  const auto known = known_.find(key);
  std::string answer = known != known_.end() ? known->second : examined(work, driver, budget, deadline);
  Seen seen = seen_from(answer, cores);  // before it is kept: a failure is none to be kept
  used_[key] = std::move(answer);
  return seen;
}

std::string Looks::text() const {
  auto looks = nlohmann::ordered_json::object();
  for (const auto& [key, answer] : used_) looks[key] = nlohmann::ordered_json::parse(answer);
  return looks.dump() + '\n';
}

}  // namespace harness::recommend
