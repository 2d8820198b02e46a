import jaraco.functools
from jaraco.functools import compose, once, retry


def smoke():
    assert compose(str, lambda x: x + 1)(2) == "3"
    calls = []
    first = once(lambda: calls.append(1) or 5)
    assert (first(), first(), len(calls)) == (5, 5, 1)
    tries = iter([ValueError, ValueError, None])

    @retry(retries=3, trap=ValueError)
    def flaky():
        if error := next(tries):
            raise error
        return "done"

    assert flaky() == "done"
    from more_itertools import chunked

    assert list(chunked([1, 2, 3], 2)) == [[1, 2], [3]]
    return [compose, first, jaraco.functools.method_cache]
