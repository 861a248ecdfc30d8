#!/usr/bin/env bash
# A node's disk fails while candidates answer (D6): it says so, ends with 74 and acknowledges nothing any
# more. The primary's: the standby is promoted, the seats go on, and the node comes back as a standby with
# a true log. The standby's: the primary goes on alone, and the exam with it. Nothing acknowledged is lost.
# The fault is injected with strace into the running node; skipped (77) where that is not permitted.
# Usage: test_io_error.sh BIN primary|standby FAULT...
#   FAULT   SYSCALL:WHAT of strace's inject=, on the data file only: fdatasync:error=EIO:when=3,
#           pwrite64:retval=100:when=5 (a short write), pwrite64,pwritev,writev:error=ENOSPC (a full disk
#           that the claim before the commit did not see), or `truncate` (the data file is cut short)
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
SEATS=${LIVE_SEATS:-20}
BIN=$1 ROLE=$2
shift 2

if ! command -v strace >/dev/null || ! strace -qq -o /dev/null true 2>/dev/null; then
    echo "skipped: strace is missing, or may not trace here"
    exit 77
fi

inject() { # NODE FAULT: returns when it is in force
    local file=$PAIR_DIR/$1/data.mdb
    if [ "$2" = truncate ]; then
        truncate -s 8192 "$file" # the two pages that say where the trees begin
        return
    fi
    strace -f -p "${NODE_PID[$1]}" -P "$file" -e "trace=${2%%:*}" -e "inject=$2" \
        -o "$PAIR_DIR/strace-$1" 2>"$PAIR_DIR/strace-$1.said" &
    STRACE_PID=$!
    wait_until 20 "strace attaches to $1" grep -q attached "$PAIR_DIR/strace-$1.said"
}

# The node meets the fault, says what it met, and ends.
node_fails() { # NODE FAULT
    local from
    from=$(stat -c %s "$PAIR_DIR/$1.log")
    inject "$1" "$2"
    wait_until 60 "$1 ends of $2" node_has_ended "$1"
    node_kill "$1" 0
    [ "$2" = truncate ] || wait "$STRACE_PID" || true
    expect_same 74 "$NODE_STATUS" "exit code of $1 after $2"
    OUT=$(tail -c "+$((from + 1))" "$PAIR_DIR/$1.log")
    expect_says "event=failed"
    [ "$2" = truncate ] || grep -q INJECTED "$PAIR_DIR/strace-$1" || fail "$2 was not injected"
}

primary_fails() { # FAULT: SERVES and OTHER are exchanged
    local lost
    node_fails "$SERVES" "$1"
    pass "$1: the primary $SERVES said so and ended"
    lost=$SERVES SERVES=$OTHER OTHER=$lost
    expect 0 ctl promote "$SERVES" --attest --yes --reason "$OTHER has lost its disk"
    answers_go_on "answers are saved by $SERVES"
    [ "$1" != truncate ] || rm -rf "${PAIR_DIR:?}/$OTHER"
    node_start "$OTHER"
    wait_until 60 "$OTHER follows" pair_is_dual
    node_has_role "$OTHER" standby || fail "$OTHER is no standby"
    answers_go_on "answers are saved by both"
    pass "$SERVES was promoted, $OTHER came back as its standby"
}

standby_fails() { # FAULT
    node_fails "$OTHER" "$1"
    wait_until 30 "$SERVES goes on alone" is_solo "$SERVES"
    answers_go_on "answers are saved without a standby"
    [ "$1" != truncate ] || rm -rf "${PAIR_DIR:?}/$OTHER"
    node_start "$OTHER"
    wait_until 60 "$OTHER follows" pair_is_dual
    answers_go_on "answers are saved by both"
    pass "$1: the standby $OTHER said so and ended, the exam went on, and it came back"
}

SERVES=A OTHER=B
live_begin "$BIN"
pair_up 1000
exam_begin "$SEATS" open 200 2
for fault in "$@"; do
    "${ROLE}_fails" "$fault"
done
seats_end
result_check B1
wait_until 30 "both nodes agree" nodes_agree
pass "$(seats_figure answers) answers made, none lost, no clock wrong, both nodes agree"
