#!/usr/bin/env python3
"""Fills a directory with one of each kind of file, the same each time. What a file system cannot hold is left out."""
import ctypes
import os
import socket
import stat
import struct
import sys

PAGE = 4096
FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE = 1, 2
libc = ctypes.CDLL(None, use_errno=True)


def fallocate(file, mode, offset, length):
    if libc.fallocate(file.fileno(), mode, ctypes.c_long(offset), ctypes.c_long(length)) != 0:
        raise OSError(ctypes.get_errno(), "fallocate")


def pattern(seed, length):
    """Bytes that look random."""
    out = bytearray()
    state = seed * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    while len(out) < length:
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        out += struct.pack("<Q", state)
    return bytes(out[:length])


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def attempt(action, *arguments):
    try:
        action(*arguments)
    except OSError:
        pass


def contents(root):
    write(root + b"/empty", b"")
    for length in (1, 59, 60, 61, 160, 1023, 1024, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 1, 70000):
        write(root + b"/of-%d" % length, pattern(length, length))
    write(root + b"/large", pattern(7, 1 << 20) * 6)


def sparse(root):
    with open(root + b"/over-4-gib", "wb") as file:
        for offset in (0, 13 * PAGE, (1 << 32) - 5, (1 << 32) + 123456, 5 << 30):
            file.seek(offset)
            file.write(pattern(offset, 5000))
    with open(root + b"/nothing-but-a-hole", "wb") as file:
        file.truncate(1 << 20)
    with open(root + b"/hole-at-its-end", "wb") as file:
        file.write(pattern(1, PAGE))
        file.truncate(1 << 22)


def fragmented(root):
    """Every second page of it is a hole: more extents than fit into an inode, or into one block."""
    with open(root + b"/fragmented", "wb") as file:
        file.write(pattern(3, 1 << 18) * 16)
        file.flush()
        os.fsync(file.fileno())
        for page in range(0, 1024, 2):
            try:
                fallocate(file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, page * PAGE, PAGE)
            except OSError:
                return


def allocated(root):
    """Blocks that nothing was written to, but for some."""
    with open(root + b"/allocated", "wb") as file:
        try:
            fallocate(file, 0, 0, 1 << 20)
        except OSError:
            return
        file.seek(300000)
        file.write(pattern(4, 9999))


def names(root):
    directory = root + b"/names"
    os.mkdir(directory)
    for name in (b"-rf", b" ", b"space and\ttab", b"new\nline", b"\x1b[31mred\x1b[0m", b"not-\xff\xfe-utf8", "grün-渡り".encode(), b"\\x41", b"...", b"a" * 255):
        write(directory + b"/" + name, name)


def many(root):
    directory = root + b"/many"
    os.mkdir(directory)
    for number in range(1400):
        write(directory + b"/a-name-of-some-length-%05d" % number, b"%d" % number)
    for number in range(0, 1400, 7):
        os.remove(directory + b"/a-name-of-some-length-%05d" % number)


def deep(root):
    path = root + b"/deep"
    for level in range(64):
        os.mkdir(path)
        path += b"/%d" % level
    write(path, b"the bottom")


def links(root):
    directory = root + b"/links"
    os.mkdir(directory)
    write(directory + b"/file", b"linked")
    os.link(directory + b"/file", directory + b"/hard")
    for name, target in {
        b"relative": b"file", b"absolute": b"/links/file", b"chain": b"relative", b"dangling": b"nowhere", b"itself": b"itself",
        b"loop-a": b"loop-b", b"loop-b": b"loop-a", b"up": b"../../../../links/file", b"to-directory": b"../deep/0", b"dots": b"./.././links//file",
        b"of-59": b"x" * 59, b"of-60": b"x" * 60, b"of-61": b"y" * 61, b"of-1000": b"/z" * 500,
    }.items():
        os.symlink(target, directory + b"/" + name)

def long_link(root):
    """mke2fs does not copy it."""
    attempt(os.symlink, b"/w" * 2047, root + b"/link-of-4094")


def nodes(root):
    directory = root + b"/nodes"
    os.mkdir(directory)
    os.mkfifo(directory + b"/fifo")
    os.mknod(directory + b"/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(directory + b"/large", stat.S_IFBLK | 0o600, os.makedev(300, 70000))
    # A path of a socket is short: bind beside it.
    before = os.getcwd()
    os.chdir(directory)
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind("socket")
    os.chdir(before)


def owners(root):
    directory = root + b"/owners"
    os.mkdir(directory)
    for name, mode, uid, gid in ((b"setuid", 0o4755, 0, 0), (b"setgid", 0o2711, 70000, 5), (b"sticky", 0o1777, 1000, 4000000000), (b"none", 0, 65534, 65534)):
        write(directory + b"/" + name, name)
        os.chown(directory + b"/" + name, uid, gid)
        os.chmod(directory + b"/" + name, mode)


def times(root):
    directory = root + b"/times"
    os.mkdir(directory)
    for name, nanoseconds in ((b"1960", -315619200_123456789), (b"1970", 1), (b"2038", 2147483647_999999999), (b"2040", 2208988800_000000001), (b"2300", 10413792000_500000000)):
        write(directory + b"/" + name, name)
        attempt(lambda path, when: os.utime(path, ns=(when, when + 1)), directory + b"/" + name, nanoseconds)


def attributes(root):
    directory = root + b"/attributes"
    os.mkdir(directory)
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, perm, who) for tag, perm, who in (
        (1, 6, 0xFFFFFFFF), (2, 7, 1000), (4, 4, 0xFFFFFFFF), (8, 5, 70000), (16, 7, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)))
    for name, values in {
        b"small": {"user.small": b"1", "user.empty": b""},
        b"in-block": {"user.large": pattern(5, 700), "user.name": b"value"},
        b"many": {"user.number-%02d" % number: b"%d" % number for number in range(24)},
        b"spaces": {"trusted.overlay.opaque": b"y", "security.capability": struct.pack("<IIIII", 0x02000000, 1, 0, 0, 0), "user.z": b"z"},
        b"acl": {"system.posix_acl_access": acl},
        b"huge": {"user.huge": pattern(6, 30000), "user.next": pattern(8, 9000)},
    }.items():
        write(directory + b"/" + name, name)
        for attribute, value in values.items():
            attempt(os.setxattr, directory + b"/" + name, attribute, value)
    os.mkdir(directory + b"/directory")
    attempt(os.setxattr, directory + b"/directory", "system.posix_acl_default", acl)
    attempt(os.setxattr, directory + b"/directory", "user.on-a-directory", pattern(9, 90))
    os.symlink(b"nowhere", directory + b"/link")
    attempt(lambda: os.setxattr(directory + b"/link", "trusted.on-a-link", b"1", follow_symlinks=False))


def small_directories(root):
    """Some of which fit into their inodes, where the file system has that."""
    for count in (0, 1, 2, 5, 9):
        directory = root + b"/with-%d" % count
        os.mkdir(directory)
        for number in range(count):
            write(directory + b"/%d" % number, b"%d" % number)


def little(root):
    """A few of each, for file systems that are read whole ten thousand times."""
    write(root + b"/text", b"text")
    write(root + b"/of-3000", pattern(2, 3000))
    with open(root + b"/holes", "wb") as file:
        for block in range(0, 120, 2):
            file.seek(block * 1024)
            file.write(pattern(block, 1024))
    os.mkdir(root + b"/names")
    for number in range(70):
        write(root + b"/names/some-name-%03d" % number, b"")
    os.makedirs(root + b"/a/b/c")
    write(root + b"/a/b/c/d", b"deep")
    os.symlink(b"a/b/../b/c/d", root + b"/link")
    os.symlink(b"/a" * 100, root + b"/long-link")
    os.mkfifo(root + b"/fifo")
    os.mknod(root + b"/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.setxattr(root + b"/text", "user.small", b"1")
    os.setxattr(root + b"/of-3000", "user.large", pattern(5, 400))


def main():
    root = os.fsencode(sys.argv[1])
    kinds = sys.argv[2:]
    os.umask(0o022)
    for fill in (contents, sparse, fragmented, allocated, names, many, deep, links, long_link, nodes, owners, times, attributes, small_directories):
        if not kinds or fill.__name__ in kinds:
            fill(root)
    if "little" in kinds:
        little(root)


main()
