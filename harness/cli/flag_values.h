#pragma once

// What the flags and arguments of the command line take: the word for it in --help and in the manual, and what a shell may complete it with.
// A flag means the same wherever it is, but for the few that say otherwise.
//
// Thread safety: pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "harness/cli/lists.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace harness {

bool takes_a_value(const CLI::Option& option);

// "--runs", or of an argument "SUITE".
std::string name_of(const CLI::Option& option);

std::vector<const CLI::App*> commands_of(const CLI::App& app);

// "" for a flag without a value. Else one word in capitals, such as DURATION, or the words that there are: "slurm|parallel".
std::string_view value_word(const CLI::App& command, const CLI::Option& option);

// Names the values of all flags of all commands by their words, for --help. Throws std::logic_error: a flag that has none.
void name_values(CLI::App& app);

// How a shell completes a value.
enum class ValueKind {
  free,         // not at all: a number, a duration
  words,        // by words_of
  files,        //
  directories,  //
  results,      // directories with a results.csv
  command       // a program
};
ValueKind value_kind(std::string_view word);
// Of ValueKind::words, else none.
std::vector<ListEntry> words_of(std::string_view word);

}  // namespace harness
