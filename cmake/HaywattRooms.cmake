# A room is a static library made of all sources of its folder. It may use only the rooms below it, in the order of
# docs/terminology.md; tools/check-layers holds the includes to that.

add_library(haywatt_flags INTERFACE)
target_compile_options(haywatt_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror
  # g++ 12 sees overflows that are not there when it inlines vector growth (GCC bugs 105329, 107852); ASan does that job.
  -Wno-array-bounds -Wno-stringop-overflow -Wno-restrict
  # The same bits on every machine: no fused multiply-add unless a kernel asks for it by name.
  -ffp-contract=off)
target_include_directories(haywatt_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
if(HAYWATT_SANITIZE)
  target_compile_options(haywatt_flags INTERFACE -fsanitize=${HAYWATT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(haywatt_flags INTERFACE -fsanitize=${HAYWATT_SANITIZE})
endif()

function(haywatt_add_room name)
  cmake_parse_arguments(ROOM "" "" "USES;LIBRARIES" ${ARGN})
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
  foreach(room ${ROOM_USES})
    target_link_libraries(haywatt_${name} PUBLIC haywatt_${room})
  endforeach()
endfunction()
