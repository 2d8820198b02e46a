import io
import json
import logging

import structlog


def smoke():
    out = io.StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer(sort_keys=True)],
    )
    log.bind(user="x").info("hello", n=1)
    assert json.loads(out.getvalue()) == {"event": "hello", "level": "info", "n": 1, "user": "x"}
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.dev.ConsoleRenderer(colors=False),
            ]
        )
    )
    logger = logging.getLogger("compat.structlog")
    logger.propagate = False
    logger.addHandler(handler)
    try:
        logger.warning("plain %s", "words")
    finally:
        logger.removeHandler(handler)
    assert "plain words" in stream.getvalue()
    from structlog.testing import capture_logs

    with capture_logs() as caught:
        structlog.get_logger().info("caught")
    assert caught[0]["event"] == "caught"
    record = structlog.processors.CallsiteParameterAdder()(None, "info", {})
    assert record["func_name"] == "smoke", record
    return [log, handler]
