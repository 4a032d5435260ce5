"""oddities.py FILE [TWICE]: an archive as no tool of today makes it, but as layers may be: what of it counts is for its reader to know. In TWICE
names come again, with which Docker has nothing to do.
"""
import sys
import tarfile

LATER = 1600000000


def member(name, content=None, type=tarfile.REGTYPE, format=tarfile.PAX_FORMAT, **fields):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime = type, 0o644, LATER
    if type == tarfile.DIRTYPE:
        info.mode = 0o755
    for field, value in fields.items():
        setattr(info, field, value)
    content = (content or "").encode()
    info.size = len(content)
    made = info.tobuf(format, "utf-8", "surrogateescape")
    return made + content + bytes(-len(content) % 512)


def directory(name, **fields):
    return member(name, type=tarfile.DIRTYPE, **fields)


def checked(header):
    """A header with its checksum made right: the sum of the bytes, its own eight taken as spaces."""
    header = header[:148] + b" " * 8 + header[156:]
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]


def ancient(name, content=b"", mode=0o644):
    """As of 1979: no magic, no type; a slash at the end makes a directory."""
    header = name.ljust(100, b"\0") + b"%06o \0%06o \0%06o \0%011o %011o " % (mode, 5, 6, len(content), LATER)
    return checked(header.ljust(512, b"\0")) + content + bytes(-len(content) % 512)


def spaced(name):
    """Numbers that spaces lead and nothing ends."""
    header = bytearray(member(name, "", format=tarfile.USTAR_FORMAT))
    header[100:108], header[108:116], header[116:124] = b"    640 ", b"      7 ", b"     10\0"
    return checked(bytes(header))


LAYER = [
    tarfile.TarInfo.create_pax_global_header({"comment": "as git archive has one"}),
    # Parents of nothing said before, names in need of cleaning.
    member("implied/by/a/file", "its directories are not in the archive"),
    member("./dotted/./file", "dots"),
    member("double//slash", "slashes"),
    member("up/../down/file", "up and down"),
    member("/absolute/file", "from the root"),
    directory("slashed///"),
    # Links.
    member("links/file", "file", mode=0o4755, uid=1000),
    member("links/absolute", type=tarfile.LNKTYPE, linkname="/links/file", mode=0o4755, uid=1000),
    member("links/dotted", type=tarfile.LNKTYPE, linkname="./links/../links/file", mode=0o4755, uid=1000),
    member("links/other-mode", type=tarfile.LNKTYPE, linkname="links/file", mode=0o711, uid=3),
    member("links/symbolic", type=tarfile.SYMTYPE, linkname="file", uid=4, mode=0o600),
    member("links/symbolic-2", type=tarfile.LNKTYPE, linkname="links/symbolic", uid=4, mode=0o600),
    # Times.
    member("times/many-digits", "many", pax_headers={"mtime": "1500000000.1234567891234"}),
    member("times/few-digits", "few", pax_headers={"mtime": "1500000000.12"}),
    member("times/negative", "negative", pax_headers={"mtime": "-1.25"}),
    member("times/of-access", "access", pax_headers={"atime": "1400000000.5", "ctime": "1400000001.5"}),
    directory("times/directory", pax_headers={"mtime": "1500000000.987654321"}),
    member("times/directory/inside", "its directory's time stays"),
    # Numbers.
    member("numbers/pax", "pax", pax_headers={"uid": "4000000000", "gid": "3000000"}),
    member("numbers/gnu", "gnu", uid=4000000000, gid=3000000, mtime=2**34, format=tarfile.GNU_FORMAT),
    member("numbers/names", "numbers count", uid=12, gid=13, uname="root", gname="root"),
    member("numbers/char", type=tarfile.CHRTYPE, devmajor=4095, devminor=1048575),
    spaced("numbers/spaced"),
    # Names, as each format has the long ones.
    member("names/gnu/" + "g" * 200, "gnu", format=tarfile.GNU_FORMAT),
    member("names/gnu-link/" + "g" * 200, type=tarfile.SYMTYPE, linkname="t" * 200, format=tarfile.GNU_FORMAT),
    member("names/ustar/" + "u" * 90 + "/" + "u" * 90, "prefix", format=tarfile.USTAR_FORMAT),
    member("names/pax-\udcff\udcfe", "bytes", pax_headers={"path": "names/pax-\udcff\udcfe"}),
    ancient(b"names/ancient", b"old"),
    ancient(b"names/ancient-directory/", mode=0o750),
    # Attributes.
    member("xattrs/file", "one", pax_headers={"SCHILY.xattr.user.one": "1", "SCHILY.xattr.user.nul": "a\0b"}),
    member("xattrs/link", type=tarfile.SYMTYPE, linkname="file", pax_headers={"SCHILY.xattr.user.one": "not on links"}),
    member("xattrs/libarchive", "of another kind", pax_headers={"LIBARCHIVE.xattr.user.two": "Mg"}),
    # Whiteouts: of nothing, of what comes after, opaque before and after what is in it.
    member("whiteouts/.wh.nothing"),
    member("whiteouts/.wh.comes-after"),
    member("whiteouts/comes-after", "it is here"),
    member("opaque-first/.wh..wh..opq"),
    member("opaque-first/file", "after"),
    directory("opaque-last", mode=0o700),
    member("opaque-last/file", "before"),
    member("opaque-last/.wh..wh..opq"),
    member("opaque-owned/.wh..wh..opq", mode=0o600, uid=9),
    directory("opaque-owned", mode=0o710, uid=8, gid=8),
    # No file at all.
    bytes(1024),
]

AGAIN = [
    member("twice/file", "first", mode=0o600, uid=1),
    member("twice/file", "second", mode=0o640, uid=2),
    directory("twice/directory", mode=0o700, pax_headers={"mtime": "1500000000.5"}),
    member("twice/directory/kept", "kept"),
    directory("twice/directory", mode=0o711, pax_headers={"mtime": "1500000001.25"}),
    directory("twice/directory-then-file"),
    member("twice/directory-then-file/inside", "goes"),
    member("twice/directory-then-file", "a file at last"),
    member("twice/file-then-directory", "goes"),
    directory("twice/file-then-directory"),
    member("twice/link", type=tarfile.SYMTYPE, linkname="directory"),
    member("twice/link", "no link any more"),
    member("twice/linked", "of two names"),
    member("twice/linked-2", type=tarfile.LNKTYPE, linkname="twice/linked"),
    member("twice/linked", "of one name"),
    bytes(1024),
]

for path, layer in zip(sys.argv[1:], (LAYER, AGAIN)):
    with open(path, "wb") as made:
        made.write(b"".join(layer))
