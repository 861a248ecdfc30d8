#!/bin/bash
# test_install.sh - what a vendor gets: the library is installed into an empty folder, and the example
# is built outside of the tree against it: shared and static by pkg-config, and by find_package.
#
#   test_install.sh BUILD_DIR EXAMPLE_C CMAKE CC LIBDIR [SANITIZE]
set -euo pipefail

build=$1 example=$2 cmake=$3 cc=$4 libdir=$5 sanitize=${6:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
flags=()
[ -z "$sanitize" ] || flags=("-fsanitize=$sanitize")

fail() {
    echo "test_install: $*" >&2
    exit 1
}

# The example without arguments says how it is used: it was linked, and it runs.
expect_usage() {
    local status=0
    LD_LIBRARY_PATH=$prefix/$libdir "$1" 2>"$work/err" || status=$?
    [ "$status" -eq 2 ] || fail "$1 ended with $status: $(cat "$work/err")"
    grep -q '^usage: minimal_seat' "$work/err" || fail "$1 printed: $(cat "$work/err")"
}

"$cmake" --install "$build" --prefix "$prefix" --component examseat >"$work/log" || {
    cat "$work/log"
    fail "the installation failed"
}
cp "$example" "$work/minimal_seat.c"
export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig

echo "shared, by pkg-config"
read -ra options <<<"$(pkg-config --cflags --libs examseat)"
"$cc" -std=c11 -Wall -Wextra -Werror "${flags[@]}" "$work/minimal_seat.c" -o "$work/shared" \
    "${options[@]}"
expect_usage "$work/shared"

echo "static, by pkg-config"
read -ra options <<<"$(pkg-config --static --cflags --libs examseat |
    sed 's/-lexamseat/-l:libexamseat.a/')"
"$cc" -std=c11 -Wall -Wextra -Werror "${flags[@]}" "$work/minimal_seat.c" -o "$work/static" \
    "${options[@]}"
expect_usage "$work/static"
if ldd "$work/static" | grep -q libexamseat; then
    fail "the static example needs the shared library"
fi

echo "names that are not the library's own"
foreign=$(nm -g --defined-only "$prefix/$libdir/libexamseat.a" | awk 'NF == 3 {print $3}' |
    grep -v '^examseat_' || true)
[ -z "$foreign" ] || fail "libexamseat.a defines $foreign"
foreign=$(nm -D --defined-only "$prefix/$libdir/libexamseat.so" | awk 'NF == 3 {print $3}' |
    grep -v '^examseat_' | grep -Ev '^(__|_init|_fini|_edata|_end)' || true)
[ -z "$foreign" ] || fail "libexamseat.so defines $foreign"

echo "as C++"
printf '#include <examseat.h>\nint main() { return examseat_version() == nullptr; }\n' \
    >"$work/header.cpp"
if command -v c++ >/dev/null; then
    read -ra options <<<"$(pkg-config --cflags --libs examseat)"
    c++ -Wall -Wextra -Werror "${flags[@]}" "$work/header.cpp" -o "$work/cxx" "${options[@]}"
    LD_LIBRARY_PATH=$prefix/$libdir "$work/cxx" || fail "the C++ program failed"
else
    echo "(no C++ compiler here: left out)"
fi

echo "by find_package"
mkdir "$work/project"
cat >"$work/project/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.20)
project(vendor LANGUAGES C)
find_package(examseat 0.1 REQUIRED)
add_executable(with_shared ../minimal_seat.c)
target_link_libraries(with_shared PRIVATE examseat::examseat)
add_executable(with_static ../minimal_seat.c)
target_link_libraries(with_static PRIVATE examseat::examseat_static)
CMAKE
"$cmake" -G Ninja -S "$work/project" -B "$work/project/build" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_C_FLAGS="${flags[*]:-}" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 &&
    "$cmake" --build "$work/project/build" >>"$work/log" 2>&1 || {
    cat "$work/log"
    fail "the project with find_package does not build"
}
expect_usage "$work/project/build/with_shared"
expect_usage "$work/project/build/with_static"
echo "ok"
