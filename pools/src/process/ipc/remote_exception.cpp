#include "pools/detail/remote_exception.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <typeinfo>

#include "pools/detail/codec.h"

namespace pools::detail {
namespace {

// what() of a class of somebody else's may be anything.
std::string words(const char* what) { return what == nullptr ? "" : what; }

std::string demangled(const std::type_info* type) {
  if (type == nullptr) return "an exception of another language";
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), &std::free);
  return status == 0 && name != nullptr ? name.get() : type->name();
}

void cut(std::string& text) {
  if (text.size() <= kLongestExceptionText) return;
  const std::string mark = " [cut: it has " + std::to_string(text.size()) + " bytes]";
  text.replace(kLongestExceptionText - mark.size(), std::string::npos, mark);
}

}  // namespace

void encode_current_exception(Bytes& to) {
  std::string type;
  std::string message;
  try {
    throw;
  } catch (const RemoteError& error) {
    type = error.type();
    message = words(error.what());
  } catch (const std::exception& error) {
    type = demangled(&typeid(error));
    message = words(error.what());
  } catch (const std::string& text) {
    type = "std::string";
    message = text;
  } catch (const char* text) {
    type = "char const*";
    message = words(text);
  } catch (...) {
    type = demangled(abi::__cxa_current_exception_type());
  }
  cut(type);
  cut(message);
  encode(to, type);
  encode(to, message);
}

std::exception_ptr decode_exception(Reader& from) {
  const auto type = decode<std::string>(from);
  const auto message = decode<std::string>(from);
  // The pool's own, thrown on the worker's side.
  if (type == "pools::PayloadTooLargeError") return std::make_exception_ptr(PayloadTooLargeError(message));
  if (type == "pools::SharedMemoryError") return std::make_exception_ptr(SharedMemoryError(message));
  if (type == "pools::RecursionError") return std::make_exception_ptr(RecursionError(message));
  return std::make_exception_ptr(RemoteError(type, message));
}

}  // namespace pools::detail
