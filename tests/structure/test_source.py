"""Rules for every source file."""

import ast
import re

import pytest

from repository import (
    code_only, files, functions, is_test_file, line_of, named, shipped_rust, short, text, without_comments,
    without_tests,
)

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
KEY_ATTRIBUTE = re.compile(r'"(?:PK|SK|GSI\d(?:PK|SK)?)"')
KEYS = ("shared/store/src/keys",)  # keys.rs and keys/
CONFIG_FILE = "shared/runtime/src/config.rs"
# A company id followed by one of these would be a key built by hand.
KEY_PREFIX = re.compile(r'"[^"\n]*(?:[A-Z]{3,}#|#[A-Z]{3,})[^"\n]*"')
COMPANY_GIVERS = (
    "shared/store/src/company/company.rs",  # the company of an app id, the company just founded
    "shared/store/src/table/due.rs",  # due items of any company, for schedules
    "shared/store/src/people/member_stream.rs",  # a change that the table tells of
    "shared/store/src/people/login.rs",  # the companies that a unionid has memberships in
    "shared/edge/src/auth.rs",
    "shared/edge/src/operator.rs",
    "shared/edge/src/socket.rs",  # a token at the handshake, kept by the gateway
    "shared/edge/src/refresh_token.rs",
    "functions/radar-aggregator/src/",
    "functions/recount/src/lib.rs",  # the company that an operator names
    "functions/media-inspector/src/message.rs",  # the key of a file, which our own ticket fixed
    "functions/live/src/deliver.rs",
    "functions/crm-jobs/src/message.rs",  # a message that our own function sent
    "shared/store/src/crm/job.rs",  # the member who started a job
)
ENVIRONMENT = re.compile(r"\benv::(?:vars?|var_os|vars_os|set_var)\b")
CLOCKS = re.compile(r"\bSystemTime::now\b|\bnow_utc\(\)|\bUtc::now\b|\bnow_local\(\)")
# Whoever makes an entry of the audit log; not its definition, and not a pattern that takes one apart.
AUDIT_ENTRY = re.compile(r"(?<!struct )(?<!impl )(?<!\|)(?<!-> )\bAuditEntry\s*(?:\{|::new\b)|\bids\s*\.\s*audit_entry\(")
GRANTED = re.compile(r"\bCompany::(?:granted|acting)\b")
ACTING = re.compile(r"\bCompany::acting\b|\bActing\s*\{")
# Calls of the table that do not ask whether the member who acts may still do so.
SINGLE_WRITE = re.compile(r"\.(?:put_item|update_item|delete_item|batch_write_item|execute_statement)\(\)")
SINGLE_WRITES = (
    "shared/store/src/crm/list_blocks.rs",  # housekeeping, blocks that no head names yet
    "shared/store/src/media/upload.rs",  # the inspector's result, and housekeeping
    "shared/store/src/people/person.rs",  # a login: nobody acts yet
    "shared/store/src/people/session.rs",  # a login, a refresh: nobody acts yet
    "shared/store/src/radar/breakdown.rs",  # housekeeping, each on condition of its page
    "shared/store/src/radar/live.rs",  # sockets: the gateway keeps who watches
    "shared/store/src/crm/list_blocks.rs",  # packed copies of customer rows, which housekeeping makes
    "shared/store/src/table/budget.rs",  # tokens of a budget, before an action
)
UNCHECKED = re.compile(r"\.(?:read_items?|commit_for_schedule)\(")
UNCHECKED_CALLS = (
    "shared/store/src/crm/job.rs",  # a job ends when the rights of its member are gone
    "shared/store/src/company/company.rs",  # a mini-program, before any company is known
    "shared/store/src/company/suspension.rs",  # whether a company is suspended
    "shared/store/src/people/login.rs",  # a login: nobody acts yet
    "shared/store/src/people/session.rs",  # a refresh: nobody acts yet
    "shared/store/src/radar/live.rs",  # cards of many companies, for the queue
    "shared/store/src/table/batch_get.rs",
    "shared/store/src/table/read.rs",
    "shared/store/src/table/sweep.rs",  # a schedule
)
TABLE_CALL = re.compile(r"\.(?:get_item|batch_get_item|transact_write_items|transact_get_items)\(\)")
SCAN = re.compile(r"\.scan\(\)\s*\.table_name")
ALLOW = re.compile(r"#!?\[allow\(")
BARE_EXPECT = re.compile(r"#!?\[expect\((?:(?!reason)[^\]])*\)\]")
PANICS = re.compile(r"\.unwrap\(\)|\.unwrap_err\(\)|\.expect\(|\.expect_err\(|\b(?:panic|todo|unimplemented|unreachable)!")


def python_files():
    """Every Python file, with or without an ending."""
    found = named("**/*.py")
    for path in named("scripts/*"):
        if text(path).startswith("#!") and "python" in text(path).splitlines()[0]:
            found.append(path)
    return found


def shell_files():
    """Every shell script."""
    return [path for path in named("scripts/*") + named(".ci/*") if re.match(r"#!.*\b(?:ba)?sh\b", text(path))]


def hits(pattern, sources, allowed=()):
    """Readable places where a pattern occurs outside the allowed files; each allowed file must have one."""
    assert sources, "there is nothing to look at"
    used = {place for path, source in sources for place in allowed if short(path).startswith(place) and pattern.search(source)}
    assert used == set(allowed), f"no longer an exception: {sorted(set(allowed) - used)}"
    return [
        f"{short(path)}:{line_of(source, found.start())}: {found.group()}"
        for path, source in sources
        for found in pattern.finditer(source)
        if not any(short(path).startswith(place) for place in allowed)
    ]


EXAMPLES = [
    (KEY_ATTRIBUTE, '"PK"'), (KEY_ATTRIBUTE, '"GSI1SK"'), (KEY_PREFIX, '"CARD#"'), (KEY_PREFIX, 'format!("{company}#CARD")'),
    (ENVIRONMENT, 'std::env::var("A")'), (ENVIRONMENT, "env::set_var(a, b)"), (CLOCKS, "SystemTime::now()"),
    (CLOCKS, "OffsetDateTime::now_utc()"), (GRANTED, "Company::granted(id)"), (SCAN, ".scan()\n        .table_name(name)"),
    (GRANTED, "Company::acting(id, acting)"), (ACTING, "Acting { member, person, role, rights }"), (ACTING, "Company::acting"),
    (SINGLE_WRITE, ".client.put_item()"), (UNCHECKED, "self.read_items(&wanted, read)"), (UNCHECKED, "self.read_item(key)"), (UNCHECKED, "self.commit_for_schedule(transaction)"),
    (TABLE_CALL, "client\n.transact_write_items()"),
    (ALLOW, "#[allow(dead_code)]"), (ALLOW, "#![allow(dead_code)]"), (BARE_EXPECT, "#[expect(dead_code)]"),
    (AUDIT_ENTRY, "Ok(AuditEntry { id, at })"), (AUDIT_ENTRY, "AuditEntry::new(id, now)"), (AUDIT_ENTRY, "app.ids.audit_entry(now)"),
    (PANICS, "value.unwrap()"), (PANICS, 'panic!("no")'), (PANICS, "todo!()"), (PANICS, 'value.expect("there")'),
]  # fmt: skip


@pytest.mark.parametrize("pattern, example", EXAMPLES)
def test_a_rule_finds_what_it_forbids(pattern, example):
    assert pattern.search(example)


def test_the_rules_have_files_to_look_at():
    for found in (named("**/*.rs"), python_files(), shell_files(), list(shipped_rust())):
        assert len(found) > 5


def test_no_source_file_is_longer_than_400_lines():
    long = [f"{short(path)}: {text(path).count(chr(10))}" for path in named("**/*.rs") + python_files()
            if text(path).count("\n") > FILE_LINES_MAX]
    assert not long, long


def test_no_function_is_longer_than_70_lines():
    long = [
        f"{short(path)}:{first}: {name} has {lines} lines"
        for path in named("**/*.rs")
        for name, first, lines in functions(text(path))
        if lines > FUNCTION_LINES_MAX
    ]
    for path in python_files():
        for node in ast.walk(ast.parse(text(path))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = node.end_lineno - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long.append(f"{short(path)}:{node.lineno}: {node.name} has {lines} lines")
    assert not long, long


def test_keys_of_the_table_are_written_in_one_module():
    rust = [(path, without_comments(without_tests(text(path)))) for path in named("**/*.rs")]
    assert not hits(KEY_ATTRIBUTE, rust, KEYS)
    assert not hits(KEY_PREFIX, rust, KEYS)
    other = [(path, text(path)) for path in python_files() if not short(path).startswith("tests/structure/")]
    assert not hits(KEY_ATTRIBUTE, other)


def test_the_environment_is_read_in_one_module():
    rust = [(path, code_only(source)) for path, source in shipped_rust()]
    assert not hits(ENVIRONMENT, rust, (CONFIG_FILE,))


def test_the_clock_is_read_in_one_module():
    rust = [(path, code_only(source)) for path, source in shipped_rust()]
    assert not hits(CLOCKS, rust, ("shared/runtime/src/clock.rs",))


def test_failures_are_retried_by_one_helper():
    rust = [(path, code_only(source)) for path, source in shipped_rust()]
    pauses = re.compile(r"\btime::(?:sleep|sleep_until|interval)\b|\bthread::sleep\b|\bsleep\(")
    assert not hits(pauses, rust, ("shared/runtime/src/retry.rs",))


def test_entries_of_the_audit_log_are_made_in_one_place():
    rust = [(path, code_only(source)) for path, source in shipped_rust()]
    assert not hits(AUDIT_ENTRY, rust, ("shared/app/src/flow.rs",))


def test_no_failure_is_matched_by_its_text():
    rust = [(path, without_comments(source)) for path, source in shipped_rust()]
    # A pattern, or a comparison; a cause for the log may be a text.
    matched = r'\bFailure::\w+\(\s*"[^"]*"\s*\)+\s*(?:=>|\||if\b|=[^=>])|[!=]=\s*(?:Err\()?Failure::\w+\(\s*"'
    assert not hits(re.compile(matched), rust)


def test_the_tenant_handle_is_given_out_in_few_places():
    rust = [(path, code_only(source)) for path, source in shipped_rust()]
    assert not hits(GRANTED, rust, COMPANY_GIVERS)


def test_only_edge_names_the_member_who_acts():
    rust = [(path, code_only(source)) for path, source in shipped_rust() if short(path) != "shared/domain/src/company/company.rs"]
    assert not hits(ACTING, rust, ("shared/edge/src/auth.rs", "shared/edge/src/socket.rs", "shared/store/src/table/actor.rs", "shared/store/src/crm/job.rs"))


def test_what_a_member_writes_and_reads_by_key_asks_for_their_rights():
    rust = [(path, code_only(source)) for path, source in shipped_rust()]
    assert not hits(SINGLE_WRITE, rust, SINGLE_WRITES)
    assert not hits(UNCHECKED, rust, UNCHECKED_CALLS)
    calls = ("shared/store/src/table/batch_get.rs", "shared/store/src/table/read.rs", "shared/store/src/table/transaction.rs")
    assert not hits(TABLE_CALL, rust, calls)


def test_shipped_code_does_not_panic_on_purpose():
    rust = [(path, code_only(source)) for path, source in shipped_rust()]
    assert not hits(PANICS, rust)


def test_nothing_scans_the_table():
    rust = [(path, code_only(source)) for path, source in shipped_rust()]
    assert not hits(SCAN, rust)


def test_lints_are_expected_with_a_reason_and_never_just_allowed():
    rust = [(path, without_comments(text(path))) for path in named("**/*.rs")]
    assert not hits(ALLOW, rust)
    assert not hits(BARE_EXPECT, rust)


def test_every_rust_module_says_what_it_is_for():
    silent = [short(path) for path in named("**/*.rs") if not is_test_file(path) and not text(path).startswith("//!")]
    assert not silent, f"start these files with a //! line: {silent}"


def test_every_python_module_says_what_it_is_for():
    silent = [short(path) for path in python_files() if not ast.get_docstring(ast.parse(text(path)))]
    assert not silent, f"start these files with a docstring: {silent}"


@pytest.mark.parametrize("path", shell_files(), ids=short)
def test_a_shell_script_is_valid_and_stops_at_the_first_error(path):
    import subprocess

    checked = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert re.search(r"^set -[a-z]*e[a-z]*u?", text(path), re.M), "set -euo pipefail"


@pytest.mark.parametrize("path", python_files(), ids=short)
def test_a_python_file_compiles(path):
    compile(text(path), short(path), "exec")


def test_scripts_can_be_run():
    import os

    locked = [short(path) for path in files() if text_start(path) and not os.access(path, os.X_OK)
              and short(path).split("/")[0] in ("scripts", ".ci") and "/lib/" not in short(path)]
    assert not locked, f"chmod +x {' '.join(locked)}"


def text_start(path):
    """Whether a file starts with a shebang line."""
    with open(path, "rb") as file:
        return file.read(2) == b"#!"
