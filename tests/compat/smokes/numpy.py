import io
import pickle

import numpy as np


def handed_out():
    array = np.arange(6.0).reshape(2, 3)
    return [
        array.mean,
        array.std,
        array.__repr__,
        array.__reduce__,
        array.ptp if hasattr(array, "ptp") else array.sum,
        array.dumps,
    ]


def smoke():
    matrix = np.arange(12.0).reshape(3, 4)
    assert (matrix @ matrix.T)[0, 0] == 14.0
    assert np.allclose(np.linalg.inv(np.diag([1.0, 2.0])), np.diag([1.0, 0.5]))
    assert np.allclose(np.fft.ifft(np.fft.fft(matrix[0])).real, matrix[0])
    assert np.random.default_rng(3).integers(0, 9, 5).shape == (5,)
    out = io.BytesIO()
    np.save(out, matrix)
    assert (np.load(io.BytesIO(out.getvalue())) == matrix).all()
    assert repr(np.array([1, 2])) == "array([1, 2])"
    assert (pickle.loads(pickle.dumps(matrix)) == matrix).all()
    import numpy.ma as ma
    import numpy.polynomial as polynomial

    assert ma.masked_array([1, 2], [0, 1]).sum() == 1
    assert polynomial.Polynomial([1, 2])(3) == 7.0
    try:
        np.zeros(3) + np.zeros(4)
    except ValueError as error:
        assert "broadcast" in str(error)
    else:
        raise AssertionError("shapes?")
    try:
        np.linalg.inv(np.zeros((2, 2)))
    except np.linalg.LinAlgError:
        pass
    else:
        raise AssertionError("singular")
    with np.errstate(divide="raise"):
        try:
            np.array([1.0]) / 0
        except FloatingPointError:
            pass
    dates = np.array(["2024-02-03", "2024-02-04"], dtype="datetime64[D]")
    assert (dates[1] - dates[0]).astype(int) == 1
    return [matrix, np.dtype("f8"), np.add]
