#include "harness/cli/completions.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <system_error>

#include "harness/base/errors.h"
#include "harness/base/text.h"
#include "harness/cli/flag_values.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostDirectories = 1000;  // that are looked into

const CLI::App* find_command(const CLI::App& app, std::string_view name) {
  for (const CLI::App* const command : commands_of(app)) {
    if (command->get_name() == name) return command;
  }
  return nullptr;
}

const CLI::Option* find_flag(const CLI::App& command, std::string_view name) {
  for (const CLI::Option* const option : command.get_options()) {
    for (const std::string& known : option->get_lnames()) {
      if (name == "--" + known) return option;
    }
    for (const std::string& known : option->get_snames()) {
      if (name == "-" + known) return option;
    }
  }
  return nullptr;
}

// The argument at `place` from 0; behind the last one that one, if it takes several.
const CLI::Option* find_argument(const CLI::App& command, std::size_t place) {
  const CLI::Option* last = nullptr;
  for (const CLI::Option* const option : command.get_options()) {
    if (!option->get_positional()) continue;
    last = option;
    if (place == 0) return option;
    --place;
  }
  return last != nullptr && last->get_items_expected_max() > 1 ? last : nullptr;
}

// Directories that may lead to results and those that hold them, as far as `begun` says.
std::vector<ListEntry> result_directories(const std::string& begun) {
  const std::size_t slash = begun.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : begun.substr(0, slash + 1);
  std::vector<ListEntry> found;
  std::error_code failed;
  for (fs::directory_iterator entry(folder.empty() ? "." : folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    const std::string path = folder + name;
    std::error_code unknown;
    if (!path.starts_with(begun) || (name.starts_with('.') && path == begun) || !entry->is_directory(unknown)) continue;
    if (name.starts_with('.') && begun.size() == folder.size()) continue;
    found.push_back({fs::exists(entry->path() / "results.csv", unknown) ? path : path + '/', ""});
    if (found.size() == kMostDirectories) break;
  }
  std::sort(found.begin(), found.end(), [](const ListEntry& a, const ListEntry& b) { return a.name < b.name; });
  return found;
}

Completion complete_value(const CLI::App& command, const CLI::Option& option, const std::string& begun,
                          const std::string& before) {
  const std::string_view word = value_word(command, option);
  Completion completion;
  const ValueKind kind = value_kind(word);
  completion.files = kind == ValueKind::files || kind == ValueKind::command || word == "SUITE" || word == "BACKEND";
  completion.directories = kind == ValueKind::directories;
  for (const ListEntry& entry : kind == ValueKind::results ? result_directories(begun) : words_of(word)) {
    if (entry.name.starts_with(begun)) completion.candidates.push_back({before + entry.name, entry.summary});
  }
  return completion;
}

Completion complete_name(const CLI::App& app, const std::string& begun) {
  Completion completion;
  const auto offer = [&](const std::string& name, const std::string& summary) {
    if (name.starts_with(begun)) completion.candidates.push_back({name, summary});
  };
  if (!begun.starts_with('-')) {
    for (const CLI::App* const command : commands_of(app)) {
      offer(command->get_name(), command->get_description());
    }
  } else {
    for (const CLI::Option* const option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) offer("--" + name, option->get_description());
    }
  }
  return completion;
}

}  // namespace

Completion complete(const CLI::App& app, const std::vector<std::string>& words) {
  const std::string begun = words.empty() ? "" : words.back();
  if (words.size() < 2) return complete_name(app, begun);
  const CLI::App* const command = find_command(app, words.front());
  if (command == nullptr) return {};
  std::size_t place = 0;                 // of the next argument
  const CLI::Option* waiting = nullptr;  // a flag whose value comes next
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "=" && waiting != nullptr) continue;
    if (waiting != nullptr) {
      waiting = nullptr;
    } else if (word == "--") {
      return {.files = true, .directories = false, .candidates = {}};  // somebody else's words
    } else if (word.starts_with('-') && word.size() > 1) {
      const CLI::Option* const flag = find_flag(*command, word.substr(0, word.find('=')));
      if (flag != nullptr && takes_a_value(*flag) && word.find('=') == std::string::npos) waiting = flag;
    } else {
      ++place;
    }
  }
  if (waiting != nullptr) return complete_value(*command, *waiting, begun == "=" ? "" : begun, "");
  if (begun.starts_with('-')) {
    const std::size_t equals = begun.find('=');
    if (equals == std::string::npos) return complete_name(*command, begun);
    const CLI::Option* const flag = find_flag(*command, begun.substr(0, equals));
    return flag == nullptr ? Completion{}
                           : complete_value(*command, *flag, begun.substr(equals + 1), begun.substr(0, equals + 1));
  }
  const CLI::Option* const argument = find_argument(*command, place);
  if (argument == nullptr) return complete_name(*command, "--");
  return complete_value(*command, *argument, begun, "");
}

std::string to_lines(const Completion& completion) {
  std::string text = completion.files ? "files\n" : completion.directories ? "directories\n" : "words\n";
  for (const ListEntry& entry : completion.candidates) text += fmt::format("{}\t{}\n", entry.name, entry.summary);
  return text;
}

std::string completion_script(std::string_view shell) {
  if (shell == "bash") {
    return R"(# bash completion of poolbench: the program itself says what there is.
_poolbench() {
  local IFS=$'\n' lines
  lines=($("${COMP_WORDS[0]}" completions --for "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  case ${lines[0]} in
    files) compopt -o default ;;
    directories) compopt -o dirnames ;;
  esac
  COMPREPLY=("${lines[@]:1}")
  COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")
  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
}
complete -F _poolbench poolbench
)";
  }
  if (shell == "zsh") {
    return R"(#compdef poolbench
# zsh completion of poolbench: the program itself says what there is.
_poolbench() {
  local -a lines entries
  local line
  lines=("${(@f)$("${words[1]}" completions --for "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "${(@)lines[2,-1]}"; do
    entries+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  [[ ${#entries} -gt 0 ]] && _describe -V poolbench entries
  case ${lines[1]} in
    files) _files ;;
    directories) _files -/ ;;
  esac
}
if [[ ${funcstack[1]} == _poolbench ]]; then _poolbench "$@"; else compdef _poolbench poolbench; fi
)";
  }
  if (shell == "fish") {
    return R"(# fish completion of poolbench: the program itself says what there is.
function __poolbench_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines ($words[1] completions --for $words[2..-1] 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path (commandline -ct)
        case directories
            __fish_complete_directories (commandline -ct)
    end
    if test (count $lines) -gt 1
        printf '%s\n' $lines[2..-1]
    end
end
complete -c poolbench -f -a '(__poolbench_complete)'
)";
  }
  throw ConfigError(fmt::format("unknown shell '{}'; allowed: bash, zsh, fish", shell));
}

}  // namespace harness
