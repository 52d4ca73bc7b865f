"""The reader of Rust source reads what the rules depend on."""

from repository import code_only, functions, glob_to_regex, without_comments, without_tests

SOURCE = '''
//! A "quoted" comment with { braces.
pub fn one() -> char {
    let text = "a } brace // no comment"; /* a
    { block */
    let raw = r#"say "}" "#;
    '}'
}

impl<'a> Thing<'a> {
    async fn two(
        &self,
    ) -> [u8; 2] {
        [1, 2]
    }
}

trait Port { fn three(&self) -> u8; }

#[cfg(test)]
mod tests {
    fn four() { None.unwrap() }
}
'''


def test_functions_are_found_with_their_length():
    found = {name: (first, lines) for name, first, lines in functions(SOURCE)}
    assert found["one"] == (3, 6)
    assert found["two"] == (11, 5)
    assert "three" not in found


def test_strings_and_comments_are_blanked_and_lines_stay():
    code = code_only(SOURCE)
    assert "brace" not in code and "quoted" not in code and code.count("\n") == SOURCE.count("\n")
    assert "a } brace // no comment" in without_comments(SOURCE)
    assert "block" not in without_comments(SOURCE)


def test_test_modules_are_cut_out():
    assert "unwrap" not in without_tests(SOURCE) and "fn two" in without_tests(SOURCE)
    assert "four" in without_tests("#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\nfn four() {}")


def test_two_stars_span_folders_and_one_does_not():
    import re

    assert re.fullmatch(glob_to_regex("shared/**/*.rs"), "shared/store/src/keys.rs")
    assert re.fullmatch(glob_to_regex("**/*.py"), "setup.py")
    assert not re.fullmatch(glob_to_regex("shared/*.rs"), "shared/store/keys.rs")
