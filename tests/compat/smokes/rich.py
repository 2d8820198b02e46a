import io

from rich.console import Console
from rich.table import Table


def smoke():
    out = io.StringIO()
    console = Console(file=out, width=40, color_system=None)
    table = Table(title="T")
    table.add_column("name")
    table.add_column("value", justify="right")
    table.add_row("pi", "3.14")
    console.print(table)
    from rich.markdown import Markdown
    from rich.syntax import Syntax
    from rich.tree import Tree

    console.print(Markdown("# Head\n\n* item"))
    console.print(Syntax("def f(): pass", "python"))
    tree = Tree("root")
    tree.add("leaf")
    console.print(tree)
    text = out.getvalue()
    assert all(word in text for word in ("3.14", "Head", "item", "def f", "leaf")), text
    from rich.pretty import pretty_repr

    assert pretty_repr({"a": [1]}) == "{'a': [1]}"
    return [console, table, tree]
