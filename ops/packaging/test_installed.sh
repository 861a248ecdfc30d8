#!/usr/bin/env bash
# test_installed.sh - installs the build into an empty folder and looks at every program and library
# there: it has what cmake/ExamHardening.cmake asks for. A program that is built without any of it
# shows that each of the checks can fail.
#
#   test_installed.sh BUILD_DIR CMAKE CC CF_PROTECTION(1|0)
set -euo pipefail

build=$1 cmake=$2 cc=$3 cf_protection=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What readelf tells of a file has a line like that. (Not by a pipe: grep ends with its first find.)
has() { # FILE REGEX OPTION...
    local told
    told=$(readelf "${@:3}" -W "$1")
    grep -Eq -- "$2" <<<"$told"
}

# Each check prints what is wrong with the file, or nothing.
check_pie() {
    has "$1" 'Type: *DYN' -h || echo 'no position-independent code'
}
check_relro() {
    has "$1" GNU_RELRO -l || echo 'no RELRO'
}
check_now() {
    has "$1" 'BIND_NOW|FLAGS_1.* NOW' -d || echo 'not bound at the start (full RELRO)'
}
check_stack() {
    has "$1" 'GNU_STACK.* RW  ' -l || echo 'a stack that can be executed'
}
check_segments() {
    ! has "$1" 'LOAD.* RWE ' -l || echo 'memory that can be written and executed'
}
check_run_path() {
    ! has "$1" 'R(UN)?PATH' -d || echo 'a path to libraries of the build'
}
check_fortify() {
    has "$1" ' __[a-z]+_chk(@|$)' --dyn-syms || echo 'no checked string functions'
}
check_canary() {
    has "$1" ' __stack_chk_fail' --dyn-syms || echo 'no stack protector'
}
# What each file of the program was compiled with stands in its debugging information.
check_compiled() {
    local flags=(-fstack-protector-strong -fstack-clash-protection) flag units without
    [ "$cf_protection" = 0 ] || flags+=(-fcf-protection=full)
    units=$(readelf --debug-dump=info --dwarf-depth=1 -W "$1" 2>/dev/null | grep DW_AT_producer || true)
    [ -n "$units" ] || echo 'no debugging information: cannot be looked at'
    for flag in "${flags[@]}"; do
        without=$(grep -Fvc -e "$flag" <<<"$units" || true)
        [ "$without" -eq 0 ] || echo "$without files compiled without $flag"
    done
}
checks=(pie relro now stack segments run_path fortify canary compiled)

# The control: a program without anything must fail every check. One whose code can be written needs
# no libraries: the linker makes no other.
cat >"$work/bare.c" <<'END'
#include <string.h>
int main(int argc, char **argv)
{
    char copy[64];
    strcpy(copy, argv[0]);
    return copy[argc];
}
END
"$cc" -O2 -g -no-pie -fno-pie -U_FORTIFY_SOURCE -fno-stack-protector -fno-stack-clash-protection \
    -fcf-protection=none -Wl,-z,norelro -Wl,-z,lazy -Wl,-z,execstack -Wl,-rpath,/nowhere \
    "$work/bare.c" -o "$work/bare" 2>"$work/log" || { cat "$work/log"; exit 1; }
echo 'int main(void) { return 0; }' >"$work/bare_segments.c"
"$cc" -nostdlib -static -Wl,-N -Wl,-e,main "$work/bare_segments.c" -o "$work/bare_segments" 2>"$work/log" ||
    { cat "$work/log"; exit 1; }
for check in "${checks[@]}"; do
    control=$work/bare
    [ "$check" != segments ] || control=$work/bare_segments
    if [ -z "$("check_$check" "$control")" ]; then
        echo "test_installed: the check '$check' finds nothing wrong with a bare program" >&2
        exit 1
    fi
done

"$cmake" --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
looked=0 wrong=0
while IFS= read -r file; do
    readelf -h "$file" >/dev/null 2>&1 || continue
    case $file in *.a | *.o) continue ;; esac
    looked=$((looked + 1))
    for check in "${checks[@]}"; do
        while IFS= read -r what; do
            echo "${file#"$work/prefix/"}: $what"
            wrong=$((wrong + 1))
        done < <("check_$check" "$file")
    done
done < <(find "$work/prefix" -type f)
echo "$looked programs and libraries, ${#checks[@]} checks of each, $wrong failed"
[ "$wrong" -eq 0 ] && [ "$looked" -ge 4 ]
