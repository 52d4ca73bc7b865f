"""The parts of scripts/fuzz that need no stack: what it replaces, what it counts, when it fails."""

import random

from known import KnownIds, altered
from tally import Tally

CARD, OTHER, MEMBER = "crd_" + "0" * 26, "crd_" + "1" * 26, "mem_" + "0" * 26


def replaced(known, value):
    """What becomes of a value in a hundred cases."""
    return [known.replace(random.Random(number), "get_card", value) for number in range(100)]


def test_most_ids_become_ids_of_the_same_kind_that_an_answer_held():
    known = KnownIds()
    known.learn("list_cards", {"items": [{"id": CARD, "name": "crd_not_an_id"}, {"owner": MEMBER}]})
    cards = [value["card_id"] for value in replaced(known, {"card_id": OTHER})]
    assert set(cards) == {CARD, OTHER} and cards.count(CARD) > 50


def test_an_id_of_an_unknown_kind_and_a_plain_text_stay():
    known = KnownIds()
    known.learn("list_cards", {"id": CARD})
    assert replaced(known, [MEMBER, "text", 7]) == [[MEMBER, "text", 7]] * 100


def test_a_reserved_member_is_never_used():
    known = KnownIds()
    known.learn("list_members", {"id": MEMBER})
    known.reserved = {MEMBER}
    assert set(replaced(known, "mem_" + "1" * 26)) == {"mem_" + "1" * 26}


def test_a_cursor_belongs_to_its_list():
    known = KnownIds()
    known.learn("get_card", {"next_cursor": "c1"})
    assert "c1" in {value["cursor"] for value in replaced(known, {"cursor": "x"})}
    assert known.replace(random.Random(1), "list_members", {"cursor": "x"}) == {"cursor": "x"}


def test_one_thing_is_altered():
    body = {"name": "林晓", "tags": ["茶"], "version": 1}
    changed = [altered(random.Random(number), body, None) for number in range(200)]
    assert body == {"name": "林晓", "tags": ["茶"], "version": 1}
    assert all(sum(one.get(key) != body.get(key) for key in {*one, *body}) <= 1 for one in changed)
    assert {True, False} == {"name" in one for one in changed}


def test_an_operation_that_never_succeeds_is_named():
    tally = Tally("boss")
    for operation, status in (("get_card", 200), ("get_card", 404), ("get_me", 429), ("get_me", 403)):
        tally.note(operation, status)
    assert tally.never_served(["get_card", "get_me", "get_seats"]) == ["get_me", "get_seats"]
    assert tally.cases() == 4 and tally.successes("get_card") == 1
    assert "1 answered 2xx, 1 answered 429; 1 of 3 operations" in tally.summary(["get_card", "get_me", "get_seats"])


def test_a_kind_of_failure_is_kept_once_with_its_first_example():
    tally = Tally("boss")
    for example in ("first", "second"):
        tally.fail("get_card", "Server error", 500, example)
    assert tally.explain() == "get_card: Server error (status 500, 2 times)\nfirst"
