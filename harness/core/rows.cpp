#include "harness/core/rows.h"

#include <functional>
#include <string>

namespace harness {

// Of what differs between rows in practice; an error message may hold a number of its own for each row.
std::size_t Rows::Hash::operator()(const RowKind& kind) const {
  std::size_t hash = 0;
  for (const std::string* const text :
       {&kind.cell_id, &kind.run_id, &kind.build_id, &kind.status, &kind.error, &kind.workers_spec}) {
    hash = hash * 31 + std::hash<std::string>()(*text);
  }
  return hash;
}

}  // namespace harness
