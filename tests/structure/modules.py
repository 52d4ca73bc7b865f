"""Reads which file of a crate uses which, and where types are defined.

What belongs here: finding and reading. What does not: rules (`test_modules.py`).
"""

import re
from functools import cache

from repository import ROOT, code_only, named, short, text, without_tests

PATH = re.compile(r"(?<![\w:])(crate|super|self)((?:::\w+)+)(?:::\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\})?")
GROUP = re.compile(r"(?<![\w:])use (crate|super|self)::\{([^;]*)\};")
TYPE = re.compile(r"^[ \t]*(?:pub(?:\([^)]*\))? )?(?:struct|enum|trait|union|type) (\w+)"
                  r"|\bstring_enum! \{\s*(\w+),", re.M)


def source_roots():
    """The `src` folder of every crate."""
    return sorted({path.parent / "src" for path in named("**/Cargo.toml") if (path.parent / "src").is_dir()})


def module_of(root, path):
    """The module path of a file, as a tuple; the crate's root is ()."""
    parts = path.relative_to(root).with_suffix("").parts
    return parts[:-1] if parts[-1] in ("mod", "lib", "main") else parts


@cache
def crate_modules(root):
    """module -> source, tests left out, of the files of a crate."""
    files = [path for path in named(f"{short(root)}/**/*.rs") if not path.stem.endswith("_tests")]
    return {module_of(root, path): without_tests(text(path)) for path in files if path.name != "mod.rs"}


def split_group(body):
    """The parts of a `{a, b::{c, d}}` group, at its outer commas."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(body):
        depth += (character == "{") - (character == "}")
        if character == "," and depth == 0:
            parts.append(body[start:position])
            start = position + 1
    return [part.strip() for part in [*parts, body[start:]] if part.strip()]


def named_paths(module, source):
    """Every path below `crate` that a file names, as tuples."""
    code = code_only(source)
    bases = {"crate": (), "self": module, "super": module[:-1]}
    for found in GROUP.finditer(code):
        for part in split_group(found[2]):
            yield bases[found[1]] + tuple(re.split(r"::|\{| as ", part.rstrip("}"))[0:1])
            yield bases[found[1]] + tuple(word for word in re.split(r"::", part.split("{")[0]) if word)
    for found in PATH.finditer(code):
        base = bases[found[1]] + tuple(found[2].strip(":").split("::"))
        yield base
        for part in split_group(found[3] or ""):
            yield base + tuple(word for word in re.split(r"::", part.split("{")[0]) if word)


@cache
def uses(root):
    """module -> the modules of the same crate that its file names."""
    modules = crate_modules(root)
    graph = {}
    for module, source in modules.items():
        found = set()
        for path in named_paths(module, source):
            # The main type of an area of the same name is re-exported by the area: `card::Card` is `card::card::Card`.
            for length in range(len(path), 0, -1):
                target = path[:length]
                twin = (*target, target[-1])
                if twin in modules and len(path) > length and path[:length + 1] not in modules:
                    target = twin
                if target in modules:
                    found.add(target)
                    break
        graph[module] = found - {module}
    return graph


def circles(graph):
    """The groups of modules that use each other, directly or through others."""
    def reach(start):
        seen, waiting = set(), [start]
        while waiting:
            for after in graph.get(waiting.pop(), ()):
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
        return seen

    reached = {module: reach(module) for module in graph}
    groups = {frozenset(other for other in reached[module] if module in reached[other]) | {module}
              for module in graph if module in reached[module]}
    return sorted(sorted("::".join(module) for module in group) for group in groups)


def type_places():
    """type name -> the files that define it; types that belong to an `impl` or a trait left out."""
    places = {}
    for path in named("**/*.rs"):
        code = code_only(text(path))
        inside = [(found.end(), block_end_of(code, found.end())) for found in re.finditer(r"\b(?:impl|trait)\b[^;{}]*\{", code)]
        for found in TYPE.finditer(code):
            associated = any(start <= found.start() < end for start, end in inside)
            if not associated:
                places.setdefault(found[1] or found[2], []).append(short(path))
    return places


def block_end_of(code, start):
    """The position after the block whose `{` stands right before `start`."""
    depth = 1
    for position in range(start, len(code)):
        depth += (code[position] == "{") - (code[position] == "}")
        if depth == 0:
            return position
    return len(code)


def crate_of(root):
    """A crate's folder as people write it."""
    return short(root.parent) if root.parent != ROOT else "."
