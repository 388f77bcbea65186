# Everything here is a Debian 12 package; docs/decisions/ says why each is there.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_path(TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)  # headers alone
pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET hdf5-serial)
# haywatt_library(NAME PACKAGE): target haywatt_NAME, the static library if there is one. A shared one takes each start
# some 0.2 ms and 0.1 MB, and whoever meters a program starts often.
function(haywatt_library name package)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${package})
  list(GET ${name}_LIBRARIES 0 file)
  find_library(HAYWATT_STATIC_${name} lib${file}.a PATHS ${${name}_LIBRARY_DIRS} ${${name}_LIBDIR})
  add_library(haywatt_${name} INTERFACE)
  # Threads are linked below and need no option; with it, the library's users could not share a precompiled header.
  list(REMOVE_ITEM ${name}_CFLAGS_OTHER -pthread)
  if(HAYWATT_STATIC_${name})
    target_include_directories(haywatt_${name} SYSTEM INTERFACE ${${name}_INCLUDE_DIRS})
    target_compile_options(haywatt_${name} INTERFACE ${${name}_CFLAGS_OTHER})
    target_link_libraries(haywatt_${name} INTERFACE ${HAYWATT_STATIC_${name}} Threads::Threads ${CMAKE_DL_LIBS} m)
  else()
    target_link_libraries(haywatt_${name} INTERFACE PkgConfig::${name})
  endif()
endfunction()
haywatt_library(zlib zlib)
haywatt_library(sqlite sqlite3)
haywatt_library(xxhash libxxhash)
haywatt_library(zstd libzstd)
haywatt_library(lz4 liblz4)
haywatt_library(re2 re2)
# libdw's own static library asks for those of compressed files (bzip2, xz) only where whole processes are examined by it,
# which is not done here.
haywatt_library(elf libelf)
haywatt_library(dw libdw)
target_link_libraries(haywatt_dw INTERFACE haywatt_elf haywatt_zlib)
find_library(ZFP_LIBRARY zfp REQUIRED)
find_path(ZFP_INCLUDE zfp.h REQUIRED)
add_library(haywatt_zfp INTERFACE)
target_include_directories(haywatt_zfp SYSTEM INTERFACE ${ZFP_INCLUDE})
target_link_libraries(haywatt_zfp INTERFACE ${ZFP_LIBRARY})
find_file(HAYWATT_CHARTJS chart.min.js PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist
  NO_DEFAULT_PATH REQUIRED DOC "Chart.js 3 as one file (Debian: libjs-chart.js)")
