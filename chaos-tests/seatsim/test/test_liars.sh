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
# Six seats: one of them with a request under way at the wrong moment proves nothing (reckon.h).
for i in 1 2 3 4 5 6; do
    printf '%d,99%d,x,R01-0%d,P,0\n' $i $i $i >>"$dir/roster.csv"
done

run() { # SEATSIM FAKENODE LIE SEED: exit code in $code
    code=0
    rm -rf "$dir/journals" "$dir/port"
    mkdir "$dir/journals"
    "$2" "$3" 6 >"$dir/port" &
    node_pid=$!
    for ((i = 0; i < 200; i++)); do
        [ -s "$dir/port" ] && break
        sleep 0.05
    done
    "$1" run --nodes "127.0.0.1:$(cat "$dir/port")" --roster "$dir/roster.csv" --journals "$dir/journals" \
        --answers 20 --think-ms 40 --timeout 60 --grace-ms 500 --plan "$dir/plan" --seed "$4" \
        --acked "$dir/acked.csv" --accounts "$dir/accounts.csv" >"$dir/out" 2>&1 || code=$?
    kill "$node_pid"
    wait "$node_pid" 2>/dev/null || true
    node_pid=
}

# Where all six have a request under way at the wrong moment nothing is proved (reckon.h): again then.
check() { # SEATSIM FAKENODE LIE EXIT_CODE TEXT [PLAN_LINE]
    local seed
    printf '%s\n' "${6:-}" >"$dir/plan"
    for seed in 1 2 3 4 5; do
        run "$1" "$2" "$3" $seed
        [ $code = 0 ] && [ "$4" = 1 ] || break
    done
    if [ $code != "$4" ] || ! grep -Eq -- "$5" "$dir/out"; then
        echo "FAILED: against \"$3\" seatsim ended with $code, not $4, or does not say \"$5\":" >&2
        cat "$dir/out" >&2
        exit 1
    fi
    echo "ok - $3: $(grep -m1 -E -- "$5" "$dir/out")"
}

check "$1" "$2" none 0 'all hold'
[ "$(wc -l <"$dir/acked.csv")" = 121 ] || { echo "FAILED: 6 x 20 answers are not in the acked file" >&2; exit 1; }
[ "$(wc -l <"$dir/accounts.csv")" = 7 ] || { echo "FAILED: 6 accounts were not reckoned" >&2; exit 1; }
for line in '0:00.400 power all for 0:01' '0:00.400 cut all for 0:01' '0:00.400 reset all for 0:01'; do
    check "$1" "$2" none 0 'all hold' "$line"
done
check "$1" "$2" forget 1 'A2'
check "$1" "$2" fast 1 'T2'
check "$1" "$2" back 1 'went back'
check "$1" "$2" sum 1 'not the whole'
check "$1" "$2" credit 1 'must be'
check "$1" "$2" charge 1 'must be' '0:00.400 power all for 0:01'
check "$1" "$2" charge 1 'must be' '0:00.400 cut all for 0:01'
check "$1" "$2" rest 1 'must be' '0:00.400 power all for 0:01'
check "$1" "$2" refuse 1 'refused'

# A plan with errors: each of them with its line, and nothing runs.
printf '0:01 power 10%%\n0:01 cut R01-77 for 0:01\n' >"$dir/plan"
code=0
"$1" run --nodes 127.0.0.1:1 --roster "$dir/roster.csv" --journals "$dir" --plan "$dir/plan" >"$dir/out" 2>&1 || code=$?
if [ $code != 65 ] || ! grep -q "plan:1: how long" "$dir/out"; then
    echo "FAILED: a plan with errors ended with $code:" >&2
    cat "$dir/out" >&2
    exit 1
fi
echo "ok - $(cat "$dir/out")"
