import io

import pandas as pd


def handed_out():
    frame = pd.DataFrame({"a": [1, 2], "when": pd.to_datetime(["2024-02-03", "2024-02-04"])})
    return [frame.describe, frame.__repr__, frame.when._values.__repr__, frame.when.iloc[0].isoformat]


def smoke():
    frame = pd.read_csv(io.StringIO("k,v,when\na,1,2024-02-03\nb,2,2024-02-04\na,3,2024-03-01\n"), parse_dates=["when"])
    sums = frame.groupby("k").v.sum()
    assert sums.to_dict() == {"a": 4, "b": 2}
    months = frame.set_index("when").v.resample("MS").sum()
    assert list(months) == [3, 3]
    merged = frame.merge(pd.DataFrame({"k": ["a"], "w": [9]}), on="k", how="left")
    assert merged.w.isna().sum() == 1
    assert pd.read_json(io.StringIO(frame.v.to_json()), typ="series").sum() == 6
    assert frame.query("v > 1 and k == 'a'").v.tolist() == [3]
    assert pd.Timestamp("2024-02-03", tz="Europe/Berlin").utcoffset().seconds == 3600
    assert frame.pivot_table(index="k", values="v", aggfunc="mean").loc["a", "v"] == 2.0
    assert pd.Series(["x", "y"], dtype="category").cat.codes.tolist() == [0, 1]
    assert "2024-02-03" in frame.to_string()
    return [frame, months, merged]
