#pragma once

// The computations that are calibrated, apart from the workloads that consist of them. Pure functions, any thread.

#include <cstdint>
#include <string_view>

namespace workloads {

// `steps` dependent steps from `state`: nothing in them can overlap or be skipped. Unit of spin: one step.
std::uint64_t spin_steps(std::uint64_t state, std::int64_t steps);

// Fills blocks with seeded numbers and sorts them until `elements` elements are sorted. Unit of sort: one element.
std::uint64_t sort_elements(std::uint64_t seed, std::int64_t elements);

// SHA-256 of `bytes` seeded bytes. Unit of hash: one byte.
std::uint64_t hash_bytes(std::uint64_t seed, std::int64_t bytes);

// Parses the document once and digests what is in it. Unit of json: one byte of text.
// Throws std::runtime_error if the text is not JSON.
std::uint64_t digest_of_json(std::string_view text);

// Parses the document once, as browsers do (HTML5: every text is a document), and digests its links in document order.
// Unit of html: one byte of text.
std::uint64_t digest_of_html_links(std::string_view text);

}  // namespace workloads
