"""Files use each other in one direction, areas use only allowed areas, and a type name is defined once."""

import pytest

from modules import circles, crate_modules, crate_of, source_roots, type_places, uses
from repository import ROOT

# Names that each function and each test program may define.
HAS_ALIKE = {"App", "Config"}
# area -> the areas that it may use besides `kernel` (domain) and `table`, `keys` (store).
DOMAIN_AREAS = {
    "kernel": set(),
    "company": {"people"},
    "people": set(),
    "media": {"company"},
    "tracking": {"company"},
    "card": {"company", "people", "tracking"},
    "crm": {"company", "tracking", "radar", "close_rate"},
    "close_rate": {"tracking", "radar"},
    "shop": {"company"},
    "radar": {"company", "tracking", "crm", "close_rate"},
}
STORE_AREAS = {
    "table": set(),
    "tracking": set(),
    "media": set(),
    "company": {"people", "radar", "close_rate"},
    "people": {"company", "card"},
    "card": {"company", "radar"},
    "crm": {"company", "people", "radar", "close_rate"},
    "close_rate": {"radar"},
    "shop": {"company"},
    "radar": {"tracking", "crm"},
}
# The module with the schemas of the API document uses all areas.
ROOT_FILES = {"shared/domain": {"schema"}, "shared/store": set()}
AREAS = {"shared/domain": (DOMAIN_AREAS, {"kernel"}), "shared/store": (STORE_AREAS, {"table", "keys"})}


@pytest.mark.parametrize("root", source_roots(), ids=crate_of)
def test_no_two_files_use_each_other_in_a_circle(root):
    assert crate_modules(root)
    assert circles(uses(root)) == []


@pytest.mark.parametrize("crate", sorted(AREAS))
def test_an_area_uses_only_the_areas_that_it_may(crate):
    may_use, everywhere = AREAS[crate]
    wrong, used = [], {area: set() for area in may_use}
    for module, targets in uses(ROOT / crate / "src").items():
        for target in targets:
            if len(module) < 2 or target[0] in everywhere or target[0] == module[0]:
                continue
            used[module[0]].add(target[0])
            if target[0] not in may_use[module[0]]:
                wrong.append(f"{'::'.join(module)} uses {'::'.join(target)}")
    assert not wrong
    assert used == may_use, "an area of the list is not used any more"


def test_every_file_of_domain_and_store_is_in_an_area():
    for crate, (may_use, everywhere) in AREAS.items():
        modules = [module for module in crate_modules(ROOT / crate / "src") if module]
        assert {module[0] for module in modules} == set(may_use) | everywhere | ROOT_FILES[crate]


def test_a_type_name_is_defined_once():
    places = type_places()
    assert len(places) > 500
    twice = {name: paths for name, paths in places.items() if len(paths) > 1 and name not in HAS_ALIKE}
    assert not twice, "\n".join(f"{name}: {', '.join(paths)}" for name, paths in sorted(twice.items()))
