# A room is a static library made of all sources of its folder. It may use only the rooms below it, in the order of
# docs/terminology.md; tools/check-layers holds the includes to that.

add_library(haywatt_flags INTERFACE)
target_compile_options(haywatt_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror
  # g++ 12 sees overflows that are not there when it inlines vector growth (GCC bugs 105329, 107852); ASan does that job.
  -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict
  # The same bits on every machine: no fused multiply-add unless a kernel asks for it by name.
  -ffp-contract=off)
target_include_directories(haywatt_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
if(HAYWATT_SANITIZE)
  target_compile_options(haywatt_flags INTERFACE -fsanitize=${HAYWATT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(haywatt_flags INTERFACE -fsanitize=${HAYWATT_SANITIZE})
endif()

# A file of ours spends about half of its compile time on reading headers of the standard library, fmt, nlohmann/json,
# CLI11 or GoogleTest. These are precompiled once a family of equal flags: rooms, record/, the command line, the tests,
# libtorch's plug-in. Loading takes some 0.1 s for 60 MB, and nlohmann/json costs 0.4 s more in every file that sees it, used
# or not: hence few headers, and JSON only where most files use it. Every file still includes what it uses: preset sanitize
# builds without, which finds a forgotten include.
option(HAYWATT_PCH "Precompile the headers that most files include" ON)
set(HAYWATT_COMMON_HEADERS <algorithm> <array> <cmath> <cstdint> <filesystem> <functional> <limits> <map> <memory> <optional>
  <string> <string_view> <utility> <vector> <fmt/format.h>)
# ccache takes no precompiled header unless told that macros of the command line may reach into it (they are the same for
# all who share one) and that no file says __TIME__.
if(HAYWATT_PCH AND CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache$")
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

# haywatt_shared_headers(NAME [LIBRARIES …] [HEADERS …] [OPTIONS …]): target NAME, whose precompiled header others reuse.
function(haywatt_shared_headers name)
  cmake_parse_arguments(SHARED "" "" "LIBRARIES;HEADERS;OPTIONS" ${ARGN})
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/${name}.cpp CONTENT "// Only carries a precompiled header.\n")
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/generated/${name}.cpp)
  target_link_libraries(${name} PRIVATE haywatt_flags fmt::fmt ${SHARED_LIBRARIES})
  target_compile_options(${name} PRIVATE ${SHARED_OPTIONS})
  target_precompile_headers(${name} PRIVATE ${HAYWATT_COMMON_HEADERS} ${SHARED_HEADERS})
endfunction()
if(HAYWATT_PCH)
  haywatt_shared_headers(haywatt_room_headers)
endif()

# haywatt_add_room(NAME [USES room…] [LIBRARIES …] [HEADERS …]): HEADERS are precompiled for this room alone.
function(haywatt_add_room name)
  cmake_parse_arguments(ROOM "" "" "USES;LIBRARIES;HEADERS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  # src/distributed/mpi is a program of its own, built where there is MPI.
  list(FILTER sources EXCLUDE REGEX "/distributed/mpi/")
  if(NOT sources)
    add_library(haywatt_${name} INTERFACE)
    return()
  endif()
  add_library(haywatt_${name} STATIC ${sources})
  target_include_directories(haywatt_${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/generated)
  target_link_libraries(haywatt_${name} PUBLIC haywatt_flags ${ROOM_LIBRARIES})
  if(HAYWATT_PCH AND ROOM_HEADERS)
    target_precompile_headers(haywatt_${name} PRIVATE ${HAYWATT_COMMON_HEADERS} ${ROOM_HEADERS})
  elseif(HAYWATT_PCH)
    target_precompile_headers(haywatt_${name} REUSE_FROM haywatt_room_headers)
  endif()
  foreach(room ${ROOM_USES})
    target_link_libraries(haywatt_${name} PUBLIC haywatt_${room})
  endforeach()
endfunction()
