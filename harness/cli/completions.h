#pragma once

// What a shell offers when one presses Tab, from the tree of commands and flags itself; and the few lines that make bash, zsh and fish ask.
//
// Thread safety: pure functions, but that directories are read.

#include <string>
#include <string_view>
#include <vector>

#include "harness/cli/lists.h"

namespace CLI {
class App;
}

namespace harness {

struct Completion {
  bool files = false;        // the shell offers files as well
  bool directories = false;  // or directories only
  std::vector<ListEntry> candidates;
};

// What may stand in place of the last of `words`, which may be empty; the words before it are what was typed behind "poolbench". bash takes
// words apart at "=": {"--on", "=", "sl"} is completed as "--on=sl" is, but for the candidates, which are values only.
Completion complete(const CLI::App& app, const std::vector<std::string>& words);

// "files", "directories" or "words", then a candidate per line, a tab before its summary: what the scripts read.
std::string to_lines(const Completion& completion);

// The script for "bash", "zsh" or "fish". Throws ConfigError: another shell.
std::string completion_script(std::string_view shell);

}  // namespace harness
