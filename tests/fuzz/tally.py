"""What was sent and answered, and what is wrong with it."""

from collections import Counter, defaultdict


class Tally:
    """The answers of one kind of caller, by operation and status."""

    def __init__(self, kind):
        self.kind = kind
        self.answers = defaultdict(Counter)
        self.failures = {}
        self.unsendable = 0

    def note(self, operation, status):
        """Counts an answer."""
        self.answers[operation][status] += 1

    def fail(self, operation, what, status, example):
        """Keeps the first example of a failure, and counts it."""
        count, first = self.failures.get((operation, what, status), (0, example))
        self.failures[operation, what, status] = count + 1, first

    def cases(self, operation=None):
        """How many cases were answered."""
        return sum(sum(found.values()) for name, found in self.answers.items() if operation in (None, name))

    def successes(self, operation):
        """How many cases of an operation succeeded."""
        return sum(count for status, count in self.answers[operation].items() if status < 300)

    def never_served(self, expected):
        """The operations of these that never succeeded."""
        return [operation for operation in expected if not self.successes(operation)]

    def table(self, expected):
        """One line per operation: cases, successes, and the count of each status. A star: the caller may send it."""
        lines = [f"{'operation':<28} {'cases':>5} {'2xx':>5}  statuses"]
        for operation, found in self.answers.items():
            statuses = "  ".join(f"{status}: {count}" for status, count in sorted(found.items()))
            star = "*" if operation in expected else " "
            lines.append(f"{operation:<27}{star} {sum(found.values()):>5} {self.successes(operation):>5}  {statuses}")
        return "\n".join(lines)

    def summary(self, expected):
        """The numbers of the run in one line."""
        together = Counter()
        for found in self.answers.values():
            together.update(found)
        served = len(expected) - len(self.never_served(expected))
        good = sum(count for status, count in together.items() if status < 300)
        return (
            f"{self.kind}: {self.cases()} cases of {len(self.answers)} operations, {good} answered 2xx, "
            f"{together[429]} answered 429; {served} of {len(expected)} operations that they may send succeeded; "
            f"{len(self.failures)} kinds of failure"
        )

    def explain(self):
        """Every kind of failure with its first example."""
        return "\n\n".join(
            f"{operation}: {what} (status {status}, {count} times)\n{example}"
            for (operation, what, status), (count, example) in self.failures.items()
        )
