import greenlet


def handed_out():
    return [greenlet.greenlet(int).switch, greenlet.getcurrent]


def smoke():
    seen = []

    def ping():
        while True:
            seen.append(greenlet.getcurrent().parent.switch("ping"))

    runner = greenlet.greenlet(ping)
    assert runner.switch() == "ping"
    runner.switch(1)
    runner.switch(2)
    assert seen == [1, 2]
    try:
        runner.throw(ValueError("out"))
    except ValueError:
        pass
    assert runner.dead
    try:
        greenlet.greenlet(lambda: 1 / 0).switch()
    except ZeroDivisionError:
        pass
    else:
        raise AssertionError("a quotient?")
    assert isinstance(runner, greenlet.greenlet)
    return [runner, greenlet.GreenletExit]
