import io

import matplotlib

matplotlib.use("agg")


def smoke():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 2))
    axes = figure.subplots()
    axes.plot([1, 2, 3], [1, 4, 9], label="$x^2$")
    axes.legend()
    for form in ("png", "svg", "pdf"):
        out = io.BytesIO()
        figure.savefig(out, format=form)
        assert len(out.getvalue()) > 1000
    return [figure, axes]
