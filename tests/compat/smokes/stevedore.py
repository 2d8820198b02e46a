import stevedore
from stevedore import ExtensionManager, driver


def smoke():
    examples = ExtensionManager("stevedore.example.formatter", invoke_on_load=True, invoke_args=(60,))
    assert sorted(examples.names()) == ["field", "plain", "simple"], examples.names()
    plain = driver.DriverManager("stevedore.test.extension", "t1", invoke_on_load=True)
    assert plain.driver is not None
    assert "".join(examples["simple"].obj.format({"a": 1})) == "a = 1\n"
    try:
        driver.DriverManager("stevedore.example.formatter", "nothing")
    except stevedore.exception.NoMatches:
        pass
    else:
        raise AssertionError("a driver?")
    return [examples, plain.driver]
