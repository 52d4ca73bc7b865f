"""Real streams keep their people, things and distances when they become batches."""

from day import parse_ms
from real_stream import BATCH_MAX, SPAN_MS, film_events, first_events, make_lines, purchase_events, stretches

UNTIL = parse_ms("2026-11-21T15:00:00+08:00")
CARDS = ["crd_a", "crd_b"]
FILM = ("片名", "Drama")
ROWS = [(1_000, "9", 4, 5, FILM), (1_020, "9", 7, 3, FILM), (1_030, "8", 4, 1, FILM), (9_000, "9", 4, 2, FILM)]


def of_person(lines, person):
    return [event for line in lines if line["person"] == person for event in line["batch"]["events"]]


def test_the_last_row_is_now_and_the_distances_stay():
    lines = make_lines(ROWS, film_events, CARDS, UNTIL)
    views = [event for event in of_person(lines, "9") if event["kind"] == "view_video"]
    assert [(UNTIL - parse_ms(event["at"])) // 1_000 for event in views] == [8_000, 7_980, 0]
    assert len({event["object"]["id"] for event in views}) == 2
    scaled = make_lines(ROWS, film_events, CARDS, UNTIL, 0.5)
    assert parse_ms(of_person(scaled, "9")[0]["at"]) == UNTIL - 4_000_000


def test_a_rating_is_a_view_and_what_its_mark_stands_for():
    lines = make_lines(ROWS, film_events, CARDS, UNTIL)
    assert [(event["kind"], event["card_id"]) for event in of_person(lines, "9")] == [
        ("view_card", "crd_a"), ("view_video", "crd_a"), ("forward", "crd_a"),
        ("dwell", "crd_a"), ("view_video", "crd_b"), ("view_card", "crd_a"), ("view_video", "crd_a"), ("unlike", "crd_a")]
    assert [event["duration_ms"] for event in of_person(lines, "9") if event["kind"] == "dwell"] == [20_000]
    assert [event["kind"] for event in of_person(lines, "8")] == ["view_card", "view_video", "unlike"]


def test_a_purchase_is_a_view_a_stay_and_what_it_cost():
    lines = make_lines([(0, "1", 15, 4, "x"), (86_400, "1", 12, 1, "y")], purchase_events, CARDS, UNTIL)
    assert [event["kind"] for event in of_person(lines, "1")] == [
        "view_card", "view_product", "dwell", "save_phone", "forward", "open_chat", "view_card", "view_product", "dwell", "unlike"]


def test_a_minute_of_a_person_is_in_one_batch():
    rows = [(60 * (number // 20), "1", number, 5, FILM) for number in range(300)]
    lines = make_lines(rows, film_events, CARDS, UNTIL)
    minutes = [(parse_ms(event["at"]) // 60_000, line["batch"]["batch_id"]) for line in lines for event in line["batch"]["events"]]
    assert len(set(minutes)) == len({minute for minute, _ in minutes}) == 15
    assert 1 < len(lines) and max(len(line["batch"]["events"]) for line in lines) <= BATCH_MAX


def test_a_stretch_fits_into_the_days_that_events_may_be_old():
    day = 86_400
    found = stretches([(day * number, "1", number, 3, FILM) for number in range(20)])
    assert [len(rows) for rows in found] == [7, 7, 6]
    assert all((rows[-1][0] - rows[0][0]) * 1_000 <= SPAN_MS for rows in found)
    assert len(first_events(ROWS, film_events, CARDS, 4)) == 2
