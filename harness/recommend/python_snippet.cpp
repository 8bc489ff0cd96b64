#include "harness/recommend/python_snippet.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

namespace harness::recommend {
namespace {

using model::Strategy;

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }  // JSON's strings are Python's, too

std::string module_of(const std::string& name) { return name.substr(0, name.find(':')); }

// What the program itself names, and what it uses of Python's own: no module of the user's can go by it.
bool is_name_of_program(std::string_view name) {
  static const std::set<std::string_view> names{"ProcessPoolExecutor",
                                                "ThreadPoolExecutor",
                                                "abs",
                                                "as_completed",
                                                "asyncio",
                                                "dict",
                                                "done",
                                                "enumerate",
                                                "file",
                                                "future",
                                                "futures",
                                                "inputs",
                                                "item",
                                                "json",
                                                "isinstance",
                                                "len",
                                                "line",
                                                "main",
                                                "multiprocessing",
                                                "number",
                                                "one",
                                                "open",
                                                "os",
                                                "parse_one",
                                                "parsed",
                                                "parsers",
                                                "partial",
                                                "pool",
                                                "range",
                                                "result",
                                                "results",
                                                "room",
                                                "str",
                                                "sys"};
  return names.contains(name);
}

std::string first_part(const std::string& module) { return module.substr(0, module.find('.')); }

using ModuleNames = std::map<std::string, std::string>;

// What the modules go by in the program: their own names, where these are free.
ModuleNames module_names(const PythonWork& work) {
  ModuleNames names{{module_of(work.function), {}}};
  if (!work.callback.empty()) names[module_of(work.callback)];
  const auto taken = [&names](const std::string& alias) {
    return std::ranges::any_of(names,
                               [&alias](const auto& name) { return first_part(name.first) == alias || name.second == alias; });
  };
  for (auto& [module, name] : names) {
    if (!is_name_of_program(first_part(module))) {
      name = module;
      continue;
    }
    std::string alias = "user_" + module;
    std::ranges::replace(alias, '.', '_');
    while (taken(alias)) alias += '_';
    name = alias;
  }
  return names;
}

// "crawler.fetch" of "crawler:fetch"
std::string expression(const ModuleNames& names, const std::string& function) {
  const std::string module = module_of(function);
  return names.at(module) + "." + function.substr(module.size() + 1);
}

class Snippet {
 public:
  Snippet(const PythonWork& work, const Seen& seen, const Choice& choice, int tasks)
      : work_(work),
        seen_(seen),
        choice_(choice),
        tasks_(tasks),
        names_(module_names(work)),
        fetch_(expression(names_, work.function)),
        parse_(work.callback.empty() ? "" : expression(names_, work.callback)) {}

  std::string text() {
    const bool on_loop = choice_.pool == Pool::loop || choice_.pool == Pool::to_thread;
    const std::string body = is_sequential(choice_)            ? sequential()
                             : choice_.pool == Pool::loop      ? loop()
                             : choice_.pool == Pool::to_thread ? to_thread()
                                                               : pool();
    if (on_loop || seen_.is_async || seen_.callback_is_async) imports_.insert("import asyncio");
    if (work_.json_lines) imports_.insert("import json");
    std::string out;
    for (const auto& [name, value] : work_.environment) {
      imports_.insert("import os");
      out += fmt::format("os.environ[{}] = {}  # before the module is imported\n", quoted(name), quoted(value));
    }
    for (auto path = work_.paths.rbegin(); path != work_.paths.rend(); ++path) {  // the first comes to be in front
      if (path->empty()) continue;
      imports_.insert("import sys");
      out += fmt::format("sys.path.insert(0, {})\n", quoted(*path));
    }
    std::string head;
    for (const std::string& import : imports_) head += import + '\n';  // "from" comes before "import"
    if (!head.empty()) head += '\n';
    out = head + out + (out.empty() ? "" : "\n") + modules() + "\n\n" + functions_;
    out += on_loop ? "async def main():\n" : "def main():\n";
    out += inputs() + as_many_as_tasks();
    out += body + "    return results\n\n\nif __name__ == \"__main__\":\n";
    return out + (on_loop ? "    results = asyncio.run(main())\n" : "    results = main()\n");
  }

 private:
  std::string inputs() const {
    if (!work_.range.empty()) {
      const std::size_t dots = work_.range.find("..");
      return fmt::format("    inputs = [str(number) for number in range({}, {} + 1)]\n", work_.range.substr(0, dots),
                         work_.range.substr(dots + 2));
    }
    const std::string read = work_.json_lines ? "[json.loads(line) for line in file if line.strip()]"
                                              : "[line.rstrip(\"\\r\\n\") for line in file if line.rstrip(\"\\r\\n\")]";
    const bool is_stdin = work_.inputs_file == "-";
    // To Python a carriage return by itself ends a line, too.
    return fmt::format("    with open({}, encoding=\"utf-8\"{}{}) as file:\n        inputs = {}\n",
                       is_stdin ? "0" : quoted(work_.inputs_file), work_.lone_returns ? ", newline=\"\\n\"" : "",
                       is_stdin ? ", closefd=False" : "", read);
  }

  // Tasks take the inputs in turns.
  std::string as_many_as_tasks() const {
    const std::int64_t inputs = work_.input_count;
    if (inputs == 0 || inputs == tasks_) return {};
    if (tasks_ < inputs) return fmt::format("    inputs = inputs[:{}]\n", tasks_);
    return fmt::format("    inputs = (inputs * {})[:{}]\n", (tasks_ + inputs - 1) / inputs, tasks_);
  }

  std::string modules() const {
    std::string text;
    for (const auto& [module, name] : names_) text += "import " + module + (name == module ? "" : " as " + name) + "\n";
    return text;
  }

  // The call for one input, as an expression; an asynchronous one is awaited, or run to its end.
  std::string call(bool await) const {
    const std::string called =
        work_.json_lines ? fmt::format("({0}(**item) if isinstance(item, dict) else {0}(item))", fetch_) : fetch_ + "(item)";
    if (!seen_.is_async) return called;
    return await ? "await " + called : "asyncio.run(" + called + ")";
  }

  // The callback's, likewise.
  std::string parsed(const std::string& value, bool await = false) const {
    const std::string called = parse_ + "(" + value + ")";
    if (!seen_.callback_is_async) return called;
    return await ? "await " + called : "asyncio.run(" + called + ")";
  }

  // A function that a worker is given: the user's own where that takes an input as it is.
  std::string one() {
    const bool fused = choice_.strategy == Strategy::fused;
    if (!fused && !seen_.is_async && !work_.json_lines) return fetch_;
    functions_ += fmt::format("def one(item):\n    return {}\n\n\n", fused ? parsed(call(false)) : call(false));
    return "one";
  }

  // That a parser is given.
  std::string parser() {
    if (!seen_.callback_is_async) return parse_;
    functions_ += "def parse_one(result):\n    return " + parsed("result") + "\n\n\n";
    return "parse_one";
  }

  std::string sequential() {
    const std::string value = call(false);
    return fmt::format("    results = [{} for item in inputs]\n", parse_.empty() ? value : parsed(value));
  }

  std::string executor() {
    if (!is_process(choice_.pool)) {
      imports_.insert("from concurrent.futures import ThreadPoolExecutor");
      return fmt::format("ThreadPoolExecutor(max_workers={})", choice_.workers);
    }
    return processes(choice_.workers, choice_.pool == Pool::spawn        ? "spawn"
                                      : choice_.pool == Pool::forkserver ? "forkserver"
                                                                         : "fork");
  }

  std::string processes(int workers, const std::string& method) {
    imports_.insert("from concurrent.futures import ProcessPoolExecutor");
    imports_.insert("import multiprocessing");
    return fmt::format("ProcessPoolExecutor(max_workers={}, mp_context=multiprocessing.get_context(\"{}\"))", workers, method);
  }

  static std::string in_order() { return "    results = [parsed[number] for number in range(len(inputs))]\n"; }

  std::string pool() {
    const std::string function = one();
    const std::string with = "    with " + executor() + " as pool:\n";
    const std::string futures = fmt::format("        futures = [pool.submit({}, item) for item in inputs]\n", function);
    const std::string numbered =  // where they are not taken in their order
        fmt::format("        futures = {{pool.submit({}, item): number for number, item in enumerate(inputs)}}\n", function);
    switch (choice_.strategy) {
      case Strategy::worker:
      case Strategy::main:
        imports_.insert("from functools import partial");
        return "    parsed = {}\n\n    def done(number, future):\n        parsed[number] = " + parsed("future.result()") +
               "\n\n" + with +
               fmt::format(
                   "        for number, item in enumerate(inputs):\n"
                   "            pool.submit({}, item).add_done_callback(partial(done, number))\n",
                   function) +
               "    if len(parsed) < len(inputs):\n        raise RuntimeError(\"not all succeeded: the lines above say why\")\n" +
               in_order();
      case Strategy::collect:
        return with + futures + "        results = [" + parsed("future.result()") + " for future in futures]\n";
      case Strategy::map:
        return with + fmt::format("        results = [{} for result in pool.map({}, inputs)]\n", parsed("result"), function);
      case Strategy::as_completed:
        imports_.insert("from concurrent.futures import as_completed");
        return with + numbered + "        parsed = {futures[future]: " + parsed("future.result()") +
               " for future in as_completed(futures)}\n" + in_order();
      case Strategy::extra:
        imports_.insert("from concurrent.futures import as_completed");
        return "    with " + processes(choice_.parsers, "fork") + " as parsers:\n" +
               "        parsers.submit(abs, 0)  # forks them now, before there are threads\n" + "    " + with + "    " +
               numbered + "            parsed = {futures[future]: parsers.submit(" + parser() +
               ", future.result()) for future in as_completed(futures)}\n" +
               "            results = [parsed[number].result() for number in range(len(inputs))]\n";
      default:
        return with + futures + "        results = [future.result() for future in futures]\n";
    }
  }

  std::string loop() {
    const bool bounded = choice_.workers < tasks_;
    const bool at_end = choice_.strategy == Strategy::collect;
    const std::string value = parse_.empty() || at_end ? call(true) : parsed(call(true), true);
    std::string body = bounded ? fmt::format("    room = asyncio.Semaphore({})\n\n", choice_.workers) : "\n";
    body += "    async def one(item):\n";
    body += bounded ? "        async with room:\n            return " : "        return ";
    body += value + "\n\n    results = await asyncio.gather(*[one(item) for item in inputs])\n";
    if (at_end) body += "    results = [" + parsed("result", true) + " for result in results]\n";
    return body;
  }

  std::string to_thread() {
    const std::string function = one();
    imports_.insert("from concurrent.futures import ThreadPoolExecutor");
    return fmt::format(
        "    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers={}))\n"
        "    results = await asyncio.gather(*[asyncio.to_thread({}, item) for item in inputs])\n",
        choice_.workers, function);
  }

  const PythonWork& work_;
  const Seen& seen_;
  const Choice choice_;
  const int tasks_;
  const ModuleNames names_;
  const std::string fetch_;
  const std::string parse_;  // empty: no callback
  std::set<std::string> imports_;
  std::string functions_;
};

}  // namespace

bool is_sequential(const Choice& choice) { return choice.pool == Pool::thread && choice.workers == 1 && choice.parsers == 0; }

std::string python_snippet(const PythonWork& work, const Seen& seen, const Choice& choice, int tasks) {
  return Snippet(work, seen, choice, tasks).text();
}

}  // namespace harness::recommend
