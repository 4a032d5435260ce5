"""What is in directories, as JSON on stdout: {directory: [entry, ...]}, everything that a layer can say of a file.

Of the project's own code there is nothing in it. Names are bytes, a character for each (latin1). An option before the directories:
--apart NAME leaves extended attributes of that name out.
"""
import hashlib
import json
import os
import stat
import sys

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


def text(name):
    return name.decode("latin1")


def below(directory, relative=b"."):
    """Every path from the top down; those that are too long for one call by way of a descriptor."""
    yield relative
    with os.scandir(directory) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        path = os.path.join(directory, name)
        own = name if relative == b"." else relative + b"/" + name
        if stat.S_ISDIR(os.lstat(path).st_mode):
            yield from below(path, own)
        else:
            yield own


def look(root, apart):
    entries, names = [], {}
    for relative in below(root):
        path = os.path.join(root, relative)
        status = os.lstat(path)
        kind = KINDS[stat.S_IFMT(status.st_mode)]
        entry = {
            "path": text(relative),
            "type": kind,
            "mode": oct(stat.S_IMODE(status.st_mode))[2:].zfill(4),
            "owner": "%d:%d" % (status.st_uid, status.st_gid),
            "mtime": str(status.st_mtime_ns),
            "xattrs": {
                name: text(os.getxattr(path, name, follow_symlinks=False))
                for name in os.listxattr(path, follow_symlinks=False)
                if name not in apart
            },
        }
        if kind == "symlink":
            entry["target"] = text(os.readlink(path))
        if kind in ("char", "block"):
            entry["device"] = "%d:%d" % (os.major(status.st_rdev), os.minor(status.st_rdev))
        if kind == "file":
            with open(path, "rb") as content:
                entry["content"] = hashlib.file_digest(content, "sha256").hexdigest() if sys.version_info >= (3, 11) else digest(content)
            entry["size"] = status.st_size
            entry["holes"] = status.st_blocks * 512 < status.st_size
        if kind != "directory" and status.st_nlink > 1:
            entry["group"] = names.setdefault((status.st_dev, status.st_ino), [])
            entry["group"].append(text(relative))
        entries.append(entry)
    return entries


def digest(content):
    sum = hashlib.sha256()
    for part in iter(lambda: content.read(1 << 20), b""):
        sum.update(part)
    return sum.hexdigest()


arguments, apart = sys.argv[1:], set()
while arguments and arguments[0] == "--apart":
    apart.add(arguments[1])
    arguments = arguments[2:]
json.dump({root: look(os.fsencode(root), apart) for root in arguments}, sys.stdout)
