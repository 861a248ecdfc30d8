# The libraries of Debian 12 that the project builds on. `ops/install-packages` installs them.

find_package(PkgConfig REQUIRED)
pkg_check_modules(LMDB REQUIRED IMPORTED_TARGET lmdb)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(BSD REQUIRED IMPORTED_TARGET libbsd)
pkg_check_modules(LIBXML2 REQUIRED IMPORTED_TARGET libxml-2.0)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(NCURSESW REQUIRED IMPORTED_TARGET ncursesw)
pkg_check_modules(CONFUSE REQUIRED IMPORTED_TARGET libconfuse)
pkg_check_modules(LIBARCHIVE REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(GNUTLS REQUIRED IMPORTED_TARGET gnutls)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
if(BUILD_TESTING OR NOT DEFINED BUILD_TESTING)
    pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
endif()
find_program(PROTOC_C protoc-c REQUIRED)
find_program(MSGFMT msgfmt REQUIRED)

# NNG has no pkg-config file in Debian. A thread-sanitized build needs an NNG built the same way:
# EXAM_NNG_ROOT names where `ops/build-nng-tsan` put it.
set(EXAM_NNG_ROOT "" CACHE PATH "Prefix of an own build of NNG (empty: the system's)")
if(EXAM_NNG_ROOT)
    find_library(NNG_LIBRARY nng REQUIRED PATHS ${EXAM_NNG_ROOT}/lib NO_DEFAULT_PATH)
    find_path(NNG_INCLUDE nng/nng.h REQUIRED PATHS ${EXAM_NNG_ROOT}/include NO_DEFAULT_PATH)
else()
    find_library(NNG_LIBRARY nng REQUIRED)
    find_path(NNG_INCLUDE nng/nng.h REQUIRED)
endif()
add_library(nng_stream INTERFACE IMPORTED)
set_target_properties(nng_stream PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${NNG_INCLUDE})
target_link_libraries(nng_stream INTERFACE ${NNG_LIBRARY})
if(EXAM_NNG_ROOT)
    target_link_libraries(nng_stream INTERFACE pthread atomic)
endif()

find_library(CSV_LIBRARY csv REQUIRED)

# Not by its pkg-config file: that would link its TLS library into examnode, too.
find_library(UPSCLIENT_LIBRARY upsclient REQUIRED)
find_path(UPSCLIENT_INCLUDE upsclient.h REQUIRED)
