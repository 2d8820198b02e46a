import dataclasses
import datetime
import uuid

import orjson


@dataclasses.dataclass
class Point:
    x: int


def handed_out():
    from functools import partial

    return [
        partial(orjson.dumps, {"a": datetime.datetime(2024, 2, 3), "b": uuid.UUID(int=5), "p": Point(1)}),
        partial(orjson.loads, "[1]"),
    ]


def smoke():
    data = {"p": Point(1), "when": datetime.datetime(2024, 2, 3), "u": uuid.UUID(int=5)}
    text = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    assert text == b'{"p":{"x":1},"u":"00000000-0000-0000-0000-000000000005","when":"2024-02-03T00:00:00"}'
    assert orjson.loads(b'[1, 2.5, "\xc3\xa4"]') == [1, 2.5, "ä"]
    assert orjson.dumps({1, 2}, default=sorted) == b"[1,2]"
    try:
        orjson.loads("{")
    except orjson.JSONDecodeError as error:
        assert error.pos == 1
    else:
        raise AssertionError("JSON?")
    try:
        orjson.dumps(object())
    except orjson.JSONEncodeError:
        pass
    return [orjson.dumps, orjson.Fragment(b"1")]
