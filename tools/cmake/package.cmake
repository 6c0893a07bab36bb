# What `cpack -G DEB` makes: libeddy0.1 (the shared library), libeddy-dev, eddy-tools. tools/package configures a build for it.
set(EDDY_PACKAGE_MAINTAINER "The Eddy authors <eddy@example.org>" CACHE STRING "Who makes the Debian packages: NAME <ADDRESS>")

set(package_control ${PROJECT_BINARY_DIR}/package/debian)
set(library_package libeddy${eddy_abi})
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/exports.txt exported REGEX "^eddy_")
set(symbols "libeddy.so.${eddy_abi} ${library_package} #MINVER#\n EDDY_${eddy_abi}@EDDY_${eddy_abi} ${PROJECT_VERSION}\n")
foreach(name IN LISTS exported)
  string(APPEND symbols " ${name}@EDDY_${eddy_abi} ${PROJECT_VERSION}\n")
endforeach()
file(WRITE ${package_control}/symbols "${symbols}")
file(WRITE ${package_control}/shlibs "libeddy ${eddy_abi} ${library_package} (>= ${PROJECT_VERSION})\n")
file(WRITE ${package_control}/triggers "activate-noawait ldconfig\n")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR "")
set(CPACK_PACKAGE_CONTACT "${EDDY_PACKAGE_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL library development tools)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SOURCE eddy)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

string(CONCAT about
  "Eddy is a managed heap in C for language runtimes and long-running\n"
  "programs. It counts references and finds garbage cycles; its threads\n"
  "never stop for each other or for the collector.\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library_package})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${package_control}/symbols ${package_control}/shlibs
    ${package_control}/triggers)
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "concurrent reference-counting garbage collector\n${about}\nThis is the shared library.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libeddy-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${library_package} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
if(EDDY_WITH_JEMALLOC)
  string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", libjemalloc-dev")
endif()
string(CONCAT CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "concurrent reference-counting garbage collector - development files\n${about}\n"
  "This is what programs are built with: headers, the static library,\n"
  "files for pkg-config and CMake, commands for gdb.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME eddy-tools)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION devel)
string(CONCAT CPACK_DEBIAN_TOOLS_DESCRIPTION "concurrent reference-counting garbage collector - tools\n${about}\n"
  "These are eddy-pause, which measures the pauses of programs,\n"
  "eddy-bench, which compares memory managers, and eddy-depgraph, a\n"
  "program on such a heap that answers questions about packages.")

set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/package_documents.cmake)
set(CPACK_POST_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/package_scripts.cmake)
foreach(variable PROJECT_SOURCE_DIR PROJECT_VERSION library_package)
  set(CPACK_EDDY_${variable} "${${variable}}")
endforeach()
include(CPack)
