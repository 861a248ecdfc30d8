# measure.sh - what the benchmarks measure the machine by. To be sourced by bash scripts that have set
# $bin (the programs) and $dir (an existing folder on the disk to be measured).

# Processor time of processes since they began, in clock ticks.
ticks() { # PID...
    local pid sum=0 line
    for pid in "$@"; do
        line=$(cat "/proc/$pid/stat")
        # shellcheck disable=SC2086
        set -- ${line##*) }
        sum=$((sum + ${12} + ${13}))
    done
    echo $sum
}

store_floor() { # BATCH [--pair]: records per second
    local batch=$1
    shift
    mkdir -p "$dir/floor"
    "$bin/storefloor" --dir "$dir/floor" --batch "$batch" --seconds 3 --json "$@" | jq -r '.records_per_s | floor'
    rm -rf "$dir/floor"
}

echo_floor() { # W: echoes per second
    "$bin/echofloor" -W "$1" --warm 0.5 --dur 3 | awk '$1 == "RESULT" { printf "%.0f\n", $2 / $3 }'
}
