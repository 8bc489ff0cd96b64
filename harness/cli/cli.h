#pragma once

// The command line. A subcommand is one file that declares its flags and, when it was chosen, leaves in the context what
// to do; run_cli does it, and is the only place that turns errors into messages and exit codes.

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace harness {

struct CommandContext {
  std::vector<std::string> arguments;  // argv as given
  std::string colours = "auto";        // --color, of commands that have it: add_colour_flag()
  bool quiet = false;                  // -q, -v, likewise: add_verbosity_flags()
  bool verbose = false;
  std::function<int()> action;  // set by the chosen subcommand's CLI11 callback; returns the exit code
};

void add_run_command(CLI::App& app, CommandContext& context);
void add_case_command(CLI::App& app, CommandContext& context);
void add_predict_command(CLI::App& app, CommandContext& context);
void add_validate_command(CLI::App& app, CommandContext& context);
void add_recommend_command(CLI::App& app, CommandContext& context);
void add_show_command(CLI::App& app, CommandContext& context);
void add_compare_command(CLI::App& app, CommandContext& context);
void add_report_command(CLI::App& app, CommandContext& context);
void add_trace_command(CLI::App& app, CommandContext& context);
void add_merge_command(CLI::App& app, CommandContext& context);
void add_submit_command(CLI::App& app, CommandContext& context);
void add_doctor_command(CLI::App& app, CommandContext& context);
void add_check_driver_command(CLI::App& app, CommandContext& context);
void add_list_command(CLI::App& app, CommandContext& context);
void add_completions_command(CLI::App& app, CommandContext& context);
void add_manual_command(CLI::App& app, CommandContext& context);

// All of them, and how help is printed; --version.
void add_commands(CLI::App& app, CommandContext& context);

// The exit code, if a shell's completion asks: `poolbench completions --for WORDS...`, whose words are no command line yet.
std::optional<int> answer_a_shell(const CLI::App& app, const std::vector<std::string>& arguments);

// Parses, acts, and returns the exit code: see errors.h. An error is one line on stderr, "poolbench: ...".
int run_cli(int argc, char** argv);

}  // namespace harness
