import datetime

import msgpack


def handed_out():
    from functools import partial

    return [
        partial(msgpack.packb, datetime.datetime.now(datetime.UTC), datetime=True),
        partial(msgpack.Unpacker().feed, b""),
    ]


def smoke():
    data = {"a": [1, 2.5, None, b"x"], "ü": {"n": -(2**40)}}
    assert msgpack.unpackb(msgpack.packb(data)) == data
    assert msgpack.Packer.__module__.endswith("_cmsgpack")
    extended = msgpack.packb(msgpack.ExtType(5, b"ab"))
    assert msgpack.unpackb(extended) == msgpack.ExtType(5, b"ab")
    when = datetime.datetime(2024, 2, 3, tzinfo=datetime.timezone.utc)  # noqa: UP017
    assert msgpack.unpackb(msgpack.packb(when, datetime=True), timestamp=3) == when
    try:
        msgpack.unpackb(b"\x93\x01")
    except ValueError:
        pass
    unpacker = msgpack.Unpacker(raw=False)
    unpacker.feed(b"\x01\x02")
    assert list(unpacker) == [1, 2]
    try:
        msgpack.unpackb(b"\xc1")
    except msgpack.exceptions.FormatError:
        pass
    else:
        raise AssertionError("a format?")
    return [unpacker, msgpack.packb]
