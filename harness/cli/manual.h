#pragma once

// The manual, made of the tree of commands and flags: poolbench(1), a page per command, poolbench-suite(5).
//
// Thread safety: pure functions.

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace harness {

// "poolbench", then the commands, then "suite".
std::vector<std::string> manual_pages(const CLI::App& app);

// The file name of a page: "poolbench-run.1", "poolbench-suite.5".
std::string manual_file(std::string_view page);

// In the language of man(7). Throws ConfigError: no such page.
std::string manual_page(const CLI::App& app, std::string_view page);

}  // namespace harness
