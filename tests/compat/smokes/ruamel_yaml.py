import io

import ruamel.yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap


def smoke():
    text = "a: 1  # one\nb:\n- x\n- {c: d}\n"
    yaml = YAML()
    data = yaml.load(text)
    assert isinstance(data, CommentedMap)
    data["a"] = 2
    out = io.StringIO()
    yaml.dump(data, out)
    assert out.getvalue().startswith("a: 2  # one\n")
    assert YAML(typ="safe").load("[1, {x: y}]") == [1, {"x": "y"}]
    try:
        yaml.load("a: [")
    except ruamel.yaml.YAMLError:
        pass
    else:
        raise AssertionError("valid?")
    return [yaml, data]
