#!/usr/bin/env bash
# seatsim must find each lie of a node (fakenode.c), and none with an honest one: its checks can fail.
# All of them run at one time, each in a folder of its own: they wait for clocks, not for the machine.
# Usage: test_liars.sh SEATSIM FAKENODE
set -euo pipefail
seatsim=$1 fakenode=$2
dir=$(mktemp -d "${TMPDIR:-/tmp}/liars-XXXXXX")
checks=()
tidy() {
    [ ${#checks[@]} = 0 ] || kill "${checks[@]}" 2>/dev/null || true
    rm -rf "$dir"
}
trap tidy EXIT
printf 'admission_no,id_no,name,seat,paper,extra_minutes\n' >"$dir/roster.csv"
# Six seats: one of them with a request under way at the wrong moment proves nothing (reckon.h).
for i in 1 2 3 4 5 6; do
    printf '%d,99%d,x,R01-0%d,P,0\n' $i $i $i >>"$dir/roster.csv"
done

run() { # OWN_FOLDER LIE SEED: exit code in $code
    local own=$1
    code=0
    rm -rf "$own/journals" "$own/port"
    mkdir "$own/journals"
    "$fakenode" "$2" 6 >"$own/port" &
    node_pid=$!
    for ((i = 0; i < 200; i++)); do
        [ -s "$own/port" ] && break
        sleep 0.05
    done
    "$seatsim" run --nodes "127.0.0.1:$(cat "$own/port")" --roster "$dir/roster.csv" --journals "$own/journals" \
        --answers 20 --think-ms 40 --timeout 60 --grace-ms 500 --plan "$own/plan" --seed "$3" \
        --acked "$own/acked.csv" --accounts "$own/accounts.csv" >"$own/out" 2>&1 || code=$?
    kill "$node_pid"
    wait "$node_pid" 2>/dev/null || true
    node_pid=
}

is_found() { # SAID EXIT_CODE TEXT
    [ $code = "$2" ] && grep -Eq -- "$3" "$1"
}

# Where all six have a request under way at the wrong moment, or hear nothing for long, a lie may not show, or as
# something else (reckon.h), and an honest node may be misunderstood: again then, the honest ones only twice.
check() { # OWN_FOLDER LIE EXIT_CODE TEXT PLAN_LINE
    local seed own=$1
    node_pid=
    trap '[ -z "$node_pid" ] || kill "$node_pid" 2>/dev/null || true' EXIT # of this process: a check is one
    mkdir "$own"
    printf '%s\n' "$5" >"$own/plan"
    for seed in 1 2 3 4 5; do
        run "$own" "$2" $seed
        if is_found "$own/out" "$3" "$4" || [ "$3:$seed" = 0:3 ]; then break; fi
    done
    if ! is_found "$own/out" "$3" "$4"; then
        echo "FAILED: against \"$2\" (plan \"$5\") seatsim ended with $code, not $3, or does not say \"$4\":" >&2
        cat "$own/out" >&2
        return 1
    fi
    echo "ok - $2: $(grep -m1 -E -- "$4" "$own/out")"
}

begin() { # LIE EXIT_CODE TEXT [PLAN_LINE]: its folder is the number of the check
    check "$dir/${#checks[@]}" "$1" "$2" "$3" "${4:-}" &
    checks+=($!)
}

begin none 0 'all hold'
for line in '0:00.400 power all for 0:01' '0:00.400 cut all for 0:01' '0:00.400 reset all for 0:01'; do
    begin none 0 'all hold' "$line"
done
for line in '0:00.400 power all for 0:01' '0:00.400 reset all for 0:01'; do
    begin ago 0 'all hold' "$line"
done
begin forget 1 'A2'
begin fast 1 'T2'
begin back 1 'went back'
begin sum 1 'not the whole'
begin credit 1 'must be'
begin charge 1 'must be' '0:00.400 power all for 0:01'
begin charge 1 'must be' '0:00.400 cut all for 0:01'
begin rest 1 'must be' '0:00.400 power all for 0:01'
begin refuse 1 'refused'
failed=0
for pid in "${checks[@]}"; do
    wait "$pid" || failed=1
done
[ $failed = 0 ] || exit 1
[ "$(wc -l <"$dir/0/acked.csv")" = 121 ] || { echo "FAILED: 6 x 20 answers are not in the acked file" >&2; exit 1; }
[ "$(wc -l <"$dir/0/accounts.csv")" = 7 ] || { echo "FAILED: 6 accounts were not reckoned" >&2; exit 1; }

# A plan with errors: each of them with its line, and nothing runs.
printf '0:01 power 10%%\n0:01 cut R01-77 for 0:01\n' >"$dir/plan"
code=0
"$seatsim" run --nodes 127.0.0.1:1 --roster "$dir/roster.csv" --journals "$dir" --plan "$dir/plan" >"$dir/out" 2>&1 || code=$?
if [ $code != 65 ] || ! grep -q "plan:1: how long" "$dir/out"; then
    echo "FAILED: a plan with errors ended with $code:" >&2
    cat "$dir/out" >&2
    exit 1
fi
echo "ok - $(cat "$dir/out")"
