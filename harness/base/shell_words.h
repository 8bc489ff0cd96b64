#pragma once

// A command as one text, as a shell takes it apart: for those who write a command into one value.
//
// Thread safety: pure functions.

#include <string>
#include <string_view>
#include <vector>

namespace harness {

// The words of "sh -c 'echo \"$1\"' _ {}": parted by blanks; what is in single quotes as it is; in double quotes \" and \\ stand for one
// character; elsewhere a backslash takes what follows as it is. Nothing is expanded: no variable, no pattern, no pipe.
// Throws ConfigError: a quote that does not end, a backslash at the end, no word at all.
std::vector<std::string> shell_words(std::string_view text);

// One word as a POSIX shell reads it back: as it is, or in single quotes.
std::string shell_quoted(const std::string& word);

}  // namespace harness
