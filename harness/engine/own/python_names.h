#pragma once

// Functions of the user's in Python, by name: "crawler:fetch", "work/crawler.py:fetch".
//
// Thread safety: pure functions, but that python_name() looks whether a named file is there.

#include <map>
#include <string>
#include <vector>

namespace harness::own {

// "crawler:fetch" of either; the directory of a file is put in front of `paths`, where modules are looked for. `what` names the text in
// messages: "--python". Throws ConfigError: no such form, no such file. Whether there is such a module is not asked.
std::string python_name(const std::string& what, const std::string& text, std::vector<std::string>& paths);

// `code` of the drivers' protocol (docs/drivers.md). `inputs` is a JSON array; `callback` may be empty.
std::string python_code(const std::string& function, const std::string& callback, const std::vector<std::string>& paths,
                        const std::string& inputs, const std::map<std::string, std::string, std::less<>>& environment = {});

}  // namespace harness::own
