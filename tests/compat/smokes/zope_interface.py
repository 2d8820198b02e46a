import zope.interface
from zope.interface import Attribute, Interface, implementer
from zope.interface.adapter import AdapterRegistry
from zope.interface.verify import verifyObject


class Shape(Interface):
    name = Attribute("its name")

    def area(scale):
        """How large."""


@implementer(Shape)
class Square:
    name = "square"

    def area(self, scale):
        return scale


def handed_out():
    return [Square().area.__repr__, lambda: Shape.providedBy(Square()), Shape.__repr__]


def smoke():
    square = Square()
    assert Shape.providedBy(square)
    assert verifyObject(Shape, square)
    registry = AdapterRegistry()
    registry.register([Shape], Shape, "", "found")
    assert registry.lookup([zope.interface.providedBy(square)], Shape, "") == "found"
    assert Shape(square) is square
    try:
        Shape(object())
    except TypeError:
        pass
    else:
        raise AssertionError("adapted?")
    return [Shape, registry, square]
