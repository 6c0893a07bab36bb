# Run by cpack when the packages are made. cpack gives a package with a shared library scripts that call ldconfig; its trigger is enough,
# and what policy asks for. So they are taken out again.
foreach(file IN LISTS CPACK_PACKAGE_FILES)
  if(file MATCHES "/${CPACK_EDDY_library_package}_")
    set(tree ${CPACK_TEMPORARY_DIRECTORY}/again)
    file(REMOVE_RECURSE ${tree})
    execute_process(COMMAND dpkg-deb --raw-extract ${file} ${tree} COMMAND_ERROR_IS_FATAL ANY)
    file(REMOVE ${tree}/DEBIAN/postinst ${tree}/DEBIAN/postrm)
    execute_process(COMMAND dpkg-deb --root-owner-group --build ${tree} ${file} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()
