#!/usr/bin/env bash
# Three nodes: one standby in sync suffices; the primary dies and one of two standbys is promoted, the third
# follows it; the old primary comes back with records that nobody else has, and so does a second one later:
# the dead branch of each is recovered (W5, A3). Usage: test_three_nodes.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/pair.sh"
. "$HERE/expect.sh"
SEATS=${LIVE_SEATS:-40}

at() { # NODE ARGS...: examctl on that node alone
    local node=$1
    shift
    "$PAIR_BIN/examctl" --nodes "${NODE_ADMIN[$node]}" "$@"
}

peer_is() { # NODE PEER JQ: of what NODE says of PEER
    at "$1" status --json | jq -e --arg p "$2" ".nodes[0].peers[] | select(.node == \$p) | $3" >/dev/null
}

all_agree() {
    ctl status --digest --json | jq -e '[.nodes[] | select(.reachable)] | length == 3 and
        (map(.state_digest) | unique | length) == 1 and (map(.hash) | unique | length) == 1' >/dev/null
}

branch_recovered() { # BY FROM
    # decided: at the least the violation, which no seat can bring again
    grep -Eq "event=branch-recovered node=$1 peer=$2 .*decided=[1-9]" "$PAIR_DIR/$1.log"
}

# The primary loses both standbys and goes on alone; what is written then is on its disk only.
alone_then_dead() { # PRIMARY OTHER OTHER TEXT ROW: a violation of that row's candidate, noted there
    local primary=$1
    node_kill "$2"
    node_kill "$3"
    wait_until 20 "$primary goes on alone" status_is ".nodes[] | select(.node == \"$primary\") | .solo"
    expect 0 at "$primary" violation "$(roster_cell "$5" admission_no)" --text "$4" --yes
    node_kill "$primary"
}

live_begin "$1"
for name in A B C; do node_ports $name; done
node_configure A 1000 B C
node_configure B 1000 A C
node_configure C 1000 A B
SEAT_NODES=${NODE_SEAT[A]},${NODE_SEAT[B]},${NODE_SEAT[C]}
ADMIN_NODES=${NODE_ADMIN[A]},${NODE_ADMIN[B]},${NODE_ADMIN[C]}
for name in A B C; do node_start $name; done
expect 0 at A found --site three
wait_until 30 "B is in sync" peer_is A B .in_sync
wait_until 30 "C is in sync" peer_is A C .in_sync
exam_begin "$SEATS" open 300 3

kill -STOP "${NODE_PID[C]}"
wait_until 10 "A loses C" peer_is A C '.connected | not'
answers_go_on "answers go on with B alone"
expect_same false "$(at A status --json | jq -r '.nodes[0].solo')" "A is solo while B is in sync"
peer_is A C '.lsn > 0' || fail "A does not show what C has"
kill -CONT "${NODE_PID[C]}"
wait_until 30 "C catches up" peer_is A C .in_sync
pass "one standby in sync suffices; the other one is shown with its lag"

alone_then_dead A C B "seen by A alone" 1 # C first: B has all that it has
node_start B
node_start C
expect 0 at B promote B --attest --reason "A is dead" --yes
wait_until 30 "C follows B" peer_is B C .in_sync
pass "A is dead, B was promoted, C follows"

alone_then_dead B C A "seen by B alone" 2
node_start A
node_start C
expect 0 at C promote C --attest --reason "B is dead" --yes
wait_until 30 "A follows C" peer_is C A .in_sync
wait_until 30 "the branch of A is recovered" branch_recovered C A
node_start B
wait_until 30 "B follows C" peer_is C B .in_sync
wait_until 30 "the branch of B is recovered" branch_recovered C B
answers_go_on "answers go on with three"
pass "A and B are back, and what each of them alone had is recovered"

seats_end
result_check B1
wait_until 30 "all nodes agree" all_agree
pass "nothing that was acknowledged is lost, and three logs are one"
