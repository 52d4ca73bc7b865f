"""Prints the radar's answers of the demo company as tables, and what to try next."""

from __future__ import annotations

import unicodedata
from typing import Any

from demo import Demo

WINDOWS = {"total": "total", "yesterday": "yesterday", "last_7_days": "7 days", "last_30_days": "30 days"}
METRICS = {
    "visitors": "visitors 访客数", "views": "views 浏览量", "follow_ups": "follow-ups 跟进",
    "customers_talked_to": "talked to 咨询客户", "sales_fen": "sales, fen 销售额", "orders": "orders 订单",
    "forwards": "forwards 转发", "saves": "saved phone 保存", "likes": "likes 点赞",
}  # fmt: skip
TODAY = {
    "visitors": "visitors", "new_visitors": "new", "views": "views", "talked_to": "talked to",
    "forwards": "forwards", "saves": "saves", "likes": "likes",
}  # fmt: skip
FEED_LINES = 8


def radar(demo: Demo) -> None:
    """The numbers of the company and of each card, and the latest lines of the feed."""
    boss = demo.login("boss")["token"]
    company = demo.state["company"]
    print(f"\n{company['name']} ({company['id']})")
    metrics = demo.api.get("/v1/radar/company/metrics", boss)
    _metrics_table(metrics["windows"])
    rows = [["", *TODAY.values(), "minutes"]]
    rows.append(_today_row("company", demo.api.get("/v1/radar/company/today", boss)))
    for person in demo.state["staff"].values():
        today = demo.api.get(f"/v1/radar/cards/{person['card_id']}/today", boss)
        rows.append(_today_row(person["name"], today))
    print(f"\nToday ({metrics['today']})")
    _table(rows)
    rows = [["last 30 days", *(title.split()[0] for title in METRICS.values())]]
    for person in demo.state["staff"].values():
        found = demo.api.get(f"/v1/radar/cards/{person['card_id']}/metrics", boss)["windows"]["last_30_days"]
        rows.append([person["name"], *(str(found[name]) for name in METRICS)])
    print("\nCards")
    _table(rows)
    _heat_map(demo.api.get("/v1/radar/company/heat-map", boss))
    _feed(demo, boss)


def _heat_map(found: dict[str, Any]) -> None:
    """The three busiest hours of the last 30 days."""
    hours = [(count, day, hour) for day, row in enumerate(found["weekdays"]) for hour, count in enumerate(row["hours"])]
    busiest = [f"{'一二三四五六日'[day]} {hour}:00 ({count})" for count, day, hour in sorted(hours, reverse=True)[:3] if count]
    print(f"\nBusiest hours, {found['from']} to {found['to']}: 周{', 周'.join(busiest)}")


def try_next(demo: Demo) -> None:
    """URLs, tokens and commands to copy. A visitor's token is valid for two hours, a member's for five minutes."""
    lin = demo.state["staff"]["lin"]
    print("\nTry next (single quotes: $default is part of the address)\n")
    print(f"  API='{demo.stack.api}'")
    print(f"  CARD={lin['card_id']}        # {lin['name']}")
    print("  BOSS=$(scripts/dev token boss); LIN=$(scripts/dev token lin); VISITOR=$(scripts/dev token v001)\n")
    print('  curl -s "$API/v1/cards/$CARD" -H "Authorization: Bearer $VISITOR"')
    print('  curl -s "$API/v1/radar/cards/$CARD/feed?limit=5" -H "Authorization: Bearer $LIN"')
    print('  curl -s "$API/v1/radar/company/metrics" -H "Authorization: Bearer $BOSS"')
    print("\n  scripts/dev watch lin               # the live radar; in another terminal:")
    print("  scripts/dev send forward lin        # a visitor does something; the radar shows it")
    print("  scripts/dev logs radar-aggregator   # also: status, radar, down, reset")
    print(f"  AWS_ENDPOINT_URL={demo.stack.endpoint}   WeChat simulator: {demo.stack.simulator}/_sim/log")


def _metrics_table(windows: dict[str, Any]) -> None:
    rows = [["nine metrics", *WINDOWS.values()]]
    for name, title in METRICS.items():
        rows.append([title, *(str(windows[window][name]) for window in WINDOWS)])
    _table(rows)


def _today_row(title: str, today: dict[str, Any]) -> list[str]:
    return [title, *(str(today[name]) for name in TODAY), f"{today['dwell_ms'] / 60_000:.0f}"]


def _feed(demo: Demo, boss: str) -> None:
    names = {person["card_id"]: person["name"] for person in demo.state["staff"].values()}
    print("\nLive feed, newest first")
    rows = []
    for item in demo.api.get(f"/v1/radar/company/feed?limit={FEED_LINES}", boss)["items"]:
        rows.append([moment(item["at"]), names.get(item["card_id"], "?"), item["text"]])
    _table(rows, left=3)


def moment(at: str) -> str:
    """Day and time of an event."""
    return f"{at[:10]} {at[11:19]}"


def _width(text: str) -> int:
    """Columns on a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _table(rows: list[list[str]], left: int = 1) -> None:
    """Prints rows with the first `left` columns to the left and the others to the right."""
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    for row in rows:
        cells = []
        for column, text in enumerate(row):
            padding = " " * (widths[column] - _width(text))
            cells.append(text + padding if column < left else padding + text)
        print("  " + "  ".join(cells).rstrip())
