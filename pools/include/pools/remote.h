#pragma once

// How a function is named and called in another process: submit<&fn>(args...), remote<&fn>(args...).
//
// Fn is a function with linkage, a member function or a captureless lambda that is not generic or overloaded. Its parameters
// are taken by value, const reference or rvalue reference; they and the result must be transferable (detail/codec.h). A parameter may also
// be a std::string_view or a std::span<const T>: it views the argument where it arrived, as long as the task runs, and not in a fork that
// the task makes (detail/views.h).
// Arguments are converted to the parameter types by the caller.

#include <concepts>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "pools/detail/bytes.h"
#include "pools/detail/codec.h"
#include "pools/detail/forced_unwind.h"
#include "pools/detail/forks.h"
#include "pools/detail/function_key.h"
#include "pools/detail/remote_call.h"
#include "pools/detail/remote_exception.h"
#include "pools/detail/views.h"

namespace pools {
namespace detail {

template <class R, class... Parameters>
struct Signature {
  using Result = R;
  using Values = std::tuple<std::remove_cvref_t<Parameters>...>;  // what is sent
  using Forms = std::tuple<std::type_identity<Parameters>...>;
  static constexpr std::size_t kArity = sizeof...(Parameters);
  static constexpr bool kTakesOutParameters =
      (... || (std::is_lvalue_reference_v<Parameters> && !std::is_const_v<std::remove_reference_t<Parameters>>));
};

// What has no signature, or several.
struct NoSignature : Signature<void> {
  using WithoutObject = NoSignature;
};
template <class F>
struct SignatureOf : NoSignature {};
template <class F>
requires requires { &F::operator(); }
struct SignatureOf<F> : SignatureOf<decltype(&F::operator())>::WithoutObject {};  // a lambda
template <class R, class... P>
struct SignatureOf<R (*)(P...)> : Signature<R, P...> {};
template <class R, class... P>
struct SignatureOf<R (*)(P...) noexcept> : Signature<R, P...> {};
template <class R, class C, class... P>
struct SignatureOf<R (C::*)(P...)> : Signature<R, C, P...> {
  using WithoutObject = Signature<R, P...>;
};
template <class R, class C, class... P>
struct SignatureOf<R (C::*)(P...) const> : Signature<R, const C&, P...> {
  using WithoutObject = Signature<R, P...>;
};
template <class R, class C, class... P>
struct SignatureOf<R (C::*)(P...) noexcept> : SignatureOf<R (C::*)(P...)> {};
template <class R, class C, class... P>
struct SignatureOf<R (C::*)(P...) const noexcept> : SignatureOf<R (C::*)(P...) const> {};

template <auto Fn>
using RemoteSignature = SignatureOf<std::remove_const_t<decltype(Fn)>>;
template <auto Fn>
inline constexpr bool kHasSignature = !std::is_base_of_v<NoSignature, RemoteSignature<Fn>>;

// What a future of Fn's holds.
template <auto Fn>
using RemoteResult = std::remove_cvref_t<typename RemoteSignature<Fn>::Result>;

// What can be a parameter, how it is received, and what the function is called with.
template <class Value>
inline constexpr bool kCanBeParameter = kView<Value> || kTransferable<Value>;
template <class Value>
auto receive_argument(Reader& from) {
  if constexpr (kView<Value>) {
    return ViewedArgument<Value>(from);
  } else {
    return decode<Value>(from);
  }
}
template <class Value>
using ReceivedArgument = std::conditional_t<kView<Value>, ViewedArgument<Value>, Value>;
template <class Value>
Value& argument_of(Value& received) noexcept {
  return received;
}
template <class View>
View& argument_of(ViewedArgument<View>& received) noexcept {
  return received.view();
}

// What the worker calls. Throws what Fn throws, WireError, and whatever serialisation throws.
using Trampoline = void (*)(Reader& arguments, Bytes& result);

template <auto Fn>
void call_remotely(Reader& arguments, Bytes& result) {
  using S = RemoteSignature<Fn>;
  [&]<class... Values, class... Forms>(std::type_identity<std::tuple<Values...>>, std::tuple<std::type_identity<Forms>...>) {
    if constexpr (kHasSignature<Fn> &&
                  (... && kCanBeParameter<Values>)) {  // else encode_arguments() does not compile, and says why
      std::tuple<ReceivedArgument<Values>...> values{receive_argument<Values>(arguments)...};  // in braces: from left to right
      arguments.expect_end();
      const auto call = [&]() -> decltype(auto) {
        const EndsIfForked user;  // a fork has neither the memory of `arguments` nor that of `result`
        return std::apply([](ReceivedArgument<Values>&... each)
                              -> decltype(auto) { return std::invoke(Fn, static_cast<Forms&&>(argument_of(each))...); },
                          values);
      };
      if constexpr (std::is_void_v<typename S::Result>) {
        call();
      } else {
        encode<RemoteResult<Fn>>(result, call());
      }
    }
  }(std::type_identity<typename S::Values>{}, typename S::Forms{});
}

// The same for a run of calls, each with its arguments in a section of its own; the outcomes are sections, too, which begin
// with a byte that says what they are. An exception, of whatever part of a call, does not stop the rest.
enum class ItemOutcome : std::uint8_t { value, exception };

template <auto Fn>
void call_each_remotely(Reader& arguments, Bytes& results) {
  while (arguments.remaining() > 0) {
    Reader item = arguments.section();
    const std::size_t start = results.size();
    try {
      const Section section(results);
      encode(results, ItemOutcome::value);
      call_remotely<Fn>(item, results);
    } catch (ForcedUnwind&) {
      refuse_to_unwind("a task");
    } catch (...) {
      results.truncate(start);
      const Section section(results);
      encode(results, ItemOutcome::exception);
      encode_current_exception(results);
    }
  }
}

template <Trampoline Target>
const FunctionKey& trampoline_key() {
  static const FunctionKey key = key_of(reinterpret_cast<const void*>(Target));
  return key;
}

// What the compiler calls Fn, within a sentence of its own.
template <auto Fn>
constexpr const char* function_name() noexcept {
  return __PRETTY_FUNCTION__;
}

template <auto Fn>
constexpr void check_remote_function() {
  static_assert(
      kHasSignature<Fn>,
      "a function for another process has one signature: not a generic lambda, nor an object whose operator() is overloaded");
  static_assert(!RemoteSignature<Fn>::kTakesOutParameters,
                "what a function in another process writes to a non-const reference is lost: return it instead");
}

// As encode_as() makes it one.
template <class Value, class Arg>
inline constexpr bool kBecomes = std::same_as<std::remove_cvref_t<Arg>, Value> || requires(Arg&& arg) {
  static_cast<Value>(std::forward<Arg>(arg));
};

template <class Value, class Arg>
void encode_argument(Bytes& to, Arg&& arg) {
  if constexpr (kView<Value>) {
    encode_view<Value>(to, static_cast<Value>(arg));
  } else {
    encode_as<Value>(to, std::forward<Arg>(arg));
  }
}

template <auto Fn, class... Args>
void encode_arguments(Bytes& to, Args&&... args) {
  check_remote_function<Fn>();
  if constexpr (kHasSignature<Fn>) {
    constexpr bool kFits = sizeof...(Args) == RemoteSignature<Fn>::kArity;
    static_assert(kFits, "as many arguments as the function has parameters");
    if constexpr (kFits) {
      [&]<class... Values>(std::type_identity<std::tuple<Values...>>) {
        constexpr bool kConvert = (... && kBecomes<Values, Args>);
        static_assert(kConvert, "an argument cannot be converted to the type of its parameter");
        if constexpr (kConvert) (..., encode_argument<Values>(to, std::forward<Args>(args)));
      }(std::type_identity<typename RemoteSignature<Fn>::Values>{});
    }
  }
}

}  // namespace detail

// fn(args...), for ProcessPoolOptions::initializer. Throws what the serialisation of the arguments throws.
template <auto Fn, class... Args>
RemoteCall remote(Args&&... args) {
  detail::Bytes arguments;
  detail::encode_arguments<Fn>(arguments, std::forward<Args>(args)...);
  return RemoteCall(detail::trampoline_key<&detail::call_remotely<Fn>>(), std::move(arguments));
}

}  // namespace pools
