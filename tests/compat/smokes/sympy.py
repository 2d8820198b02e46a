import sympy
from sympy import Symbol, integrate, oo, solve
from sympy.parsing.sympy_parser import parse_expr


def smoke():
    x = Symbol("x")
    assert integrate(sympy.exp(-(x**2)), (x, -oo, oo)) == sympy.sqrt(sympy.pi)
    assert solve(x**2 - 4, x) == [-2, 2]
    assert parse_expr("2*x + x") == 3 * x
    assert sympy.latex(sympy.Rational(1, 3)) == r"\frac{1}{3}"
    assert sympy.lambdify(x, x**2 + 1, "math")(3) == 10
    matrix = sympy.Matrix([[1, 2], [3, 4]])
    assert matrix.det() == -2
    return [x, matrix]
