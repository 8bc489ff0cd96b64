// What to paste for a command and for a function. That the text runs is scripts/tests/test_recommend_own.py's matter.

#include "harness/recommend/own_snippet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::recommend {
namespace {

using model::Strategy;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

OwnQuestion of_command(std::vector<std::string> callback = {}) {
  OwnQuestion own;
  own.subject.command = {"curl", "-s", "http://x/{}?a b"};
  own.subject.callback_command = std::move(callback);
  own.inputs_file = "urls.txt";
  return own;
}

OwnQuestion of_function(const std::string& callback = "") {
  OwnQuestion own;
  own.subject.library = "/x/libx.so";
  if (!callback.empty()) own.subject.callback_library = own.subject.library;
  own.subject.callback_entry = callback;
  own.library = "./libx.so";
  own.range = "3..9";
  return own;
}

TEST(OwnSnippet, OfACommandIsALineWithAsManyAtATime) {
  EXPECT_EQ(own_snippet(of_command(), {Pool::thread, 24}),
            R"(sed '/^$/d' urls.txt | xargs -d '\n' -P 24 -I {} curl -s 'http://x/{}?a b')"
            "\n");
  OwnQuestion numbers = of_command();
  numbers.inputs_file.clear();
  numbers.range = "1..60";
  EXPECT_THAT(own_snippet(numbers, {Pool::process, 2}), HasSubstr(R"(seq 1 60 | xargs -d '\n' -P 2 )"));
  numbers.range.clear();
  numbers.inputs_file = "-";
  EXPECT_THAT(own_snippet(numbers, {Pool::process, 2}), testing::StartsWith("sed '/^$/d' | xargs"));
  EXPECT_EQ(own_snippet(of_command(), {.pool = Pool::remote, .workers = 4, .hosts = 2}), "");
}

TEST(OwnSnippet, OfACommandAndItsCallbackIsAPipeWhereTheWorkerRunsBoth) {
  for (const Strategy strategy : {Strategy::worker, Strategy::fused}) {
    EXPECT_EQ(own_snippet(of_command({"jq", ".{}"}), {Pool::thread, 8, strategy}),
              R"(sed '/^$/d' urls.txt | xargs -d '\n' -P 8 -n 1 sh -c )"
              R"('curl -s http://x/"$1"'\''?a b'\'' | jq ."$1"' sh)"
              "\n");
  }
}

TEST(OwnSnippet, OfACommandKeepsWhatIsPrintedForThoseWhoParseIt) {
  const std::string one = own_snippet(of_command({"jq", "."}), {Pool::thread, 8, Strategy::main});
  EXPECT_THAT(one, AllOf(HasSubstr("-P 8 -n 1 "), HasSubstr("-P 1 -n 2 ")));
  const std::string three = own_snippet(of_command({"jq", ".{}"}), {Pool::thread, 8, Strategy::extra, 3});
  EXPECT_THAT(three, AllOf(HasSubstr("-P 8 -n 1 "), HasSubstr("-P 3 -n 2 "), HasSubstr("\"$2\"")));
}

TEST(OwnSnippet, OfAFunctionIsAProgram) {
  const std::string plain = own_snippet(of_function(), {Pool::thread, 6});
  EXPECT_THAT(plain,
              AllOf(HasSubstr("run.cpp ./libx.so -Wl"), HasSubstr("pools::ThreadPool pool{6};"),
                    HasSubstr("number = 3; number <= 9"), HasSubstr("pool.submit<&task>(input)"), Not(HasSubstr("parse"))));
  EXPECT_THAT(own_snippet(of_function(), {Pool::process, 2}), HasSubstr("pools::ProcessPool pool{2};"));
}

TEST(OwnSnippet, OfAFunctionAttachesTheCallbackTheWayThatWon) {
  const auto of = [](Pool pool, Strategy strategy, int parsers = 0) {
    return own_snippet(of_function("count_digits"), {pool, 4, strategy, parsers});
  };
  EXPECT_THAT(of(Pool::thread, Strategy::worker),
              AllOf(HasSubstr("submit_with_callback<&task>"), HasSubstr("pools::ThreadPool pool{4};")));
  EXPECT_THAT(of(Pool::thread, Strategy::main),
              AllOf(HasSubstr("submit_with_callback<&task>"), HasSubstr("CallbackOn::callback_thread")));
  EXPECT_THAT(of(Pool::process, Strategy::main),
              AllOf(HasSubstr("submit_with_callback<&task>"), HasSubstr("pools::ProcessPool pool{4};")));
  for (const std::string& text :
       {of(Pool::process, Strategy::worker), of(Pool::process, Strategy::fused), of(Pool::thread, Strategy::fused)}) {
    EXPECT_THAT(text, AllOf(HasSubstr("submit<&both>(input)"), HasSubstr("count_digits(done.first")));
  }
  EXPECT_THAT(of(Pool::thread, Strategy::extra, 3),
              AllOf(HasSubstr("pools::ProcessPool parsers{3};"), HasSubstr("submit<&task>(input).then_in<&parse>(parsers)")));
}

}  // namespace
}  // namespace harness::recommend
