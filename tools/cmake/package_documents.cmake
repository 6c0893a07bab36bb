# Run by cpack when the files of the packages lie ready: adds to each its licences and changelogs, and compresses manual pages.
set(source ${CPACK_EDDY_PROJECT_SOURCE_DIR})
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC) # of SOURCE_DATE_EPOCH, if that is set
set(work ${CPACK_TEMPORARY_DIRECTORY}/documents)
file(MAKE_DIRECTORY ${work})
file(WRITE ${work}/changelog.Debian
  "eddy (${CPACK_EDDY_PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium\n\n"
  "  * Release ${CPACK_EDDY_PROJECT_VERSION}.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${date}\n")

function(compress file result)
  execute_process(COMMAND gzip -9nc ${file} OUTPUT_FILE ${result} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

foreach(pair library:${CPACK_EDDY_library_package} development:libeddy-dev tools:eddy-tools)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 component)
  list(GET pair 1 package)
  set(documents ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr/share/doc/${package})
  file(MAKE_DIRECTORY ${documents})
  configure_file(${source}/tools/cmake/package_copyright ${documents}/copyright COPYONLY)
  compress(${work}/changelog.Debian ${documents}/changelog.Debian.gz)
  if(EXISTS ${source}/CHANGELOG.md)
    compress(${source}/CHANGELOG.md ${documents}/changelog.gz)
  endif()
  file(GLOB pages ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr/share/man/man1/*.1)
  foreach(page IN LISTS pages)
    compress(${page} ${page}.gz)
    file(REMOVE ${page})
  endforeach()
endforeach()

file(WRITE ${CPACK_TEMPORARY_DIRECTORY}/tools/usr/share/lintian/overrides/eddy-tools
  "# Files of that format are what eddy-depgraph is for.\neddy-tools: uses-dpkg-database-directly\n")
