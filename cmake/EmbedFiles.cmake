# haywatt_embed(TARGET NAMESPACE name=path …): the files' text as `extern const std::string_view name` in NAMESPACE.
# Run as a script (cmake -P with INPUT, OUTPUT, NAME, NAMESPACE) it writes the source of one file.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${INPUT}" content)
  # Raw strings, because the files are text; in pieces, because compilers need not take long literals.
  string(FIND "${content}" ")embedded\"" clash)
  if(NOT clash EQUAL -1)
    message(FATAL_ERROR "${INPUT} holds the raw string delimiter )embedded\"")
  endif()
  string(LENGTH "${content}" length)
  set(pieces "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${content}" ${at} 16000 piece)
    string(APPEND pieces "R\"embedded(${piece})embedded\"\n")
    math(EXPR at "${at} + 16000")
  endwhile()
  file(WRITE "${OUTPUT}" "// Made from a file by cmake/EmbedFiles.cmake.\n#include <string_view>\n"
    "namespace ${NAMESPACE} {\nextern const std::string_view ${NAME};\nconst std::string_view ${NAME} =\n${pieces};\n}\n")
  return()
endif()

set(HAYWATT_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(haywatt_embed target namespace)
  foreach(entry ${ARGN})
    string(REGEX MATCH "^([a-z_]+)=(.*)$" unused "${entry}")
    set(name ${CMAKE_MATCH_1})
    set(input ${CMAKE_MATCH_2})
    set(output ${CMAKE_BINARY_DIR}/generated/embedded/${target}_${name}.cpp)
    add_custom_command(OUTPUT ${output}
      COMMAND ${CMAKE_COMMAND} -D INPUT=${input} -D OUTPUT=${output} -D NAME=${name} -D NAMESPACE=${namespace}
        -P ${HAYWATT_EMBED_SCRIPT}
      DEPENDS ${input} ${HAYWATT_EMBED_SCRIPT} VERBATIM)
    target_sources(${target} PRIVATE ${output})
  endforeach()
endfunction()
