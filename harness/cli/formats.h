#pragma once

// The flags for what a command prints: --color of text, and in place of text --json, --markdown, --csv; and for what it says meanwhile: -q,
// -v. The same for every command that has them.
//
// Thread safety: used while commands are declared, on the main thread.

#include <string>
#include <string_view>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace harness {

struct CommandContext;
enum class Colours;

struct FormatFlags {
  bool json = false;
  bool markdown = false;
  bool csv = false;

  bool text() const { return !json && !markdown && !csv; }
};

// Declares them on the command: at most one at a time. Returns those two that some commands refuse with others of their flags.
struct FormatOptions {
  CLI::Option* markdown = nullptr;
  CLI::Option* csv = nullptr;
};
FormatOptions add_format_flags(CLI::App& command, FormatFlags& flags);

// --color WHEN, the same for every command that prints for people; what it prints in place of text has no colours. REQUIRES: `context`
// outlives `command`.
void add_colour_flag(CLI::App& command, CommandContext& context);

// -q and -v, which exclude each other. REQUIRES: as above.
void add_verbosity_flags(CLI::App& command, CommandContext& context);

// Of the value of --color. Throws ConfigError.
Colours colours_of(const std::string& when);

// The JSON document as it is, or its array of that name as a table. REQUIRES: not text(); the document is JSON and has the array.
std::string in_format(const FormatFlags& flags, const std::string& json, std::string_view array);

}  // namespace harness
