# Fuzz targets. The same sources make two kinds of programs:
#   with EXAM_FUZZ (clang; the preset `fuzz`)  libFuzzer's, with the code under test instrumented
#   otherwise (any compiler, any sanitizer)    one that plays the corpus, and mutations of it that
#                                              follow from a printed seed (fuzz_replay.c)
# ctest runs either, labelled `fuzz`. ops/fuzz runs libFuzzer's for as long as one likes.

option(EXAM_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)

# Where proto/test/fuzz_seeds writes messages of all kinds, a folder a target.
set(EXAM_FUZZ_SEEDS ${CMAKE_BINARY_DIR}/fuzz-seeds)
set(EXAM_FUZZ_SECONDS 3 CACHE STRING "How long a test run gives each of libFuzzer's programs")

if(EXAM_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "EXAM_FUZZ needs clang with libFuzzer (Debian: clang-14, "
                            "libclang-rt-14-dev): use the preset fuzz")
    endif()
    # The code under test tells the fuzzer which branches were taken. Warnings are gcc's, which compiles
    # the same files for every other preset; clang's are others.
    target_compile_options(exam_flags INTERFACE -fsanitize=fuzzer-no-link -w)
    add_custom_target(fuzz)
endif()

# exam_fuzz(NAME SOURCE... [LIBRARIES lib...] [CORPUS folder...] [SEEDS target folder]
#           [MAX_BYTES n] [ROUNDS n])
#   CORPUS     folders of inputs: kept in the tree (what once found a defect stays there)
#   SEEDS      a target that makes inputs into a folder of the build's
#   MAX_BYTES  of an input (4096)
#   ROUNDS     mutations that fuzz_replay.c plays (10000)
function(exam_fuzz name)
    if(NOT BUILD_TESTING)
        return()
    endif()
    cmake_parse_arguments(PARSE_ARGV 1 F "" "MAX_BYTES;ROUNDS" "LIBRARIES;CORPUS;SEEDS")
    if(NOT F_MAX_BYTES)
        set(F_MAX_BYTES 4096)
    endif()
    if(NOT F_ROUNDS)
        set(F_ROUNDS 10000)
    endif()
    list(TRANSFORM F_CORPUS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
    add_executable(${name} ${F_UNPARSED_ARGUMENTS})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
    target_link_libraries(${name} PRIVATE exam_flags ${F_LIBRARIES})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/proto
                                               ${PROJECT_SOURCE_DIR}/proto/test)
    if(F_SEEDS)
        list(POP_FRONT F_SEEDS seeds_target)
        add_dependencies(${name} ${seeds_target})
        list(APPEND F_CORPUS ${F_SEEDS})
    endif()
    if(EXAM_FUZZ)
        exam_fuzz_libfuzzer(${name} ${F_MAX_BYTES} "${F_CORPUS}")
    else()
        target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/fuzz_replay.c)
        add_test(NAME ${name} COMMAND ${name} ${F_ROUNDS} ${F_MAX_BYTES} ${F_CORPUS})
    endif()
    set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()

# What it makes of the corpus goes to fuzz/NAME, what it finds to fuzz/found, both in the build.
function(exam_fuzz_libfuzzer name max_bytes corpus)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzz ${name})
    set(own ${CMAKE_BINARY_DIR}/fuzz/${name})
    file(MAKE_DIRECTORY ${own} ${CMAKE_BINARY_DIR}/fuzz/found)
    set(arguments -max_len=${max_bytes} -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
                  -artifact_prefix=${CMAKE_BINARY_DIR}/fuzz/found/${name}- ${own} ${corpus})
    list(JOIN arguments "\n" lines)
    file(WRITE ${CMAKE_BINARY_DIR}/fuzz/${name}.arguments "${lines}\n") # for ops/fuzz
    add_test(NAME ${name} COMMAND ${name} -max_total_time=${EXAM_FUZZ_SECONDS} ${arguments})
    exam_heavy(${EXAM_FUZZ_SECONDS} ${name}) # else its time is other targets', too
endfunction()
