from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version


def smoke():
    versions = [Version(text) for text in ("1.10", "1.9", "1.9rc1", "2!0.1")]
    assert [str(version) for version in sorted(versions)] == ["1.9rc1", "1.9", "1.10", "2!0.1"]
    assert list(SpecifierSet(">=1.9,<2").filter(["1.8", "1.9", "2.0"])) == ["1.9"]
    requirement = Requirement("a[b]>=1; python_version >= '3' and extra == 'b'")
    assert requirement.marker.evaluate({"extra": "b"})
    assert Marker("os_name == 'nothing'").evaluate() is False
    from packaging.tags import sys_tags

    tags = list(sys_tags())
    assert str(tags[-1]) == "py30-none-any"
    try:
        Version("nonsense")
    except InvalidVersion:
        pass
    else:
        raise AssertionError("a version?")
    return [requirement, tags[0], default_environment(), versions]
