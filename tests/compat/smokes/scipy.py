import numpy as np
import scipy
from scipy import integrate, interpolate, linalg, optimize, sparse, special, stats


def smoke():
    area, _ = integrate.quad(np.sin, 0, np.pi)
    assert abs(area - 2) < 1e-9
    assert abs(optimize.brentq(lambda x: x**2 - 2, 0, 2) - 2**0.5) < 1e-9
    found = optimize.minimize(lambda x: ((x - 3) ** 2).sum(), [0.0, 0.0], method="BFGS")
    assert np.allclose(found.x, 3, atol=1e-4)
    matrix = sparse.csr_matrix(np.eye(3) * 2)
    from scipy.sparse.linalg import spsolve

    assert np.allclose(spsolve(matrix, np.ones(3)), 0.5)
    assert np.allclose(linalg.expm(np.zeros((2, 2))), np.eye(2))
    assert abs(special.gamma(5) - 24) < 1e-9
    assert abs(stats.norm.cdf(0) - 0.5) < 1e-9
    curve = interpolate.CubicSpline([0, 1, 2], [0, 1, 4])
    assert abs(curve(1.0) - 1) < 1e-9
    from scipy.spatial import KDTree

    assert KDTree([[0, 0], [1, 1]]).query([0.9, 0.9])[1] == 1
    assert scipy.constants.c == 299792458.0
    return [found, matrix, curve]
