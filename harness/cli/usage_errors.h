#pragma once

// What was wrong with a command line, in one line that names it and what is allowed there.
//
// Thread safety: a pure function.

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace harness {

// Of what app.parse() threw.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace harness
