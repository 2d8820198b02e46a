import regex


def smoke():
    assert regex.fullmatch(r"(\p{Lu}\p{Ll}+)(?:\s+(?1))*", "Anna Maria")
    assert regex.search(r"(?:cats){e<=1}", "the cat")[0]
    assert regex.findall(r"\p{Greek}", "aβγ") == ["β", "γ"]
    found = regex.match(r"(?:(?P<w>\w+) )+", "a b c ")
    assert found.captures("w") == ["a", "b", "c"]
    assert regex.sub(r"\X", lambda m: f"<{m[0]}>", "a") == "<a>"
    try:
        regex.compile("(")
    except regex.error as error:
        assert error.pos == 1
    import copy
    import pickle

    pattern = regex.compile(r"a+")
    assert pickle.loads(pickle.dumps(pattern)).pattern == pattern.pattern
    assert copy.copy(pattern).pattern == pattern.pattern
    return [pattern, found]
