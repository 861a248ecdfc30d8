#!/usr/bin/env bash
# Nobody reads a node's memory: no core file is written, and whoever runs as the same user cannot look
# into the process. Usage: test_private_memory.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"

# Root may look into everything, so as root the node runs as somebody else.
somebody=()
[ "$(id -u)" -ne 0 ] || somebody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

live_begin "$1"
pair_configure
mkdir "$PAIR_DIR/bin" "$PAIR_DIR/A"
cat >"$PAIR_DIR/bin/examnode" <<END
#!/usr/bin/env bash
ulimit -c unlimited 2>/dev/null || true
exec ${somebody[*]} "$PAIR_BIN/examnode" "\$@"
END
chmod +x "$PAIR_DIR/bin/examnode"
[ ${#somebody[@]} -eq 0 ] || chown -R 65534:65534 "$PAIR_DIR"
PAIR_BIN=$PAIR_DIR/bin
node_start A
pid=${NODE_PID[A]}

grep -Eq '^Max core file size +0 +0 ' "/proc/$pid/limits" || fail "core files are not turned off"
pass "no core file can be written"

"${somebody[@]}" sleep 60 &
sleeper=$!
wait_until 5 "the sleeper to run" grep -q sleep "/proc/$sleeper/comm"
"${somebody[@]}" cat "/proc/$sleeper/environ" >/dev/null || fail "the control cannot be read: nothing is shown"
kill "$sleeper"
if "${somebody[@]}" cat "/proc/$pid/environ" >/dev/null 2>&1; then
    fail "the same user can look into the node"
fi
if "${somebody[@]}" head -c 1 "/proc/$pid/mem" >/dev/null 2>&1; then
    fail "the same user can read the node's memory"
fi
pass "the same user cannot look into the process"
