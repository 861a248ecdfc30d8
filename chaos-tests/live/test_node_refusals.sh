#!/usr/bin/env bash
# What a node must not start with: each case ends with its own exit code and a text that says what is
# wrong, and leaves the running node alone. Usage: test_node_refusals.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"

node() { # FILE...
    timeout $((30 * WAIT_FACTOR)) "$PAIR_BIN/examnode" --config "$@"
}

changed() { # NAME SED_EXPRESSION: a copy of A's configuration with a change
    sed -e "$2" "$PAIR_DIR/A.conf" >"$PAIR_DIR/$1.conf"
    echo "$PAIR_DIR/$1.conf"
}

live_begin "$1"
pair_up

expect 0 node "$PAIR_DIR/A.conf" --check
pass "a good configuration passes --check"
expect 78 node "$(changed unknown '1i colour = "red"')"
expect_says 'colour'
expect 78 node "$(changed garbage '3i @@@ ((( ')"
expect 78 node "$(changed number 's/^solo-after-ms.*/solo-after-ms = "soon"/')"
expect 78 node "$(changed address 's/^seat-listen.*/seat-listen = "nowhere"/')"
expect_says 'seat-listen|nowhere'
expect 78 node "$PAIR_DIR/none.conf"
expect_says 'none.conf'
expect 2 "$PAIR_BIN/examnode" --nonsense
pass "bad configurations are refused (78), and say where"

node_ports C
node_configure C 2000
sed -i -e "s#^data = .*#data = \"$PAIR_DIR/A\"#" "$PAIR_DIR/C.conf"
expect 73 node "$PAIR_DIR/C.conf"
expect_says "$PAIR_DIR/A"
pass "a data folder that another node has open is refused (73)"

for port in seat-listen:"${NODE_SEAT[A]#*@}" admin-listen:"${NODE_ADMIN[A]#*@}" replica-listen:"${NODE_REPLICA[B]}"; do
    node_configure C 2000
    sed -i -e "s#^${port%%:*} = .*#${port%%:*} = \"${port#*:}\"#" "$PAIR_DIR/C.conf"
    expect 69 node "$PAIR_DIR/C.conf"
    expect_says "${port#*:}"
done
pass "a port in use is refused (69), and named"

: >"$PAIR_DIR/file"
expect 73 node "$(changed data-is-file "s#^data = .*#data = \"$PAIR_DIR/file\"#")"
expect_says "$PAIR_DIR/file"
pass "a data folder that is a file is refused (73)"

pair_is_dual || fail "the pair was disturbed"
pass "the running pair was not disturbed"
