"""Makes the list of the user agents that are programs, from public lists.

What belongs here: from the patterns of `crawler-user-agents` (MIT) to plain parts of a text, so that
no regular expressions run in a function; and the proof that none of them is in the user agent of a
phone. The phones are those of `device-detector`, 32,000 of them. What does not: the rule that uses the list
(shared/domain/src/tracking/crawler.rs).
"""

from __future__ import annotations

import io
import itertools
import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from re import _constants as sre
from re import _parser as sre_parser

import yaml

from common import ROOT

VERSIONS = {"crawler-user-agents": "1.67.0", "device-detector": "6.5.1", "user-agents": "2.1.198"}
PACKAGES = [
    f"pypi crawler-user-agents=={VERSIONS['crawler-user-agents']}",
    f"pypi device-detector=={VERSIONS['device-detector']}",
    f"npm user-agents@{VERSIONS['user-agents']}",
]
FOLDER = ROOT / "shared" / "domain" / "data"
PEOPLE = re.compile(r"(smartphone|phablet|feature_phone|tablet|desktop|phones|camera|car_browser)")
# So many user agents of phones are in the tests of each build; the script asks all of them.
PHONES_KEPT = 200

# Patterns that are in user agents of phones, and what tells the program from the phone. None: nothing does, or
# it is a browser of people.
INSTEAD: dict[str, tuple[str, ...]] = {
    r"Sogou": ("Sogou News Spider", "Sogou Pic Spider", "Sogou web spider"),
    r"Sonic": ("RankSonic", "; Sonic/"),
    r"WhatsApp": ("^WhatsApp",),
    r"Fever": ("^Fever/",),
    r"Viber": ("^Viber",),
    r"Expanse": ("Expanse, a Palo Alto Networks company",),
    r"AP3A\.240617\.008": (),
    r"Fluid": (),
    r"008\/": ("^008/",),
    r"Butterfly": ("; Butterfly/",),
    r"Current[\s\S]*RSS Reader": ("RSS Reader",),
    r"Spider[\s\S]*spider\.com": ("spider.com",),
}
# Fetchers of previews and of files that `device-detector` lists with the devices they ran on.
NO_PEOPLE = ("WhatsApp/", "Wget/")

# What the list lacks: libraries and tools that send requests, and WeChat's own crawler of mini-programs.
MORE = (
    "mpcrawler", "^Java/", "^Dart/", "^PHP/", "^Ruby", "^Wget", "^curl", "^libcurl", "^node", "^undici", "^got ", "^got/", "^Deno/", "^Bun/",
    "^reqwest/", "^ureq/", "^hyper/", "^attohttpc/", "^isahc/", "^PostmanRuntime/", "^insomnia/", "^Apifox/", "^apidog/", "^ReactorNetty/",
    "^RestSharp/", "^Faraday ", "^rest-client/", "^Typhoeus", "^hackney/", "^aria2/", "^Jakarta Commons-HttpClient", "^GuzzleHttp/",
    "^Symfony", "^k6/", "^ApacheBench/", "^hey/", "^vegeta", "^lua-resty-http/", "^LWP::", "^HTTP-Tiny/", "^Mojolicious", "^fasthttp",
    "^resty/", "^go-resty/", "^grequests/", "^urllib3/", "^Python/", "^python", "^httplib2", "^tornado/", "^pycurl", "^http.rb/", "^Feign",
    "^Apache CXF", "^unirest-java/", "^async-http-client", "^AsyncHttpClient", "^Elixir", "^WinHttp", "^WindowsPowerShell", "^k6",
    "PowerShell/", "Puppeteer", "Cypress/", "jsdom/",
)


class Unplain(Exception):
    """A place of a pattern that no plain text stands for."""


def texts(operation, argument) -> list[str]:
    """The texts that one place of a pattern takes; `^` is the beginning of the user agent."""
    if operation is sre.LITERAL:
        return [chr(argument)]
    if operation is sre.IN and all(kind is sre.LITERAL for kind, _ in argument):
        return [chr(code) for _, code in argument]
    if operation is sre.AT and argument is sre.AT_BEGINNING:
        return ["^"]
    if operation is sre.SUBPATTERN:
        return joined(argument[3])
    if operation is sre.BRANCH:
        return [text for branch in argument[1] for text in joined(branch)]
    raise Unplain(operation)


def joined(places) -> list[str]:
    """The texts that several places take, one after the other."""
    found = [""]
    for place in places:
        found = [before + after for before, after in itertools.product(found, texts(*place))]
    return found


def plain(pattern: str) -> list[str]:
    """The texts that a pattern stands for. Its end, from what is no plain text on, is left out: what is before
    it must be enough."""
    found = [""]
    for place in sre_parser.parse(pattern):
        try:
            found = [before + after for before, after in itertools.product(found, texts(*place))]
        except Unplain:
            break
    return found


def parts_of(pattern: str) -> list[str]:
    """The plain parts of one pattern of the list."""
    if pattern in INSTEAD:
        return list(INSTEAD[pattern])
    found = plain(pattern)
    if not all(len(text) >= 3 for text in found):
        raise SystemExit(f"{pattern} has no plain text: say in INSTEAD what stands for it")
    return found


def has(part: str, agent: str) -> bool:
    """Whether a user agent has this part."""
    return agent.startswith(part[1:]) if part.startswith("^") else part in agent


def fewest(parts: set[str]) -> list[str]:
    """The parts without those in which another one is."""
    def is_implied(part: str) -> bool:
        return any(other != part and has(other, part.removeprefix("^")) and (
            not other.startswith("^") or part.startswith("^")) for other in parts)

    return sorted(part for part in parts if not is_implied(part))


def read_crawlers(work: Path) -> list[dict]:
    """The entries of `crawler-user-agents`."""
    (wheel,) = work.glob("crawler_user_agents-*.whl")
    with zipfile.ZipFile(wheel) as files:
        return json.loads(files.read("crawleruseragents/crawler-user-agents.json"))


def read_people(work: Path) -> set[str]:
    """User agents of phones, tablets and computers."""
    (wheel,) = work.glob("device_detector-*.whl")
    found: set[str] = set()
    with zipfile.ZipFile(wheel) as files:
        for name in files.namelist():
            if "/fixtures/upstream/" in name and PEOPLE.match(name.rsplit("/", 1)[1]):
                loaded = yaml.load(io.BytesIO(files.read(name)), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
                found |= {entry["user_agent"] for entry in loaded}
    return {agent for agent in found if not agent.startswith(NO_PEOPLE)}


def read_phones(work: Path) -> list[str]:
    """User agents of phones as they visit sites, from `user-agents` (BSD-2-Clause)."""
    (archive,) = work.glob("user-agents-*.tgz")
    with tarfile.open(archive) as files:
        entries = json.load(files.extractfile("package/dist/user-agents.json"))
    phones = sorted({entry["userAgent"] for entry in entries if entry["deviceCategory"] == "mobile"})
    return phones[:: max(1, len(phones) // PHONES_KEPT)]


def write(name: str, head: list[str], lines: list[str]) -> None:
    """A file of lines below a head of comments."""
    text = "".join(f"# {line}\n" for line in head) + "".join(f"{line}\n" for line in lines)
    (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{name}: {len(lines)} lines, {len(text.encode())} bytes")


def main(work: Path) -> None:
    """Writes the files, or says why not."""
    entries, people, phones = read_crawlers(work), read_people(work), read_phones(work)
    source = f"crawler-user-agents {VERSIONS['crawler-user-agents']} (MIT, Copyright Martin Monperrus and contributors, https://github.com/monperrus/crawler-user-agents)"
    parts = {part for entry in entries for part in parts_of(entry["pattern"])} | set(MORE)
    parts_kept = fewest(parts)
    everybody = "\n".join(people | set(phones))
    in_people = [part for part in parts_kept if part.lstrip("^") in everybody
                 and any(has(part, agent) for agent in people | set(phones))]
    if in_people:
        raise SystemExit(f"these are in user agents of people: {in_people}")
    examples = [agent for entry in entries if INSTEAD.get(entry["pattern"]) != () for agent in entry.get("instances", [])]
    missed = [agent for agent in examples if not any(has(part, agent) for part in parts_kept)]
    if missed:
        raise SystemExit(f"examples of the list that are not recognised: {missed}")
    made = "Made by scripts/crawlers: change scripts/lib/crawlers.py and run it."
    FOLDER.mkdir(exist_ok=True)
    write("crawlers.txt", [
        made, f"Source: {source}, and libraries that it lacks.",
        f"None is in one of {len(people)} user agents of people in device-detector {VERSIONS['device-detector']}.",
        "A line is a part of a User-Agent, after ^ its beginning. Sorted by bytes; no part is in another one.",
    ], sorted(parts_kept, key=lambda part: part.encode()))
    write("crawlers.examples.txt", [made, f"Source: {source}."], sorted(set(examples)))
    write("phones.examples.txt", [made, f"Source: user-agents {VERSIONS['user-agents']} (BSD-2-Clause, Copyright 2018-present Intoli, LLC)."], phones)


if __name__ == "__main__":
    if sys.argv[1:] == ["packages"]:
        print("\n".join(PACKAGES))
    else:
        main(Path(sys.argv[2]))
