"""stage.py NUMBER ROOT [--without WHAT]...: make the files of layer NUMBER (1, 2 or 3) below ROOT, which has those of the layers before it.

Layer 1 is one of each kind of thing that a file system can hold; the next two change and remove. Everything made or changed has a time that
is not the time of making it: one that is told here, or one that follows from its path.
WHAT is left out for a maker of images that cannot say it: sockets, bytes (names that are not UTF-8), ...
"""
import hashlib
import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
import time

NUMBER, ROOT = int(sys.argv[1]), os.fsencode(sys.argv[2])
WITHOUT = set(sys.argv[4::2])
BEGAN = time.time_ns()
SECOND = 10**9
YEAR = 365 * 86400 * SECOND


def at(path):
    return os.path.join(ROOT, path if isinstance(path, bytes) else path.encode())


def dress(path, mode=None, owner=None, mtime=None, xattrs=None):
    """Owner first, since chown(2) takes setuid bits and capabilities away; the time last."""
    if owner is not None:
        os.chown(path, *owner, follow_symlinks=False)
    if mode is not None:
        os.chmod(path, mode)
    for name, value in (xattrs or {}).items():
        os.setxattr(path, name, value, follow_symlinks=False)
    if mtime is not None:
        os.utime(path, ns=(mtime, mtime), follow_symlinks=False)


def parents(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)


def file(path, content=b"", mode=0o644, **more):
    path = at(path)
    parents(path)
    with open(path, "wb") as made:
        made.write(content.encode() if isinstance(content, str) else content)
    dress(path, mode, **more)


def directory(path, mode=0o755, **more):
    path = at(path)
    os.makedirs(path, exist_ok=True)
    dress(path, mode, **more)


def symlink(path, target, **more):
    path = at(path)
    parents(path)
    os.symlink(target, path)
    dress(path, **more)


def node(path, kind, mode=0o644, device=(0, 0), **more):
    path = at(path)
    parents(path)
    os.mknod(path, kind | 0o600, os.makedev(*device))
    dress(path, mode, **more)


def link(path, target):
    path = at(path)
    parents(path)
    os.link(at(target), path, follow_symlinks=False)


def sparse(path, size, *islands):
    path = at(path)
    parents(path)
    with open(path, "wb") as made:
        made.truncate(size)
        for place in islands:
            made.seek(place)
            made.write(b"land %d " % place * 1000)


def remove(path):
    path = at(path)
    if stat.S_ISDIR(os.lstat(path).st_mode):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def capability(effective, *numbers, root=None):
    """The attribute security.capability: include/uapi/linux/capability.h; with the user namespace's root as revision 3."""
    bits = sum(1 << number for number in numbers)
    low, high = bits & 0xFFFFFFFF, bits >> 32
    revision = 0x02000000 if root is None else 0x03000000
    value = struct.pack("<5I", revision | (1 if effective else 0), low, 0, high, 0)
    return value if root is None else value + struct.pack("<I", root)


def first():
    from_host = shutil.which("busybox")
    parents(at("bin/busybox"))
    shutil.copyfile(from_host, at("bin/busybox"))
    dress(at("bin/busybox"), 0o755)
    for name in ("sh", "true", "cat", "sleep"):
        symlink("bin/" + name, "busybox")
    file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    file("etc/os-release", "ID=compared\n")
    for name in ("proc", "sys", "dev", "tmp"):
        directory(name)

    for mode in (0o0000, 0o0400, 0o0644, 0o0711, 0o2755, 0o4755, 0o6711, 0o7777):
        file("modes/file-%04o" % mode, "mode %o\n" % mode, mode)
        directory("modes/directory-%04o" % mode, mode)
        node("modes/fifo-%04o" % mode, stat.S_IFIFO, mode)
    file("modes/directory-0000/inside", "nobody comes here\n", 0o600)
    directory("modes/empty", 0o755)

    for uid, gid in ((0, 42), (1000, 1000), (65534, 65534), (2097151, 2097152), (2097152, 1), (4294967294, 4294967293)):
        name = "owners/%d-%d" % (uid, gid)
        file(name, name, 0o640, owner=(uid, gid))
        directory(name + "-directory", owner=(uid, gid))
        symlink(name + "-link", "nowhere", owner=(uid, gid))
        node(name + "-fifo", stat.S_IFIFO, owner=(uid, gid))
    file("owners/setuid", "chown comes first", 0o6755, owner=(1000, 1001))

    file("links/one", "of three names\n", 0o600, owner=(7, 8))
    link("links/two", "links/one")
    link("links/elsewhere/three", "links/one")
    file("links/0-first", "its first name is removed later\n")
    link("links/z-last", "links/0-first")
    symlink("links/relative", "../etc/passwd")
    symlink("links/absolute", "/etc/passwd")
    symlink("links/dangling", "/no/such/file")
    symlink("links/itself", "itself")
    symlink("links/upwards", "../../../../../../etc")
    symlink("links/long-100", "t" * 100)
    symlink("links/long-101", "t" * 101)
    symlink("links/long", "/".join("target %03d" % number for number in range(300)))
    symlink("links/with\nnewline", "a\nb c")
    symlink("links/again", "one name of two")
    link("links/again-linked", "links/again")
    if "bytes" not in WITHOUT:
        symlink("links/bytes", b"\xff\xfe/\x80")

    for kind, name, devices in (
        (stat.S_IFCHR, "char", ((1, 3), (0, 1), (1, 0), (255, 255), (256, 256), (4095, 1048575))),
        (stat.S_IFBLK, "block", ((8, 1), (0, 0), (259, 1048575))),
    ):
        for device in devices:
            node("nodes/%s-%d-%d" % (name, *device), kind, 0o660, device, owner=(0, 6))
    node("nodes/fifo", stat.S_IFIFO, 0o622)
    link("nodes/fifo-linked", "nodes/fifo")
    link("nodes/char-linked", "nodes/char-1-3")
    if "sockets" not in WITHOUT:
        node("nodes/socket", stat.S_IFSOCK, 0o755)

    cap_net_raw, cap_setfcap, cap_bpf = 13, 31, 39
    file("xattrs/capability", "raw", 0o755, xattrs={"security.capability": capability(True, cap_net_raw, cap_bpf)})
    file("xattrs/capability-of-another", "owner and all", 0o4755, owner=(5, 5), xattrs={"security.capability": capability(False, cap_setfcap)})
    file("xattrs/capability-of-a-namespace", "v3", 0o755, xattrs={"security.capability": capability(True, cap_net_raw, root=100000)})
    file("xattrs/setcap", "by the program", 0o755)
    subprocess.run(["setcap", "cap_net_bind_service,cap_sys_nice=ep", at("xattrs/setcap")], check=True)
    link("xattrs/setcap-linked", "xattrs/setcap")
    if "user-xattrs" not in WITHOUT:
        file("xattrs/user", "text", xattrs={"user.comment": b"a comment", "user.second": b"=" * 20})
        if "odd-xattrs" not in WITHOUT:
            file("xattrs/odd", "what a PAX record cannot say", xattrs={"user.empty": b"", "user.with=sign": b"a=b"})
        file("xattrs/binary", "bytes", xattrs={"user.binary": bytes(range(256)), "user.newline": b"\n1 x=y\n\0"})
        file("xattrs/large", "large", xattrs={"user.large": b"0123456789" * 200})
        file("xattrs/read-only", "no right to write", 0o444, owner=(3, 4), xattrs={"user.late": b"still"})
        directory("xattrs/directory", xattrs={"user.directory": b"of a directory"})
        file("xattrs/trusted", "of root", xattrs={"trusted.compared": b"yes"})
        symlink("xattrs/link", "user", xattrs={"trusted.link": b"of a link"})

    for name in ("with space", " leading", "trailing ", "-dash", "new\nline", "tab\t", "\u00fcml\u00e4ut", "e\u0301", "\u8239", "back\\slash", "*?[a]", "'\"`$(x)", "...", "=", "12 path=x", "#", "%s", "\x01\x7f"):
        file("names/" + name, "named " + name)
    if "bytes" not in WITHOUT:
        file(b"names/\xff\xfe\x80", "not UTF-8")
        file(b"names/\xc3(\xa0/ends in half a letter \xe2\x82", "nor this")
        file(b"names/" + b"\xe9" * 255, "nor this, and long")
    for length in (99, 100, 101, 155, 156, 255):
        file("names/" + "n" * length, "%d bytes" % length)
        directory("names/d" + "n" * (length - 1))
        symlink("names/l" + "n" * (length - 1), "n" * length)
    file("names/" + "p" * 155 + "/" + "n" * 100, "as long as USTAR can say")
    file("names/deep/" + "/".join("%03d %s" % (number, "deep" * 30) for number in range(20)) + "/file", "down here")
    link("names/" + "link to what is deep " * 12, "names/deep/" + "/".join("%03d %s" % (number, "deep" * 30) for number in range(20)) + "/file")

    for name, mtime in (
        ("nanosecond", 1234567890 * SECOND + 1),
        ("nanoseconds", 1234567890 * SECOND + 123456789),
        ("last-nanosecond", 1234567890 * SECOND + 999999999),
        ("tenth", 1234567890 * SECOND + 100000000),
        ("epoch", 0),
        ("before-1970", -SECOND - SECOND // 2),
        ("in-1969", -SECOND // 4),
        ("in-1901", -(2**31) * SECOND - SECOND),
        ("in-2039", 69 * YEAR + 5),
        ("in-2107", 2**32 * SECOND + 7),
        ("in-2243", 2**33 * SECOND + 7),
    ):
        file("times/" + name, name, mtime=mtime)
        symlink("times/" + name + "-link", name, mtime=mtime)
        directory("times/" + name + "-directory", mtime=mtime)
        node("times/" + name + "-fifo", stat.S_IFIFO, mtime=mtime)

    sparse("sparse/islands", 24 << 20, 0, 5 << 20, (16 << 20) + 12345)
    sparse("sparse/all-hole", 1 << 20)
    sparse("sparse/ends-in-a-hole", 3 << 20, 1 << 20)
    sparse("sparse/many", 4 << 20, *range(64 << 10, 4 << 20, 128 << 10))
    file("sparse/empty")
    file("sparse/zeros", bytes(100000))

    file("changes/content", "before")
    file("changes/mode", "mode", 0o644)
    file("changes/owner", "owner", 0o4755)
    file("changes/time", "time")
    file("changes/capability", "capability", 0o755)
    file("changes/same-size", "before")
    link("changes/linked", "changes/content")
    file("changes/untouched", "untouched")
    directory("changes/directory-mode", 0o700)
    file("changes/directory-mode/inside", "untouched too")
    file("removed/file", "removed")
    file("removed/tree/a/b/c", "removed with its tree")
    symlink("removed/link", "file")
    node("removed/fifo", stat.S_IFIFO)
    directory("removed/empty")
    file("removed/back", "is back in layer 3")
    file("removed/" + "w" * 255, "of the longest name")
    file("opaque/old/one", "covered")
    file("opaque/two", "covered")
    file("opaque/kept", "made anew")
    file("turned/file-to-directory", "a file")
    file("turned/directory-to-file/inside", "inside")
    file("turned/directory-to-link/inside", "inside")
    symlink("turned/link-to-directory", "../etc")
    symlink("turned/link-to-file", "../etc/passwd")
    file("turned/file-to-link", "a file")
    file("turned/file-to-fifo", "a file")
    node("turned/device-to-file", stat.S_IFCHR, 0o600, (1, 5))


def second():
    file("changes/content", "after: the other name keeps what was")
    dress(at("changes/mode"), 0o4711)
    dress(at("changes/owner"), owner=(33, 34))
    dress(at("changes/time"), mtime=987654321 * SECOND + 987654321)
    dress(at("changes/capability"), xattrs={"security.capability": capability(True, 10)})
    file("changes/same-size", "after.")
    dress(at("changes/directory-mode"), 0o3775)
    file("changes/new", "new")
    link("changes/new-linked", "changes/new")
    for name in ("file", "tree", "link", "fifo", "empty", "back", "w" * 255):
        remove("removed/" + name)
    remove("links/0-first")
    remove("opaque")
    directory("opaque", 0o750, owner=(9, 9))
    file("opaque/kept", "made anew, in layer 2")
    file("opaque/three", "new")
    for name in os.listdir(at("turned")):
        if not name.startswith(b"directory-to-") or "turned-directories" not in WITHOUT:
            remove(b"turned/" + name)
    file("turned/file-to-directory/inside", "inside")
    if "turned-directories" not in WITHOUT:
        file("turned/directory-to-file", "a file now")
        symlink("turned/directory-to-link", "../changes")
    file("turned/link-to-directory/inside", "not in /etc")
    file("turned/link-to-file", "not /etc/passwd")
    symlink("turned/file-to-link", "link-to-file")
    node("turned/file-to-fifo", stat.S_IFIFO, 0o600)
    file("turned/device-to-file", "no device")
    file("second/alone", "in a directory that is new")
    file("second/removed", "to be removed again")
    if "bytes" not in WITHOUT:
        remove(b"names/\xff\xfe\x80")
    remove("names/new\nline")
    remove("modes/directory-0000/inside")


def third():
    file("removed/back", "back again")
    remove("second/removed")
    remove("opaque/three")
    if "turned-directories" not in WITHOUT:
        file("opaque/old", "a file where a directory was, two layers below")
        remove("turned/file-to-directory")
        file("turned/file-to-directory", "a file once more")
    directory("removed/tree")
    directory("third/empty")
    link("third/linked-up", "second/alone")
    remove("sparse")


def settle():
    """What still has the time of making gets one that follows from its path, whole seconds and a fraction."""
    for directory, below, files in os.walk(ROOT, topdown=False):
        for path in [os.path.join(directory, name) for name in below + files]:
            # Docker has files of its own in a container.
            if NUMBER > 1 and os.path.relpath(path, ROOT).split(b"/")[0] in (b".dockerenv", b"dev", b"etc"):
                continue
            if not BEGAN - SECOND // 10 < os.lstat(path).st_mtime_ns < BEGAN + YEAR:
                continue
            seed = int.from_bytes(hashlib.sha256(os.path.relpath(path, ROOT) + bytes([NUMBER])).digest()[:8], "big")
            mtime = (10**9 + seed % (5 * 10**8)) * SECOND + seed % SECOND
            os.utime(path, ns=(mtime, mtime), follow_symlinks=False)


os.umask(0o022)
(first, second, third)[NUMBER - 1]()
settle()
if NUMBER == 1:
    dress(ROOT, 0o751, mtime=1300000000 * SECOND + 130000000)
