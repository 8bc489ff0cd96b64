#pragma once

// What --help prints: as wide as the terminal, each value by its word, then examples.

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>

namespace harness {

class HelpFormatter : public CLI::Formatter {
 public:
  // Of lines, in columns. REQUIRES: width >= 60.
  explicit HelpFormatter(std::size_t width);

  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_description(const CLI::App* app) const override;
  std::string make_footer(const CLI::App* app) const override;

 private:
  // A line for `left`, and `right` beside it in a column of its own.
  std::string row(const std::string& left, const std::string& right) const;

  std::size_t width_;
};

// "-r, --runs N"; of an argument "SUITE".
std::string usage_of(const CLI::Option& option, bool is_positional);

// "[default: 5]" and its like, or "".
std::string notes_of(const CLI::Option& option);

}  // namespace harness
