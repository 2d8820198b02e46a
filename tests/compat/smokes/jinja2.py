import jinja2
from jinja2 import nodes
from jinja2.ext import Extension


class Now(Extension):
    tags = {"now"}  # noqa: RUF012

    def parse(self, parser):
        line = next(parser.stream).lineno
        return nodes.Output([nodes.Const("now!")]).set_lineno(line)


def smoke():
    loader = jinja2.DictLoader(
        {
            "base": "<{% block body %}{% endblock %}>",
            "page": "{% extends 'base' %}{% block body %}{% for x in xs %}{{ loop.index }}{{ x|e }} {% endfor %}"
            "{% now %}{{ range(3)|map('string')|join('-') }}{% endblock %}",
            "macros": "{% macro m(x) %}[{{ x }}]{% endmacro %}",
            "uses": "{% from 'macros' import m %}{{ m(1) }}{{ 2|tojson }}",
        }
    )
    env = jinja2.Environment(
        loader=loader, autoescape=True, extensions=[Now, "jinja2.ext.do", "jinja2.ext.loopcontrols"]
    )
    assert env.get_template("page").render(xs=["a", "<"]) == "<1a 2&lt; now!0-1-2>"
    assert env.get_template("uses").render() == "[1]2"
    from jinja2.sandbox import SandboxedEnvironment

    try:
        SandboxedEnvironment().from_string("{{ x.__class__.__mro__ }}").render(x=1)
    except jinja2.exceptions.SecurityError:
        pass
    else:
        raise AssertionError("the sandbox is open")
    return [env, env.get_template("page")]
