#include "harness/sweep/run_directory.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/read_file.h"
#include "harness/base/shell_words.h"
#include "harness/sweep/sinks/context.h"
#include "harness/sweep/sinks/file.h"
#include "os/descriptor.h"

namespace harness {
namespace {

const std::filesystem::path& writable(const std::filesystem::path& path) {
  require_writable_directory(path);
  return path;
}

}  // namespace

std::filesystem::path put_old_directory_away(const std::filesystem::path& directory) {
  // "out/default/" and "out/default" are one directory; only the second has a name to add to.
  std::filesystem::path named = directory.lexically_normal();
  if (!named.has_filename()) named = named.parent_path();
  std::error_code error;
  if (!std::filesystem::exists(named, error)) return {};
  const std::filesystem::path results = named / "results.csv";
  const os::Descriptor rows(::open(results.c_str(), O_RDONLY | O_CLOEXEC));
  if (rows) lock_for_writing(rows.get(), results);  // also against who would begin to write while it is renamed
  std::filesystem::path aside = first_free(named, ".old-");
  std::filesystem::rename(named, aside, error);
  if (error) throw ConfigError(fmt::format("--fresh: cannot rename '{}': {}", named.string(), error.message()));
  return aside;
}

RunDirectory::RunDirectory(std::filesystem::path path)
    : path_(std::move(path)), results_(writable(path_) / "results.csv"), present_(read_results(path_ / "results.csv")) {}

void RunDirectory::freeze(const Suite& suite) const {
  const std::filesystem::path copy = path_ / "suite.toml";
  if (const std::optional<std::string> frozen = read_file_if_there(copy, "suite", kMostSuiteBytes)) {
    if (*frozen == suite.text) return;
    const std::filesystem::path aside = first_free(copy, ".old-");
    std::error_code error;
    std::filesystem::rename(copy, aside, error);
    if (error) throw OutputError(fmt::format("cannot rename '{}': {}", copy.string(), error.message()));
    tell(fmt::format("poolbench: the suite has changed since the last run here; its old copy is now {}\n", aside.string()));
  }
  write_new_file(copy, suite.text);
}

namespace {

// Calls visit(context) for the runs on this machine with this program, the earliest first.
template <class Visit>
void each_own_run(const std::filesystem::path& directory, const Environment& environment, Visit visit) {
  std::map<std::string, Context> contexts;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory / "context", error)) {
    try {
      Context context = read_context(entry.path());
      if (context.environment.machine_id == environment.machine_id && context.environment.build_id == environment.build_id) {
        const std::string run_id = context.run_id;
        contexts.insert_or_assign(run_id, std::move(context));
      }
    } catch (const ConfigError&) {
      // Of another version, or cut short: the run calibrates anew.
    }
  }
  for (const auto& [run_id, context] : contexts) visit(context);
}

}  // namespace

std::optional<workloads::Calibration> RunDirectory::earlier_calibration(const Environment& environment) const {
  std::optional<workloads::Calibration> latest;
  each_own_run(path_, environment, [&](const Context& context) { latest = context.calibration; });
  return latest;
}

drivers::Records RunDirectory::earlier_drivers(const Environment& environment) const {
  drivers::Records latest;
  each_own_run(path_, environment, [&](const Context& context) {
    for (const auto& [backend, record] : context.drivers) latest.insert_or_assign(backend, record);
  });
  return latest;
}

std::string resume_command(const std::vector<std::string>& arguments) {
  std::string command;
  for (const std::string& argument : arguments) {
    if (argument == "--fresh") continue;
    if (!command.empty()) command += ' ';
    command += shell_quoted(argument);
  }
  return command;
}

}  // namespace harness
