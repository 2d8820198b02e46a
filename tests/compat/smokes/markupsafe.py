import markupsafe
from markupsafe import Markup, escape


class Loud:
    def __html__(self):
        return "<b>!</b>"


def smoke():
    assert escape("<a>") == "&lt;a&gt;"
    assert isinstance(escape("<"), Markup)
    assert escape(Loud()) == "<b>!</b>"
    assert Markup("<i>%s</i>") % "<" == "<i>&lt;</i>"
    assert Markup("<p>a &amp; b</p>").striptags() == "a & b"
    assert markupsafe._escape_inner.__module__.endswith("_speedups") if hasattr(markupsafe, "_escape_inner") else True
    return [escape("x"), Markup("y"), escape]
