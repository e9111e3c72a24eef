#!/bin/bash
# Journals of a journald of its own: files that follow one another, and the move from /run to /var. See README.md.
set -e
OUT=$1
hostname guest
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mkdir -p /run/systemd/journal /run/log/journal
echo 11111111111111111111111111111111 > /run/machine-id
mount --bind /run/machine-id /etc/machine-id
echo 01234567-89ab-cdef-0123-456789abcdef > /run/boot-id
mount --bind /run/boot-id /proc/sys/kernel/random/boot_id
mkdir -p /run/systemd/journald.conf.d
printf '[Journal]\nStorage=auto\nReadKMsg=no\nAudit=no\nRateLimitBurst=0\n' > /run/systemd/journald.conf.d/a.conf
/lib/systemd/systemd-journald >/dev/null 2>&1 &
JOURNALD=$!
for i in $(seq 50); do [ -S /run/systemd/journal/socket ] && break; sleep 0.1; done
cd /
write() {
    (exec -a conmon /usr/bin/python3 - "$1" "$2" <<'END'
import socket, sys, time
out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
out.connect("/run/systemd/journal/socket")
for i in range(int(sys.argv[1]), int(sys.argv[2])):
    text = b"line %d\n" % i
    out.send(b"MESSAGE\n" + len(text).to_bytes(8, "little") + text + b"\nCONTAINER_ID_FULL=" + b"a" * 64 + b"\nPRIORITY=" + (b"3" if i % 5 == 0 else b"6") + b"\n")
    time.sleep(0.002)
END
    )
    sleep 0.5
}
copy() { (cd / && tar -c --sort=name --owner=0 --group=0 $(ls -d run/log/journal var/log/journal 2>/dev/null) | gzip -9n > "$OUT/$1.tgz"); }
write 0 5
copy volatile
mkdir -p /var/log/journal
touch /run/systemd/journal/flushed
kill -USR1 $JOURNALD; sleep 1
copy flushed
write 5 10
copy kept
kill -USR2 $JOURNALD; sleep 1
write 10 15
copy rotated
kill -USR2 $JOURNALD; sleep 1
write 15 20
copy again
kill -TERM $JOURNALD; wait $JOURNALD || true
