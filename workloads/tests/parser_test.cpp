#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "workloads/computation.h"
#include "workloads/page.h"
#include "workloads/work.h"
#include "workloads/tests/unit_calibration.h"

namespace workloads {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

Work parse_of(const char* name, std::chrono::nanoseconds duration, std::int64_t bytes = 0) {
  return make_work(*find_workload(name), {.duration = duration, .payload_bytes = bytes, .seed = 8}, kUnit);
}

TEST(HtmlLinks, AreTheHrefsOfTheDocumentInOrder) {
  const auto links = digest_of_html_links("<p><a href='/one'>1</a> <a href='/two'>2</a></p>");
  EXPECT_EQ(links, digest_of_html_links("<!DOCTYPE html><html><body><a href=\"/one\"><b>x</b></a><div><a class=c "
                                        "href=/two></a></div></body></html>"));
  EXPECT_NE(links, digest_of_html_links("<a href='/two'>2</a><a href='/one'>1</a>"));
  EXPECT_NE(links, digest_of_html_links("<a href='/one'>1</a>"));
  EXPECT_NE(links, digest_of_html_links("<a href='/one'>1</a><a href='/twoo'>2</a>"));
}

TEST(HtmlLinks, AreNotFoundWhereThereAreNone) {
  const auto none = digest_of_html_links("<p>none</p>");
  EXPECT_EQ(none, digest_of_html_links("<a name='anchor'>no href</a>"));
  EXPECT_EQ(none, digest_of_html_links("<!-- <a href='/comment'>c</a> -->"));
  EXPECT_EQ(none, digest_of_html_links("<script>\"<a href='/script'>\"</script>"));
  EXPECT_EQ(none, digest_of_html_links("{\"json\": true}"));
  EXPECT_NE(none, digest_of_html_links("<a href=''>empty</a>"));
}

TEST(HtmlLinks, AreFoundInMalformedDocumentsToo) {
  EXPECT_EQ(digest_of_html_links("<a href='/one'>1</a><a href='/two'>2</a>"),
            digest_of_html_links("<table><a href='/one'>1<tr></p></div><a href='/two'><b><i></b>"));
  constexpr char kBroken[] = "<a href=\0'\xff\xfe<";
  EXPECT_EQ(digest_of_html_links({kBroken, sizeof(kBroken)}), digest_of_html_links("<p>none</p>"));
  std::string deep;
  for (int level = 0; level < 2000; ++level) deep += "<div>";
  EXPECT_NE(digest_of_html_links(deep + "<a href=x>"), digest_of_html_links(deep));
}

TEST(Json, IsDigestedByWhatItSays) {
  const auto digest = digest_of_json(R"({"a": [1, 2.5, "x", true, null], "b": {}})");
  EXPECT_EQ(digest, digest_of_json("{\"b\":{},\n\"a\":[1,2.5,\"\\u0078\",true,null]}"));
  for (const char* other : {R"({"a": [1, 2.5, "x", true, null], "c": {}})", R"({"a": [2.5, 1, "x", true, null], "b": {}})",
                            R"({"a": [1, 2.5, "y", true, null], "b": {}})", R"({"a": [1, 2.5, "x", false, null], "b": {}})",
                            R"({"a": [1, 2.5, "x", true], "b": {}})", R"({"a": [1, 2.5, "x", true, null], "b": []})"}) {
    EXPECT_NE(digest, digest_of_json(other)) << other;
  }
}

TEST(Json, ThatIsMalformedIsRefusedInOneLine) {
  for (const std::string text : {"", "{", "[1,]", "{\"a\" 1}", "nul", "[1] [2]", "\"\xff\"", "<html></html>", "[1e999]"}) {
    EXPECT_THAT([&] { digest_of_json(text); },
                ThrowsMessage<std::runtime_error>(AllOf(HasSubstr("parse_json: the text"), Not(HasSubstr("\n")))))
        << text;
  }
}

TEST(Json, MayNestAsDeepAsItLikes) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_NE(digest_of_json(deep), digest_of_json("[]"));
}

TEST(Parsers, ParseTheirInputOnceIfNoDurationIsAskedFor) {
  const std::string page = html_page(8, 4000);
  const auto once = execute(parse_of("parse_html_links", 0ns), {}, page).digest;
  EXPECT_EQ(once, execute(parse_of("parse_html_links", 1ns), {}, page).digest);
  EXPECT_EQ(once, execute(parse_of("parse_html_links", 5999ns), {}, page).digest);
  EXPECT_NE(once, execute(parse_of("parse_html_links", 6000ns), {}, page).digest);
}

TEST(Parsers, ParseTheirInputAsOftenAsTheDurationDemands) {
  const std::string page = json_document(8, 1000);
  const auto thrice = execute(parse_of("parse_json", 3000ns), {}, page).digest;
  EXPECT_EQ(thrice, execute(parse_of("parse_json", 3400ns), {}, page).digest);
  EXPECT_NE(thrice, execute(parse_of("parse_json", 3600ns), {}, page).digest);
  EXPECT_NE(thrice, execute(parse_of("parse_json", 2400ns), {}, page).digest);
}

TEST(Parsers, MakeTheirOwnTextIfTheyAreGivenNone) {
  EXPECT_EQ(execute(parse_of("parse_json", 0ns, 2000), {}).digest,
            execute(parse_of("parse_json", 0ns), {}, json_document(8, 2000)).digest);
  EXPECT_EQ(execute(parse_of("parse_html_links", 0ns, 2000), {}).digest,
            execute(parse_of("parse_html_links", 0ns), {}, html_page(8, 2000)).digest);
}

TEST(Parsers, DigestTheInputAndNotTheSeed) {
  const std::string page = json_document(5, 1000);
  Work work = parse_of("parse_json", 0ns);
  const auto digest = execute(work, {}, page).digest;
  work.seed += 1;
  EXPECT_EQ(execute(work, {}, page).digest, digest);
  EXPECT_NE(execute(work, {}, json_document(7, 1000)).digest, digest);
}

TEST(Parsers, PassOnThatTheInputIsMalformed) {
  EXPECT_THROW(execute(parse_of("parse_json", 0ns), {}, "no JSON"), std::runtime_error);
}

}  // namespace
}  // namespace workloads
