import io

import pyarrow as pa
import pyarrow.parquet as pq


def smoke():
    table = pa.table({"a": [1, 2, 3], "b": ["x", "y", None]})
    out = io.BytesIO()
    pq.write_table(table, out)
    assert pq.read_table(io.BytesIO(out.getvalue())).equals(table)
    import pyarrow.compute as pc

    assert pc.sum(table["a"]).as_py() == 6
    return [table]
