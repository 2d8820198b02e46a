import pickle

import rpds


def smoke():
    table = rpds.HashTrieMap({"a": 1}).insert("b", 2)
    assert dict(table) == {"a": 1, "b": 2}
    assert table.remove("a") == rpds.HashTrieMap({"b": 2})
    assert list(rpds.List([1, 2]).push_front(0)) == [0, 1, 2]
    assert rpds.HashTrieSet({1}).union(rpds.HashTrieSet({2})) == rpds.HashTrieSet({1, 2})
    assert pickle.loads(pickle.dumps(table)) == table
    from collections.abc import Mapping

    assert isinstance(table, Mapping)
    return [table, rpds.List([1])]
