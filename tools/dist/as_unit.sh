# Asks the service that runs as a unit for a film, looks at what the unit's
# restrictions came to, and stops it.
set -euo pipefail
. "$(dirname "$0")/http.sh"
cd "$(mktemp -d)"

say() { printf '\n== %s\n' "$*"; }

say "under $(systemctl --version | head -n 1)"
ready || { journalctl --no-pager --unit=prioritycut | tail -n 20; exit 1; }
say "a film of its own example"
example || { journalctl --no-pager --unit=prioritycut | tail -n 20; exit 1; }
pid=$(systemctl show --property=MainPID --value prioritycut)
say "the process"
grep -E '^(Uid|Gid|NoNewPrivs|Seccomp|CapEff|CapBnd):' "/proc/$pid/status"
[ "$(stat -c %u "/proc/$pid")" != 0 ]
grep -q '^CapBnd:[[:space:]]*0*$' "/proc/$pid/status"
grep -q '^Seccomp:[[:space:]]*2$' "/proc/$pid/status"
say "systemd-analyze"
systemd-analyze verify /etc/systemd/system/prioritycut.service
systemd-analyze --no-pager security prioritycut.service | tail -n 1
say "stop"
systemctl stop prioritycut
systemctl show --property=Result,ExecMainStatus prioritycut
[ "$(systemctl show --property=Result --value prioritycut)" = success ]
say "all of it ran"
