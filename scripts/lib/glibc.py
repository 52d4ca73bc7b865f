"""Checks that built functions run on Amazon Linux 2023: right machine, no newer glibc than its 2.34.

    python scripts/lib/glibc.py [--architecture x86_64|arm64] FILE...

Reads the ELF file itself: the names of the symbol versions that it needs are in the section of
type SHT_GNU_verneed.
"""

from __future__ import annotations

import argparse
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

NEWEST = (2, 34)
VERNEED = 0x6FFFFFFE
MACHINES = {62: "x86_64", 183: "arm64"}


class NotElf(Exception):
    """The file is no 64-bit little-endian ELF file."""


@dataclass
class Section:
    kind: int
    offset: int
    size: int
    link: int
    entries: int


def machine(data: bytes) -> str:
    """The processor that the file is for."""
    if data[:6] != b"\x7fELF\x02\x01":
        raise NotElf("not a 64-bit little-endian ELF file")
    number = struct.unpack_from("<H", data, 18)[0]
    return MACHINES.get(number, f"machine {number}")


def sections(data: bytes) -> list[Section]:
    offset = struct.unpack_from("<Q", data, 40)[0]
    size, count = struct.unpack_from("<HH", data, 58)
    found = []
    for index in range(count):
        _, kind, _, _, start, length, link, entries = struct.unpack_from("<IIQQQQII", data, offset + index * size)
        found.append(Section(kind, start, length, link, entries))
    return found


def needed_versions(data: bytes) -> set[str]:
    """For example {"GLIBC_2.2.5", "GCC_3.0"}."""
    all_sections = sections(data)
    found = set()
    for section in all_sections:
        if section.kind != VERNEED:
            continue
        strings = all_sections[section.link].offset
        file_at = section.offset
        for _ in range(section.entries):
            _, count, _, first, following = struct.unpack_from("<HHIII", data, file_at)
            version_at = file_at + first
            for _ in range(count):
                _, _, _, name, step = struct.unpack_from("<IHHII", data, version_at)
                end = data.index(b"\0", strings + name)
                found.add(data[strings + name : end].decode())
                version_at += step
            file_at += following
    return found


def newest_glibc(versions: set[str]) -> tuple[int, ...]:
    numbers = [name.removeprefix("GLIBC_") for name in versions if name.startswith("GLIBC_")]
    return max((tuple(map(int, number.split("."))) for number in numbers if number[0].isdigit()), default=(0,))


def problem(path: Path, architecture: str) -> str | None:
    """Prints the needs of the file and returns its faults."""
    data = path.read_bytes()
    try:
        built_for = machine(data)
        newest = newest_glibc(needed_versions(data))
    except (NotElf, struct.error, ValueError) as error:
        return f"{path}: {error}"
    version = ".".join(map(str, newest))
    print(f"  {path.parent.name:<18} {built_for:<7} GLIBC {version:<6} {len(data) / 1_000_000:6.1f} MB")
    if built_for != architecture:
        return f"{path}: built for {built_for}, not for {architecture}"
    if newest > NEWEST:
        return f"{path}: needs GLIBC {version}; Amazon Linux 2023 has 2.34"
    return None


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="glibc check of built functions")
    parser.add_argument("--architecture", choices=sorted(MACHINES.values()), default="x86_64")
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    problems = [found for path in options.files if (found := problem(path, options.architecture))]
    for found in problems:
        print(f"error: {found}", file=sys.stderr)
    if problems:
        print("next: scripts/build release", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
