#!/usr/bin/env python3
"""Makes the journals: export format (systemd.io/JOURNAL_EXPORT_FORMATS) on its way through systemd-journal-remote. See README.md."""
import json, os, struct, subprocess, sys

REMOTE, OUT = sys.argv[1], sys.argv[2]
A, B = "a" * 64, "b" * 64
BOOT = "0123456789abcdef0123456789abcdef"
START = 1_767_323_045_000_000  # 2026-01-02T03:04:05Z


class Journal:
    def __init__(self):
        self.number, self.text = 0, []

    def add(self, **fields):
        self.number += 1
        out = b"__CURSOR=x\n__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n" % (
            START + self.number * 1000, 1_000_000 + self.number * 1000, BOOT.encode())
        for name, value in fields.items():
            value = value if isinstance(value, bytes) else value.encode()
            if any(byte < 32 for byte in value):
                out += name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
            else:
                out += name.encode() + b"=" + value + b"\n"
        self.text.append(out + b"\n")

    def noise(self, count):
        for i in range(count):
            self.add(MESSAGE=f"noise {self.number}", PRIORITY=str(i % 8), SYSLOG_IDENTIFIER="kernel", _TRANSPORT="kernel", _HOSTNAME="guest")

    def conmon(self, id, message, error=False, partial=False, uid="0"):
        more = {"CONTAINER_PARTIAL_MESSAGE": "true"} if partial else {}
        self.add(MESSAGE=message, CONTAINER_ID_FULL=id, PRIORITY="3" if error else "6", CONTAINER_ID=id[:12], CONTAINER_NAME="web", SYSLOG_IDENTIFIER="web",
                 **more, _TRANSPORT="journal", _UID=uid, _GID="0", _COMM="conmon", _HOSTNAME="guest", _PID="4711")

    def event(self, id):
        self.add(MESSAGE="container start", PRIORITY="6", SYSLOG_IDENTIFIER="podman", PODMAN_EVENT="start", PODMAN_TYPE="container", PODMAN_ID=id, _UID="0", _HOSTNAME="guest")

    def docker(self, id, message, error=False, part=None):
        more = {}
        if part is not None:
            more = {"CONTAINER_PARTIAL_ID": "f00", "CONTAINER_PARTIAL_ORDINAL": str(part[0]), "CONTAINER_PARTIAL_LAST": "true" if part[1] else "false"}
            if not part[1]:
                more["CONTAINER_PARTIAL_MESSAGE"] = "true"
        self.add(MESSAGE=message, PRIORITY="3" if error else "6", CONTAINER_ID_FULL=id, CONTAINER_ID=id[:12], CONTAINER_NAME="db", CONTAINER_TAG=id[:12],
                 IMAGE_NAME="db:1", SYSLOG_IDENTIFIER=id[:12], CONTAINER_LOG_EPOCH="e", CONTAINER_LOG_ORDINAL=str(self.number),
                 SYSLOG_TIMESTAMP="2026-01-02T03:04:05.123456789Z", **more, _TRANSPORT="journal", _UID="0", _HOSTNAME="guest", _COMM="dockerd")

    def write(self, name, **environment):
        path = os.path.join(OUT, name)
        if os.path.exists(path):
            os.remove(path)
        subprocess.run([REMOTE, "-o", path, "-"], input=b"".join(self.text), env={**os.environ, **environment}, check=True, stderr=subprocess.DEVNULL)


def fill(journal):
    journal.noise(20)
    journal.event(A)
    for i in range(150):
        journal.conmon(A, f"line {i}\n", error=i % 5 == 0)
        journal.noise(1)
        if i % 3 == 0:
            journal.docker(B, f"row {i}", error=i % 2 == 1)
    journal.conmon(A, "part ", partial=True)
    journal.conmon(A, "and its end\n")
    journal.conmon(A, b"\x1b[1mbold\x00\xff\xfe\n")
    journal.conmon(A, "\n")
    journal.conmon(A, "x" * 3000 + "\n")
    journal.conmon(A, "by another user\n", uid="1000")
    journal.docker(B, "y" * 16384, part=(1, False))
    journal.docker(B, "z" * 100, part=(2, True))
    journal.conmon(A, "last\n")
    journal.event(A)


for name, compact, keyed in (("compact", 1, 1), ("regular", 0, 1), ("unkeyed", 0, 0), ("compact-unkeyed", 1, 0)):
    journal = Journal()
    fill(journal)
    journal.write(f"{name}.journal", SYSTEMD_JOURNAL_COMPACT=str(compact), SYSTEMD_JOURNAL_KEYED_HASH=str(keyed))

journal = Journal()
for i in range(40):
    journal.docker(B, f"{i:08} " + "w" * 16375, part=(i + 1, i == 39))
journal.write("large.journal")

# What journalctl says of them: the same of each.
FIELDS = ["__REALTIME_TIMESTAMP", "MESSAGE", "PRIORITY", "CONTAINER_PARTIAL_MESSAGE", "_UID"]
said = set()
for name in ("compact", "regular", "unkeyed", "compact-unkeyed"):
    lines = []
    for id in (A, B):
        shown = subprocess.run(["journalctl", "--file", os.path.join(OUT, name + ".journal"), "--all", "-o", "json", "CONTAINER_ID_FULL=" + id], check=True, capture_output=True)
        for line in shown.stdout.splitlines():
            entry = json.loads(line)
            lines.append(json.dumps({"ID": id[0], **{field: entry[field] for field in FIELDS if field in entry}}))
    said.add("\n".join(lines) + "\n")
assert len(said) == 1
with open(os.path.join(OUT, "journalctl.jsonl"), "w") as out:
    out.write(said.pop())
