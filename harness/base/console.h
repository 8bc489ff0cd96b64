#pragma once

// Standard output, where results go, and standard error, where everything else is said.
//
// Thread safety: any thread.

#include <cstddef>
#include <string>
#include <string_view>

#include "harness/base/look.h"

namespace harness {

// How much is said on standard error.
enum class Verbosity {
  quiet,   // errors only
  normal,  // and what goes on
  verbose  // and what is done and decided, piece by piece
};

// For all of this process that says something below; normal until then.
void choose_verbosity(Verbosity verbosity) noexcept;
Verbosity verbosity() noexcept;

// To standard error, as it is: errors, and what one has to know to go on. What cannot be said there (nobody reads it, its disk is full)
// stays unsaid: that neither ends nor disturbs what is being measured.
void say(std::string_view text) noexcept;

// Likewise what goes on, unless it is to be quiet.
void tell(std::string_view text) noexcept;

// Likewise what is done and decided, if that is asked for.
void detail(std::string_view text) noexcept;

// To standard error, of a line that is redrawn in place, which ends without a line end: what is said next clears it first.
void say_live(std::string_view bytes) noexcept;

// Begins a line of a terminal anew.
inline constexpr std::string_view kClearLine = "\r\x1b[K";

// Everything to standard output. Throws EnvironmentError when it cannot be written whole.
void write_stdout(std::string_view text);

// Of the terminal that standard output is; 100 if it is none.
std::size_t stdout_columns();

// How wide text for people may be there: as the terminal, but at least 60 and at most 120 columns.
std::size_t text_columns();

// The same of what programs read line by line, too: without a terminal no line is broken.
std::size_t line_columns();

// When text for people has colours: on a terminal that is not dumb, unless NO_COLOR is set and not empty; or whatever it goes to.
enum class Colours { on_terminals, always, never };

// Whether $TERM names one that obeys escape sequences: neither "dumb" nor nothing.
bool is_capable_terminal();

// For all of this process that asks below; on_terminals until then.
void choose_colours(Colours when) noexcept;

bool stdout_has_colours();
bool stderr_has_colours();

// Of text for people on standard output.
Look text_look();

bool is_utf8(std::string_view text);

// The text as a part of one line: control characters and bytes that are not UTF-8 are escaped (\n, \t, \x1b), words longer than
// `longest_word` bytes keep their two ends.
std::string printable(std::string_view text, std::size_t longest_word = 400);

}  // namespace harness
