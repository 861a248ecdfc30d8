#!/usr/bin/env bash
# test_sandboxed.sh - an end-to-end test whose nodes run under what the unit takes away from them
# (sandbox.py): whatever examnode needs at work, the unit leaves it.
#
#   test_sandboxed.sh BIN UNIT LIVE_TEST ARGUMENT...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$1" && pwd) unit=$2 live_test=$3
shift 3

if ! command -v systemd-analyze >/dev/null || ! command -v python3 >/dev/null; then
    echo "skipped: needs systemd-analyze and python3"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The sandbox does take away: else nothing is shown below.
if python3 "$here/sandbox.py" "$unit" "$work" /bin/chown 1 "$work" 2>"$work/err"; then
    echo "test_sandboxed: a program in the sandbox can give its files away" >&2
    exit 1
fi
if ! grep -q 'Operation not permitted' "$work/err"; then
    cat "$work/err"
    echo "skipped: this machine does not let the sandbox be made"
    exit 77
fi

mkdir "$work/bin"
ln -s "$bin"/* "$work/bin/"
rm "$work/bin/examnode"
# systemd makes the data folder (StateDirectory), and nothing else can be written.
cat >"$work/bin/examnode" <<END
#!/usr/bin/env bash
set -euo pipefail
data=\$(sed -n 's/^data = "\\(.*\\)"\$/\\1/p' "\$2")
mkdir -p -m 700 "\$data"
exec python3 "$here/sandbox.py" "$unit" "\$data" "$bin/examnode" "\$@"
END
chmod +x "$work/bin/examnode"
"$live_test" "$work/bin" "$@"
