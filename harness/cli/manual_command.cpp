// poolbench manual [PAGE]: a page for man(1); -o DIR: all of them, as files.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/cli/manual.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

void write_pages(const CLI::App& app, const fs::path& directory) {
  std::error_code failed;
  fs::create_directories(directory, failed);
  if (failed) throw ConfigError(fmt::format("cannot make the directory '{}': {}", directory.string(), failed.message()));
  for (const std::string& page : manual_pages(app)) {
    const fs::path path = directory / manual_file(page);
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << manual_page(app, page);
    if (!file.flush()) throw OutputError(fmt::format("cannot write '{}'", path.string()));
  }
}

}  // namespace

void add_manual_command(CLI::App& app, CommandContext& context) {
  struct Flags {
    std::string page = "poolbench";
    std::string output;
  };
  CLI::App* const command = app.add_subcommand("manual", "The manual: a page for man, or all of them as files");
  const auto flags = std::make_shared<Flags>();
  command->add_option("PAGE", flags->page, "A command, or suite: the format of suites")->capture_default_str();
  command->add_option("-o,--output", flags->output, "Write all pages there: poolbench-run.1 and so on")->check(not_empty());
  command->callback([flags, &app, &context] {
    context.action = [flags, &app] {
      if (flags->output.empty()) {
        write_stdout(manual_page(app, flags->page));
      } else {
        write_pages(app, flags->output);
      }
      return kExitOk;
    };
  });
}

}  // namespace harness
