# How this project builds its own targets: one place for warnings, sanitizers and tests.

add_library(exam_flags INTERFACE)
target_compile_definitions(exam_flags INTERFACE _GNU_SOURCE)
target_compile_options(
    exam_flags
    INTERFACE -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
              -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2)
if(EXAM_SANITIZE)
    target_compile_options(exam_flags INTERFACE -fsanitize=${EXAM_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(exam_flags INTERFACE -fsanitize=${EXAM_SANITIZE})
endif()

# exam_library(NAME SOURCES... ): a static library with the project's flags, headers beside sources.
function(exam_library name)
    add_library(${name} STATIC ${ARGN})
    target_link_libraries(${name} PRIVATE exam_flags)
    target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
endfunction()

# exam_program(NAME SOURCES...): an executable, which lands in build/<preset>/bin.
function(exam_program name)
    add_executable(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE exam_flags)
endfunction()

# exam_test(NAME SOURCE LIBRARIES...): a CMocka program that ctest runs. EXAM_TEST_LABELS, where a folder sets it,
# are the labels of its tests; `one-thread`: a thread sanitizer has nothing to find there (CMakePresets.json).
function(exam_test name source)
    if(NOT BUILD_TESTING)
        return()
    endif()
    add_executable(${name} ${source})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
    target_link_libraries(${name} PRIVATE exam_flags ${ARGN} PkgConfig::CMOCKA)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS "${EXAM_TEST_LABELS}")
endfunction()

# exam_heavy(SECONDS TEST...): tests that keep a processor busy for so long; the longest begin first. Most of
# the end-to-end tests' time is waiting, so `ops/test` runs EXAM_SLOTS tests a processor, and a heavy one counts
# as so many.
set(EXAM_SLOTS 3)
function(exam_heavy seconds)
    set_tests_properties(${ARGN} PROPERTIES COST ${seconds} PROCESSORS ${EXAM_SLOTS})
endfunction()
