# Tables of share/energy/ compiled into the program, so that the binary is enough by itself: haywatt_table(FILE HEADER NAME)
# makes generated/HEADER with a string view NAME in namespace haywatt.
function(haywatt_table file header name)
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${file})
  file(READ ${CMAKE_SOURCE_DIR}/${file} HAYWATT_TABLE_TEXT)
  set(HAYWATT_TABLE_FILE ${file})
  set(HAYWATT_TABLE_NAME ${name})
  configure_file(${CMAKE_SOURCE_DIR}/cmake/csv_table.hpp.in ${CMAKE_BINARY_DIR}/generated/${header} @ONLY)
endfunction()

haywatt_table(share/energy/cpuid_uarch.csv haywatt_cpuid_table.hpp cpuid_table_csv)
haywatt_table(share/energy/cpu_tdp.csv haywatt_tdp_table.hpp tdp_table_csv)
haywatt_table(share/energy/model_coefficients.csv haywatt_model_table.hpp model_table_csv)
haywatt_table(share/energy/grid_intensity.csv haywatt_grid_table.hpp grid_table_csv)
