import datetime
import io

import polars as pl


def handed_out():
    frame = pl.DataFrame({"a": [1, 2], "b": [datetime.date(2024, 2, 3), None]})
    return [frame.to_dicts, frame.__repr__, frame._df.dtypes, frame._df.height]


def smoke():
    frame = pl.DataFrame({"k": ["a", "b", "a"], "v": [1, 2, 3], "d": [datetime.date(2024, 2, n) for n in (1, 2, 3)]})
    sums = frame.lazy().group_by("k").agg(pl.col("v").sum()).sort("k").collect()
    assert sums.rows() == [("a", 4), ("b", 2)]
    out = io.BytesIO()
    frame.write_parquet(out)
    assert pl.read_parquet(io.BytesIO(out.getvalue())).equals(frame)
    assert frame.select(pl.col("v").map_elements(lambda x: x * 2, return_dtype=pl.Int64))["v"].to_list() == [2, 4, 6]
    try:
        frame.select("nothing")
    except pl.exceptions.ColumnNotFoundError:
        pass
    else:
        raise AssertionError("a column?")
    assert pl.SQLContext(f=frame).execute("select max(v) from f", eager=True).item() == 3
    assert frame["d"].dt.year().to_list() == [2024] * 3
    assert "shape" in str(frame)
    return [frame, sums, pl.Int64]
