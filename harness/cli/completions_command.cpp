// poolbench completions bash|zsh|fish: the script to source; `completions --for WORDS...`: what that script asks.

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/cli/cli.h"
#include "harness/cli/completions.h"

namespace harness {

std::optional<int> answer_a_shell(const CLI::App& app, const std::vector<std::string>& arguments) {
  if (arguments.size() < 3 || arguments[1] != "completions" || arguments[2] != "--for") return std::nullopt;
  write_stdout(to_lines(complete(app, {arguments.begin() + 3, arguments.end()})));
  return kExitOk;
}

void add_completions_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command =
      app.add_subcommand("completions", "What makes bash, zsh or fish complete commands, flags and their values");
  const auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "The shell to print the script for")->required();
  command->callback([shell, &context] {
    context.action = [shell] {
      write_stdout(completion_script(*shell));
      return kExitOk;
    };
  });
}

}  // namespace harness
