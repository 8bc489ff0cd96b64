#include "harness/recommend/own_snippet.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "harness/base/shell_words.h"

namespace harness::recommend {
namespace {

using model::Strategy;

std::string literal(const std::string& text) { return nlohmann::json(text).dump(); }  // JSON's strings are those of C++, too

// --- a command: lines for the shell ---------------------------------------------------------------------------------

// The word of a script that has the input in the parameter `name`: a-"$1"-b of a-{}-b.
std::string with_input(const std::string& word, const std::string& name) {
  if (word.find("{}") == std::string::npos) return shell_quoted(word);
  std::string text;
  for (std::size_t at = 0; at <= word.size();) {
    const std::size_t next = std::min(word.find("{}", at), word.size());
    if (next > at) text += shell_quoted(word.substr(at, next - at));
    if (next < word.size()) text += "\"$" + name + "\"";
    at = next + 2;
  }
  return text;
}

std::string script_of(const std::vector<std::string>& command, const std::string& name) {
  std::string text;
  for (const std::string& word : command) text += (text.empty() ? "" : " ") + with_input(word, name);
  return text;
}

// What xargs itself replaces.
std::string plain_words(const std::vector<std::string>& command) {
  std::string text;
  for (const std::string& word : command) text += " " + (word == "{}" ? word : shell_quoted(word));
  return text;
}

std::string lines_of_inputs(const OwnQuestion& own) {
  if (!own.range.empty()) {
    const std::size_t dots = own.range.find("..");
    return fmt::format("seq {} {}", own.range.substr(0, dots), own.range.substr(dots + 2));
  }
  return own.inputs_file == "-" ? "sed '/^$/d'" : "sed '/^$/d' " + shell_quoted(own.inputs_file);  // without empty lines
}

std::string shell_lines(const OwnQuestion& own, const Choice& choice) {
  const workloads::Subject& subject = own.subject;
  const std::string xargs = " | xargs -d '\\n' ";
  const std::string first = lines_of_inputs(own) + xargs + fmt::format("-P {} ", choice.workers);
  if (choice.strategy == Strategy::none) return first + "-I {}" + plain_words(subject.command) + "\n";
  const std::string task = script_of(subject.command, "1");
  if (choice.strategy == Strategy::worker || choice.strategy == Strategy::fused) {
    return first + "-n 1 sh -c " + shell_quoted(task + " | " + script_of(subject.callback_command, "1")) + " sh\n";
  }
  // What a task has printed waits in a file, of which the next xargs hears when it is complete.
  const std::string keep = "page=$(mktemp -p \"$0\") && " + task + " > \"$page\" && printf '%s\\n%s\\n' \"$page\" \"$1\"";
  const std::string use = script_of(subject.callback_command, "2") + " < \"$1\"; rm \"$1\"";
  return fmt::format("pages=$(mktemp -d)\n{}-n 1 sh -c {} \"$pages\" \\\n {}-P {} -n 2 sh -c {} sh\nrm -r \"$pages\"\n", first,
                     shell_quoted(keep), xargs, choice.strategy == Strategy::extra ? choice.parsers : 1, shell_quoted(use));
}

// --- a function: a program ------------------------------------------------------------------------------------------

class Program {
 public:
  Program(const OwnQuestion& own, const Choice& choice)
      : own_(own),
        choice_(choice),
        entry_(own.subject.entry.empty() ? "poolbench_task" : own.subject.entry),
        callback_(own.subject.callback_entry.empty() ? "poolbench_callback" : own.subject.callback_entry),
        parses_(choice.strategy != Strategy::none),
        processes_(is_process(choice.pool)),
        parsers_(choice.strategy == Strategy::extra) {}

  std::string text() const {
    std::string libraries = own_.library;
    if (const std::string& other = own_.subject.callback_library; parses_ && !other.empty() && other != own_.subject.library)
      libraries += " " + other;
    std::string out =
        "// c++ -std=c++20 -O2 run.cpp " + libraries +
        " -Wl,-rpath,. $(pkg-config --cflags --libs poolbench-pools)\n"
        "#include <pools/pools.h>\n\n#include <cstddef>\n#include <cstdlib>\n#include <fstream>\n#include <iostream>\n"
        "#include <stdexcept>\n#include <string>\n#include <utility>\n#include <vector>\n\n";
    out += declarations() + functions();
    out += "int main(int argc, char** argv) {\n  pools::init(argc, argv);  // first: a worker process is this program again\n";
    out += inputs() + run() + "}\n";
    return out;
  }

 private:
  std::string declarations() const {
    std::string out = fmt::format("extern \"C\" int {}(const char* input);\n", entry_);
    if (parses_) {
      out += fmt::format(
          "extern \"C\" [[gnu::weak]] int {}_with_result(const char* input, char** result, std::size_t* size);\n"
          "extern \"C\" int {}(const char* input, const char* result, std::size_t size);\n",
          entry_, callback_);
    }
    return out + "\n";
  }

  std::string functions() const {
    std::string out =
        "void require(int code, const std::string& input) {\n"
        "  if (code != 0) throw std::runtime_error(\"failed for the input '\" + input + \"'\");\n}\n\n";
    if (!parses_)
      return out + fmt::format("void task(const std::string& input) {{ require({}(input.c_str()), input); }}\n\n", entry_);
    out += fmt::format(
        "using Done = std::pair<std::string, std::string>;  // an input and its result\n\n"
        "Done task(const std::string& input) {{\n"
        "  char* result = nullptr;\n"
        "  std::size_t size = 0;\n"
        "  require({0}_with_result ? {0}_with_result(input.c_str(), &result, &size) : {0}(input.c_str()), input);\n"
        "  Done done(input, result ? std::string(result, size) : \"\");\n"
        "  std::free(result);\n"
        "  return done;\n"
        "}}\n\n"
        "void parse(const Done& done) {{\n"
        "  require({1}(done.first.c_str(), done.second.data(), done.second.size()), done.first);\n"
        "}}\n\n",
        entry_, callback_);
    if (in_the_task()) out += "void both(const std::string& input) { parse(task(input)); }\n\n";
    return out;
  }

  std::string inputs() const {
    std::string out = "  std::vector<std::string> inputs;\n";
    if (!own_.range.empty()) {
      const std::size_t dots = own_.range.find("..");
      return out + fmt::format("  for (long number = {}; number <= {}; ++number) inputs.push_back(std::to_string(number));\n\n",
                               own_.range.substr(0, dots), own_.range.substr(dots + 2));
    }
    const bool piped = own_.inputs_file == "-";
    if (!piped) out += "  std::ifstream file(" + literal(own_.inputs_file) + ");\n";
    return out + fmt::format(
                     "  for (std::string line; std::getline({}, line);) {{\n"
                     "    if (!line.empty()) inputs.push_back(line);\n  }}\n\n",
                     piped ? "std::cin" : "file");
  }

  // The callback is a second call in the worker that has run the task: of a worker process, which has no future, always.
  bool in_the_task() const { return choice_.strategy == Strategy::fused || (choice_.strategy == Strategy::worker && processes_); }
  bool as_callback() const { return choice_.strategy == Strategy::main || (choice_.strategy == Strategy::worker && !processes_); }

  std::string run() const {
    std::string out;
    if (parsers_) out += fmt::format("  pools::ProcessPool parsers{{{}}};\n", choice_.parsers);
    if (processes_) {
      out += fmt::format("  pools::ProcessPool pool{{{}}};\n", choice_.workers);
    } else if (choice_.strategy == Strategy::main) {
      out += fmt::format("  pools::ThreadPool pool({{.workers = {}, .callbacks = pools::CallbackOn::callback_thread}});\n",
                         choice_.workers);
    } else {
      out += fmt::format("  pools::ThreadPool pool{{{}}};\n", choice_.workers);
    }
    const std::string done = parses_ && !in_the_task() && !parsers_ ? "Done" : "void";
    out += fmt::format("  std::vector<pools::Future<{}>> futures;\n  for (const std::string& input : inputs) {{\n", done);
    if (as_callback()) {
      out +=
          "    futures.push_back(pool.submit_with_callback<&task>(\n"
          "        [](const pools::Future<Done>& done) { parse(done.result()); }, input));\n";
    } else {
      out += fmt::format("    futures.push_back(pool.submit<&{}>(input){});\n", in_the_task() ? "both" : "task",
                         parsers_ ? ".then_in<&parse>(parsers)" : "");
    }
    return out + "  }\n  for (auto& future : futures) future.result();\n" +
           (as_callback() ? "  pool.shutdown();  // the callbacks have run\n" : "");
  }

  const OwnQuestion& own_;
  const Choice choice_;
  const std::string entry_;
  const std::string callback_;
  const bool parses_;
  const bool processes_;
  const bool parsers_;
};

}  // namespace

std::string snippet_language(const OwnQuestion& own) { return own.subject.command.empty() ? "cpp" : "sh"; }

std::string own_snippet(const OwnQuestion& own, const Choice& choice) {
  if (choice.hosts > 0) return {};
  return own.subject.command.empty() ? Program(own, choice).text() : shell_lines(own, choice);
}

}  // namespace harness::recommend
