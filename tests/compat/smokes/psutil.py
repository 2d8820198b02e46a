import os

import psutil


def smoke():
    process = psutil.Process()
    assert process.pid == os.getpid()
    assert process.memory_info().rss > 1_000_000
    assert psutil.cpu_count() >= 1
    assert psutil.virtual_memory().total > 0
    assert process.parent() is not None
    assert any(each.pid == os.getpid() for each in psutil.process_iter(["pid"]))
    try:
        psutil.Process(2**22 + 5)
    except psutil.NoSuchProcess:
        pass
    else:
        raise AssertionError("a process?")
    assert isinstance(psutil.net_if_addrs(), dict)
    return [process, psutil.disk_usage("/")]
