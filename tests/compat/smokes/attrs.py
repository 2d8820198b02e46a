import attr
import attrs
from attrs import define, field, frozen, validators


@define
class Point:
    x: int = field(validator=validators.instance_of(int), converter=int)
    y: int = 0
    tags: list["Point"] = field(factory=list, repr=False)


@frozen
class Key:
    name: str


def smoke():
    point = Point("3")
    assert repr(point) == "Point(x=3, y=0)", repr(point)
    assert attrs.asdict(attrs.evolve(point, y=4)) == {"x": 3, "y": 4, "tags": []}
    assert attrs.resolve_types(Point) is Point
    assert attrs.fields(Point).tags.type == list[Point]
    try:
        Key("a").name = "b"
    except attrs.exceptions.FrozenInstanceError:
        pass
    else:
        raise AssertionError("not frozen")
    made = attr.make_class("Made", ["a"])(1)
    import copy
    import pickle

    assert copy.deepcopy(Key("a")) == Key("a")
    assert pickle.loads(pickle.dumps(Key("a"))) == Key("a")
    return [Point, point, made]
