# Writes OUTPUT (build_info.cpp) when the commit or the way of building changed, and leaves it alone otherwise.
# Variables: OUTPUT SOURCE_DIR VERSION COMPILER BUILD_TYPE FLAGS
set(commit "unknown")
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -C "${SOURCE_DIR}" describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(commit "${described}")
  endif()
endif()
string(REPLACE "\\" "\\\\" FLAGS "${FLAGS}")
string(REPLACE "\"" "\\\"" FLAGS "${FLAGS}")
set(text "// Generated at every build.
#include \"harness/base/build_info.h\"

namespace harness {

const BuildInfo& build_info() {
  static constexpr BuildInfo kInfo{\"${VERSION}\", \"${commit}\", \"${COMPILER}\", \"${BUILD_TYPE}\", \"${FLAGS}\"};
  return kInfo;
}

}  // namespace harness
")
set(present "")
if(EXISTS "${OUTPUT}")
  file(READ "${OUTPUT}" present)
endif()
if(NOT present STREQUAL text)
  file(WRITE "${OUTPUT}" "${text}")
endif()
