// Calls the user's own function, poolbench_task() of a shared object (function_entry.h), once per input.

#include "workloads/function_entry.h"

#include <dlfcn.h>

#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

#include "workloads/catalogue.h"
#include "workloads/digest.h"
#include "workloads/last_input.h"

namespace workloads {
namespace {

constexpr const char* kEntry = "poolbench_task";
using Entry = decltype(&poolbench_task);

// Loaded once per process and never unloaded: its threads may outlive the last task.
Entry load(const std::string& path) {
  ::dlerror();
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(std::string("function: cannot load it: ") + ::dlerror());
  void* const entry = ::dlsym(library, kEntry);
  if (entry == nullptr) {
    throw std::runtime_error("function: '" + path + "' has no entry point " + kEntry +
                             "(const char* input); see workloads/function_entry.h");
  }
  return reinterpret_cast<Entry>(entry);
}

Entry entry_of(const std::string& path) {
  static std::mutex mutex;
  static std::string loaded;  // guarded by mutex: a process has one subject
  static Entry entry = nullptr;
  const std::lock_guard lock(mutex);
  if (entry == nullptr || loaded != path) {
    entry = load(path);
    loaded = path;
  }
  return entry;
}

class Function final : public Workload {
 public:
  std::string_view name() const override { return "function"; }
  std::string_view summary() const override {
    return "calls a function of a shared object per input: poolbench recommend --function LIBRARY";
  }
  Needs needs() const override { return {.subject = true}; }

  Work make(const Request& request, const Calibration&) const override {
    return {.resource = request.index, .seed = request.seed};
  }
  Demand demand(const Work&, const Calibration&) const override { return {}; }
  std::string_view callback(const Work&) const override { return "sleep"; }

  std::string_view blocks() const override { return "a call of a C function cannot be awaited: it would hold the loop"; }

  Product run(const Work& work, const RunContext& context, std::string_view) const override {
    const Subject& subject = context.subject;
    if (subject.library.empty()) throw std::runtime_error("function: no shared object was given");
    if (subject.inputs.empty()) throw std::runtime_error("function: no inputs were given");
    const std::string& input = subject.inputs[work.resource % subject.inputs.size()];
    const Entry entry = entry_of(subject.library);
    const int code = call(entry, input);
    if (code != 0) {
      throw std::runtime_error(std::string(kEntry) + " returned " + std::to_string(code) + " for the input '" + input + "'");
    }
    return {.digest = combine(work.resource, "function"), .body = {}};
  }

 private:
  static int call(Entry entry, const std::string& input) {
    const LastInput last(input.c_str());
    try {
      return entry(input.c_str());
    } catch (const std::exception& error) {  // it must not, but it is not always up to it
      throw std::runtime_error(std::string(kEntry) + " threw '" + error.what() + "' for the input '" + input + "'");
    }
  }
};

}  // namespace

const Workload& function_workload() {
  static const Function kFunction;
  return kFunction;
}

}  // namespace workloads
