import asyncio

import aiohttp
from aiohttp import web


async def talk():
    async def hello(request):
        return web.json_response({"name": request.match_info["name"], "q": request.query["q"]})

    async def socket(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            await ws.send_str(message.data.upper())
        return ws

    app = web.Application()
    app.add_routes([web.get("/hello/{name}", hello), web.get("/ws", socket)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/hello/ä", params={"q": "1"}) as answer:
            assert await answer.json() == {"name": "ä", "q": "1"}
            headers = answer.headers
        async with session.ws_connect(f"http://127.0.0.1:{port}/ws") as ws:
            await ws.send_str("abc")
            assert await ws.receive_str() == "ABC"
    await runner.cleanup()
    return [app, headers, session]


def smoke():
    import multidict
    import yarl
    from frozenlist import FrozenList

    objects = asyncio.run(talk())
    assert multidict.CIMultiDict(A=1)["a"] == 1
    url = yarl.URL("http://h/a?b=1") / "c"
    assert str(url) == "http://h/a/c"
    frozen = FrozenList([1])
    frozen.freeze()
    return [*objects, url, frozen, aiohttp.http_parser.HttpResponseParser]
