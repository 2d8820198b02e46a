import yaml


class Money(yaml.YAMLObject):
    yaml_tag = "!money"
    yaml_loader = [yaml.SafeLoader, yaml.CSafeLoader]  # noqa: RUF012

    def __init__(self, amount):
        self.amount = amount


def smoke():
    text = "a: [1, 2.5, 2024-02-03]\nb: &x {c: yes}\nd: *x\n"
    assert yaml.__with_libyaml__
    data = yaml.load(text, yaml.CSafeLoader)
    assert data == yaml.safe_load(text)
    assert data["d"] == {"c": True}
    assert yaml.load(yaml.dump(data, Dumper=yaml.CDumper), yaml.CLoader) == data
    money = yaml.load("!money {amount: 3}", yaml.CSafeLoader)
    assert isinstance(money, Money)
    try:
        yaml.load("a: [", yaml.CSafeLoader)
    except yaml.YAMLError as error:
        assert error.problem_mark.line == 1 or error.problem_mark.line == 0
    else:
        raise AssertionError("valid?")
    assert yaml.full_load("!!python/tuple [1, 2]") == (1, 2)
    return [money, yaml._yaml]
