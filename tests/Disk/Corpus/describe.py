#!/usr/bin/env python3
"""Describes each file under a directory in a line, as the kernel sees it: path, mode, owner, ... (see TreeText.cs, which writes the same)."""
import hashlib
import os
import stat
import struct
import sys
import urllib.parse

PAGE = 4096
WHOLE = 64 << 20
ZEROES = bytes(PAGE)


def quote(name):
    return urllib.parse.quote_from_bytes(name, safe="/") or "-"


def ranges(file, size):
    """Small files are read whole; of large ones what is not in a hole."""
    if size <= WHOLE:
        yield 0, size
        return
    offset = 0
    while offset < size:
        try:
            begin = os.lseek(file, offset, os.SEEK_DATA)
        except OSError:
            return
        offset = os.lseek(file, begin, os.SEEK_HOLE)
        yield begin, offset


def contents(path, size):
    """Of pages that are not zero: where they are, and what is in them."""
    digest = hashlib.sha256()
    file = os.open(path, os.O_RDONLY)
    for begin, end in ranges(file, size):
        begin -= begin % PAGE
        end += -end % PAGE
        while begin < end:
            data = os.pread(file, min(1 << 20, end - begin), begin)
            if not data:
                break
            for at in range(0, len(data), PAGE):
                page = data[at:at + PAGE]
                if page != ZEROES[:len(page)]:
                    digest.update(struct.pack("<q", begin + at))
                    digest.update(page)
            begin += len(data)
    os.close(file)
    return digest.hexdigest()[:32]


def attributes(path):
    found = sorted((os.fsencode(name), os.getxattr(path, name, follow_symlinks=False)) for name in os.listxattr(path, follow_symlinks=False))
    return ",".join(quote(name) + "=" + hashlib.sha256(value).hexdigest()[:16] for name, value in found) or "-"


def describe(root, path):
    whole = root + b"/" + path if path else root
    status = os.lstat(whole)
    mode = status.st_mode
    print(
        quote(path), "%o" % mode, status.st_uid, status.st_gid,
        "%d:%d" % (os.major(status.st_rdev), os.minor(status.st_rdev)) if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "-",
        "-" if stat.S_ISDIR(mode) else status.st_size,
        quote(os.readlink(whole)) if stat.S_ISLNK(mode) else "-",
        contents(whole, status.st_size) if stat.S_ISREG(mode) else "-",
        attributes(whole),
        status.st_ino, status.st_nlink, status.st_size, status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)
    if stat.S_ISDIR(mode):
        for name in sorted(os.listdir(whole)):
            if path or name != b"lost+found":
                describe(root, path + b"/" + name if path else name)


describe(os.fsencode(sys.argv[1]), b"")
