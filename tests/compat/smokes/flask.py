import flask

app = flask.Flask(__name__)
app.secret_key = "x"


@app.route("/hello/<name>")
def hello(name):
    flask.session["seen"] = name
    return flask.render_template_string("Hello {{ name }} {{ url_for('hello', name='y') }}", name=name)


@app.get("/json")
def data():
    return {"seen": flask.session.get("seen"), "args": flask.request.args.to_dict()}


def smoke():
    client = app.test_client()
    assert client.get("/hello/<b>").text == "Hello &lt;b&gt; /hello/y"
    assert client.get("/json?a=1").json == {"seen": "<b>", "args": {"a": "1"}}
    assert client.get("/none").status_code == 404
    from flask.cli import routes_command

    result = app.test_cli_runner().invoke(routes_command)
    assert "/hello/<name>" in result.output, result.output
    return [app, client]
