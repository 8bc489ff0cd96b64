#include "pools/detail/function_key.h"

#include <elf.h>
#include <link.h>

#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "pools/errors.h"
#include "pools/src/base/mutex.h"

namespace pools::detail {
namespace {

std::uint64_t hash_of(std::span<const std::byte> bytes, std::uint64_t hash = 0xcbf29ce484222325) {  // FNV-1a
  for (const std::byte byte : bytes) hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3;
  return hash;
}

std::span<const std::byte> contents_of(const dl_phdr_info& module, const ElfW(Phdr) & segment) {
  return {reinterpret_cast<const std::byte*>(module.dlpi_addr + segment.p_vaddr), segment.p_memsz};
}

std::span<const ElfW(Phdr)> segments_of(const dl_phdr_info& module) { return {module.dlpi_phdr, module.dlpi_phnum}; }

// The build-id among the notes of a PT_NOTE segment; empty if it is not there.
std::span<const std::byte> build_id_in(std::span<const std::byte> notes, std::size_t alignment) {
  const auto aligned = [alignment](std::size_t size) { return (size + alignment - 1) / alignment * alignment; };
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) header;
    std::memcpy(&header, notes.data(), sizeof header);
    const std::size_t name_at = sizeof header;
    const std::size_t content_at = aligned(name_at + header.n_namesz);
    if (content_at + header.n_descsz > notes.size()) break;
    if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 && std::memcmp(&notes[name_at], "GNU", 4) == 0) {
      return notes.subspan(content_at, header.n_descsz);
    }
    const std::size_t next = aligned(content_at + header.n_descsz);
    if (next > notes.size()) break;
    notes = notes.subspan(next);
  }
  return {};
}

std::uint64_t identity_of(const dl_phdr_info& module) {
  for (const ElfW(Phdr) & segment : segments_of(module)) {
    if (segment.p_type != PT_NOTE) continue;
    const auto id = build_id_in(contents_of(module, segment), segment.p_align == 8 ? 8 : 4);
    if (!id.empty()) return hash_of(id);
  }
  std::uint64_t hash = hash_of({});
  for (const ElfW(Phdr) & segment : segments_of(module)) {
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) && (segment.p_flags & PF_R)) {
      hash = hash_of(contents_of(module, segment), hash);
    }
  }
  return hash;
}

bool holds(const dl_phdr_info& module, const void* address) {
  for (const ElfW(Phdr) & segment : segments_of(module)) {
    const auto contents = contents_of(module, segment);
    if (segment.p_type == PT_LOAD && address >= contents.data() && address < contents.data() + contents.size()) return true;
  }
  return false;
}

// Hashing code takes a while, so each module that was asked for is remembered, by where it is loaded. A library that is unloaded
// and another that takes its place are told apart by their program headers' address and number.
class Identities {
 public:
  std::uint64_t of(const dl_phdr_info& module) {
    const Place place{module.dlpi_phdr, module.dlpi_subs};
    const Lock lock(mutex_);
    Known& known = known_[module.dlpi_addr];
    if (!known.place || known.place->headers != place.headers || known.place->unloads != place.unloads) {
      known = {place, identity_of(module)};
    }
    return known.identity;
  }

 private:
  struct Place {
    const ElfW(Phdr) * headers;
    unsigned long long unloads;
  };
  struct Known {
    std::optional<Place> place;
    std::uint64_t identity = 0;
  };
  Mutex mutex_;
  std::map<ElfW(Addr), Known> known_ GUARDED_BY(mutex_);
};

Identities& identities() {
  static Identities* const all = new Identities;  // used by threads that end with the process
  return *all;
}

// Calls visit(module) until it returns true.
template <class Visit>
void for_each_module(Visit visit) {
  ::dl_iterate_phdr([](dl_phdr_info* module, std::size_t, void* at) { return (*static_cast<Visit*>(at))(*module) ? 1 : 0; },
                    &visit);
}

}  // namespace

FunctionKey key_of(const void* function) {
  FunctionKey key;
  for_each_module([&](const dl_phdr_info& module) {
    if (!holds(module, function)) return false;
    key.module = identities().of(module);
    key.offset = reinterpret_cast<ElfW(Addr)>(function) - module.dlpi_addr;
    return true;
  });
  return key;
}

const void* function_of(const FunctionKey& key) {
  const void* function = nullptr;
  for_each_module([&](const dl_phdr_info& module) {
    const auto* const candidate = reinterpret_cast<const void*>(module.dlpi_addr + key.offset);
    if (!holds(module, candidate) || identities().of(module) != key.module) return false;
    function = candidate;
    return true;
  });
  if (function == nullptr) {
    throw Error("the function lies in a library that the worker process has not loaded, or in another version of it");
  }
  return function;
}

}  // namespace pools::detail
