// Calls the user's own function, poolbench_task() of a shared object (function_entry.h), once per input, and as the callback another one.

#include "workloads/function_entry.h"

#include <dlfcn.h>

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "workloads/catalogue.h"
#include "workloads/digest.h"
#include "workloads/last_input.h"
#include "workloads/named_workloads.h"

namespace workloads {
namespace {

using Entry = decltype(&poolbench_task);
using EntryWithResult = decltype(&poolbench_task_with_result);
using CallbackEntry = decltype(&poolbench_callback);

constexpr const char* kTask = "poolbench_task";
constexpr const char* kCallback = "poolbench_callback";
constexpr const char* kWithResult = "_with_result";  // after the name of the task's entry

// Loaded once per process and never unloaded: its threads may outlive the last task. nullptr if it exports no such name.
void* symbol_of(const std::string& path, const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, void*, std::less<>> libraries;  // guarded by mutex
  const std::lock_guard lock(mutex);
  void*& library = libraries[path];
  if (library == nullptr) {
    ::dlerror();
    library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(std::string("function: cannot load it: ") + ::dlerror());
  }
  return ::dlsym(library, name.c_str());
}

void* required_symbol(const std::string& path, const std::string& name, const char* arguments) {
  void* const symbol = symbol_of(path, name);
  if (symbol != nullptr) return symbol;
  throw std::runtime_error("function: '" + path + "' has no entry point " + name + arguments +
                           "; see workloads/function_entry.h");
}

// What `entry` returns for the input. Throws std::runtime_error for what it throws, and for anything but 0.
template <class Call>
void call_entry(const std::string& entry, const std::string& input, Call call) {
  const LastInput last(input.c_str());
  int code = 0;
  try {
    code = call();
  } catch (const std::exception& error) {  // it must not, but it is not always up to it
    throw std::runtime_error(entry + " threw '" + error.what() + "' for the input '" + input + "'");
  }
  if (code != 0) throw std::runtime_error(entry + " returned " + std::to_string(code) + " for the input '" + input + "'");
}

const std::string& function_input(const Work& work, const Subject& subject) {
  if (subject.inputs.empty()) throw std::runtime_error("function: no inputs were given");
  return subject.inputs[work.resource % subject.inputs.size()];
}

// "function", or "function:./libx.so": which it is stands in the Subject.
class Function : public Workload {
 public:
  explicit Function(std::string name) : name_(std::move(name)) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override {
    return "calls a function of a shared object per input: poolbench recommend --function LIBRARY";
  }
  Needs needs() const override { return {.subject = true}; }

  Work make(const Request& request, const Calibration&) const override {
    return {.resource = request.index, .seed = request.seed};
  }
  Demand demand(const Work&, const Calibration&) const override { return {}; }
  std::string_view callback(const Work&) const override { return "sleep"; }
  const Workload& in_catalogue() const override { return function_workload(); }
  const Workload& as_callback() const override { return function_callback_workload(); }

  std::string_view blocks() const override { return "a call of a C function cannot be awaited: it would hold the loop"; }

  Product run(const Work& work, const RunContext& context, std::string_view) const override {
    const Subject& subject = context.subject;
    if (subject.library.empty()) throw std::runtime_error("function: no shared object was given");
    const std::string& input = function_input(work, subject);
    const std::string name = subject.entry.empty() ? kTask : subject.entry;
    Product product{.digest = combine(work.resource, "function"), .body = {}};
    if (void* const symbol = subject.has_callback() ? symbol_of(subject.library, name + kWithResult) : nullptr) {
      char* result = nullptr;
      std::size_t size = 0;
      call_entry(name + kWithResult, input,
                 [&] { return reinterpret_cast<EntryWithResult>(symbol)(input.c_str(), &result, &size); });
      const std::unique_ptr<char, decltype(&std::free)> owned(result, &std::free);
      if (result != nullptr) product.body.assign(result, size);
      return product;
    }
    const auto entry = reinterpret_cast<Entry>(required_symbol(subject.library, name, "(const char* input)"));
    call_entry(name, input, [&] { return entry(input.c_str()); });
    return product;
  }

 private:
  const std::string name_;
};

class FunctionCallback final : public Function {
 public:
  FunctionCallback() : Function("function_callback") {}

  std::string_view summary() const override {
    return "calls a function of a shared object with what the task has given: poolbench recommend --function --callback ENTRY";
  }
  const Workload& in_catalogue() const override { return *this; }

  Product run(const Work& work, const RunContext& context, std::string_view result) const override {
    const Subject& subject = context.subject;
    if (subject.callback_library.empty()) throw std::runtime_error("function_callback: no shared object was given");
    const std::string& input = function_input(work, subject);
    const std::string name = subject.callback_entry.empty() ? kCallback : subject.callback_entry;
    const auto entry = reinterpret_cast<CallbackEntry>(
        required_symbol(subject.callback_library, name, "(const char* input, const char* result, size_t size)"));
    call_entry(name, input, [&] { return entry(input.c_str(), result.data(), result.size()); });
    return {.digest = combine(work.resource, "function_callback"), .body = {}};
  }
};

}  // namespace

const Workload& function_workload() {
  static const Function kFunction("function");
  return kFunction;
}

const Workload& function_callback_workload() {
  static const FunctionCallback kOne;
  return kOne;
}

const Workload* find_function_workload(std::string_view name) {
  constexpr std::string_view kPrefix = "function:";
  static NamedWorkloads<Function> all;
  return name.starts_with(kPrefix) && name.size() > kPrefix.size() ? &all.named(name) : nullptr;
}

}  // namespace workloads
