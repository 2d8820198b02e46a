import asyncio

import httpx


def smoke():
    def answer(request):
        return httpx.Response(200, json={"url": str(request.url), "by": request.headers["x-by"]})

    transport = httpx.MockTransport(answer)
    with httpx.Client(transport=transport, base_url="https://example.test", headers={"x-by": "me"}) as client:
        got = client.get("/a", params={"b": 1})
    assert got.json() == {"url": "https://example.test/a?b=1", "by": "me"}

    async def several():
        async with httpx.AsyncClient(transport=transport, headers={"x-by": "you"}) as client:
            return await asyncio.gather(*(client.get(f"https://example.test/{n}") for n in range(3)))

    assert [each.json()["by"] for each in asyncio.run(several())] == ["you"] * 3
    try:
        httpx.get("http://127.0.0.1:9/", trust_env=False)
    except httpx.ConnectError:
        pass
    else:
        raise AssertionError("nobody listens there")
    return [client, got]
