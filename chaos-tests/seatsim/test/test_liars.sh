#!/usr/bin/env bash
# seatsim must find each lie of a node (fakenode.c), and none with an honest one: its checks can fail.
# Usage: test_liars.sh SEATSIM FAKENODE
set -euo pipefail
dir=$(mktemp -d "${TMPDIR:-/tmp}/liars-XXXXXX")
node_pid=
tidy() {
    [ -z "$node_pid" ] || kill "$node_pid" 2>/dev/null || true
    rm -rf "$dir"
}
trap tidy EXIT
printf 'admission_no,id_no,name,seat,paper,extra_minutes\n' >"$dir/roster.csv"
for i in 1 2 3; do
    printf '%d,99%d,x,R01-0%d,P,0\n' $i $i $i >>"$dir/roster.csv"
done

check() { # SEATSIM FAKENODE LIE EXIT_CODE TEXT
    local code=0 lie=$3
    mkdir "$dir/$lie"
    "$2" "$lie" >"$dir/$lie.port" &
    node_pid=$!
    for ((i = 0; i < 200; i++)); do
        [ -s "$dir/$lie.port" ] && break
        sleep 0.05
    done
    "$1" run --nodes "127.0.0.1:$(cat "$dir/$lie.port")" --roster "$dir/roster.csv" --journals "$dir/$lie" \
        --answers 30 --think-ms 30 --timeout 60 --acked "$dir/acked.csv" >"$dir/out" 2>&1 || code=$?
    kill "$node_pid"
    wait "$node_pid" 2>/dev/null || true
    node_pid=
    if [ $code != "$4" ] || ! grep -Eq -- "$5" "$dir/out"; then
        echo "FAILED: against \"$lie\" seatsim ended with $code, not $4, or does not say \"$5\":" >&2
        cat "$dir/out" >&2
        exit 1
    fi
    echo "ok - $lie: $(grep -m1 -E -- "$5" "$dir/out")"
}

check "$1" "$2" none 0 'all hold'
[ "$(wc -l <"$dir/acked.csv")" = 91 ] || { echo "FAILED: 3 x 30 answers are not in the acked file" >&2; exit 1; }
check "$1" "$2" forget 1 'A2'
check "$1" "$2" fast 1 'T2'
check "$1" "$2" back 1 'went back'
check "$1" "$2" sum 1 'not the whole'
check "$1" "$2" lost 1 'T6'
check "$1" "$2" refuse 1 'refused'
