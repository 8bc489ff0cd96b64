// poolbench report DIR...: one HTML file of one or more result directories. Python's part (scripts/poolbench/report) makes the page.

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/errors.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/engine/drivers/programs.h"
#include "harness/report/findings.h"
#include "harness/sweep/submit/child_program.h"
#include "os/descriptor.h"

namespace harness {
namespace {

struct ReportFlags {
  std::vector<std::string> directories;
  std::string output;
};

// The text as a file that has no name, which a child inherits.
os::Descriptor unnamed_file(std::string_view text) {
  os::Descriptor file(::memfd_create("poolbench-findings", 0));
  while (file && !text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written <= 0) break;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (!file || !text.empty()) throw EnvironmentError("no memory for what the report is made of");
  return file;
}

int make_report(const ReportFlags& flags) {
  const std::string findings = findings_json(flags.directories);
  std::filesystem::path output = flags.output;
  if (output.empty())
    output = flags.directories.size() == 1 ? std::filesystem::path(flags.directories.front()) / "report.html" : "report.html";
  const std::string python = drivers::require_own_file("python", "the report's Python").string();
  const os::Descriptor file = unnamed_file(findings);
  const int code = run_in_foreground({python, "--needs", "jinja2", "-m", "poolbench.report", "--findings",
                                      fmt::format("/dev/fd/{}", file.get()), "--output", output.string()});
  // What went wrong was said. Without an interpreter or a package the finder ends with 1.
  return code == kExitCheckFailed ? kExitUsage : code;
}

}  // namespace

void add_report_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("report", "One HTML file with everything that result directories hold");
  const auto flags = std::make_shared<ReportFlags>();
  command
      ->add_option("DIR", flags->directories,
                   "The output directory of a run; two are put side by side, of more each cell is shown over time")
      ->check(not_empty())
      ->required();
  command->add_option("-o,--output", flags->output, "The file to write (default: DIR/report.html, of several report.html)")
      ->check(not_empty());
  command->callback([flags, &context] { context.action = [flags] { return make_report(*flags); }; });
}

}  // namespace harness
