# What `cmake --install` copies, by component:
#   library      the shared library
#   development  headers, the static library, the CMake package (find_package(Eddy)), eddy.pc, gdb's commands
#   tools        eddy-bench, eddy-depgraph, eddy-pause (if they are built) and their manual pages, docs/man/*.1
#   licences
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Eddy)
set(template_dir ${CMAKE_CURRENT_LIST_DIR})
set(generated_dir ${PROJECT_BINARY_DIR}/package)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/eddy DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
        FILES_MATCHING PATTERN *.h)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT licences)
install(FILES ${PROJECT_SOURCE_DIR}/tools/third_party/hdr_histogram/LICENSE.txt DESTINATION ${CMAKE_INSTALL_DOCDIR}
        COMPONENT licences RENAME LICENSE.hdr_histogram)
install(TARGETS eddy_static eddy_shared eddy_driver EXPORT EddyTargets
        ARCHIVE COMPONENT development
        LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(EXPORT EddyTargets NAMESPACE eddy:: DESTINATION ${package_dir} COMPONENT development)
install(FILES ${PROJECT_SOURCE_DIR}/tools/gdb/eddy-gdb.py DESTINATION ${CMAKE_INSTALL_DATADIR}/eddy COMPONENT development)
if(EDDY_TOOLS)
  install(TARGETS eddy-bench eddy-depgraph eddy-pause RUNTIME COMPONENT tools)
  install(FILES ${PROJECT_SOURCE_DIR}/tools/third_party/uplot/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR}
          COMPONENT licences RENAME LICENSE.uplot)
  file(GLOB manual_pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.1)
  list(FILTER manual_pages INCLUDE REGEX "/eddy-(bench|depgraph|pause)\\.1$") # those of the tools that are installed
  install(FILES ${manual_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT tools)
endif()

configure_package_config_file(${template_dir}/EddyConfig.cmake.in ${generated_dir}/EddyConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${generated_dir}/EddyConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${generated_dir}/EddyConfig.cmake ${generated_dir}/EddyConfigVersion.cmake DESTINATION ${package_dir}
        COMPONENT development)

# Relative to the place of eddy.pc, so that the installation can be moved and --prefix works.
file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
set(pc_cflags "")
if(EDDY_DEBUG)
  set(pc_cflags " -DEDDY_DEBUG")
endif()
set(pc_libs_private "-lm -pthread")
if(EDDY_WITH_JEMALLOC)
  string(PREPEND pc_libs_private "-ljemalloc ")
endif()
configure_file(${template_dir}/eddy.pc.in ${generated_dir}/eddy.pc @ONLY)
install(FILES ${generated_dir}/eddy.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
