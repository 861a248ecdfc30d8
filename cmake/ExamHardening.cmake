# What the compiler and the linker do against a defect that somebody exploits: for every target, the
# generated code too. Not in sanitized builds: there the sanitizers look, and see more without it.
# ops/packaging/test_installed.sh checks installed programs for all of it.

include(CheckCCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C) # CMAKE_POSITION_INDEPENDENT_CODE then holds for linking, too

if(NOT EXAM_SANITIZE)
    add_compile_options(-fstack-protector-strong -fstack-clash-protection)
    # Needs optimisation: what the compiler does not know the size of, it cannot check.
    add_compile_options("$<$<CONFIG:RelWithDebInfo,Release,MinSizeRel>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>")
    check_c_compiler_flag(-fcf-protection=full EXAM_HAS_CF_PROTECTION) # x86 only
    if(EXAM_HAS_CF_PROTECTION)
        add_compile_options(-fcf-protection=full)
    endif()
    add_link_options(LINKER:-z,relro,-z,now,-z,noexecstack)
endif()
