"""Small files of every format that may be uploaded, made byte by byte.

What belongs here: bytes. What does not: the API.
"""

import struct
import zlib

SECRET = b"31.2304N 121.4737E"
MB = 1024 * 1024


def segment(marker, content):
    """A segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(before=b"", behind=b"", size=(5, 3)):
    """A JPEG, with segments before its frame and bytes behind its end."""
    frame = segment(0xC0, b"\x08" + struct.pack(">HH", size[1], size[0]) + b"\x01\x01\x11\0")
    scan = segment(0xDA, b"\x01\x01\0\0\x3f\0") + b"\x07\xff\0\x08"
    return b"\xff\xd8" + segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0") + before + frame + scan + b"\xff\xd9" + behind


def exif():
    """Exif with a place."""
    return segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0" + SECRET)


def chunk(kind, content):
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width=4, height=2):
    """A grey PNG that any viewer opens."""
    rows = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height)))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def webp():
    """A WebP."""
    picture = b"VP8 " + struct.pack("<I", 12) + b"\x30\x01\0\x9d\x01\x2a\x05\0\x03\0\x01\0"
    return b"RIFF" + struct.pack("<I", len(picture) + 4) + b"WEBP" + picture


def box(kind, content):
    """A box of an MP4."""
    return struct.pack(">I", len(content) + 8) + kind + content


def times(kind, duration_ms):
    """A header with a duration, in milliseconds."""
    return box(kind, b"\0" * 12 + struct.pack(">II", 1_000, duration_ms) + b"\0" * 8)


def mp4(bytes_=None, handler=b"vide", brand=b"isom", duration_ms=1_500):
    """An MP4 of exactly so many bytes."""
    named = box(b"hdlr", b"\0" * 8 + handler + b"\0" * 12)
    track = box(b"trak", box(b"mdia", times(b"mdhd", duration_ms) + named))
    head = box(b"ftyp", brand + b"\0\0\0\0") + box(b"moov", times(b"mvhd", duration_ms) + track)
    return head + box(b"mdat", b"\x55" * ((bytes_ or len(head) + 16) - len(head) - 8))


def mp3(frames=50):
    """Frames of 26 ms."""
    return (b"\xff\xfb\x90\0" + b"\x55" * 413) * frames


def aac(frames=50):
    """Frames of 64 ms."""
    return (b"\xff\xf1\x60\x40\x0c\x9f\xfc" + b"\x55" * 93) * frames


def m4a(duration_ms=1_500):
    """Sound in an MP4."""
    return mp4(handler=b"soun", brand=b"M4A ", duration_ms=duration_ms)
