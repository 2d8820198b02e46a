from typing import Annotated

import fastapi
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel

app = FastAPI()


class Item(BaseModel):
    name: str
    price: float = 1.0


def token(q: str = "none"):
    return q


@app.post("/items/{number}")
async def make(number: int, item: Item, q: Annotated[str, Depends(token)]) -> Item:
    return Item(name=f"{item.name}{number}{q}", price=item.price)


def smoke():
    client = TestClient(app)
    answer = client.post("/items/3?q=x", json={"name": "a"})
    assert answer.json() == {"name": "a3x", "price": 1.0}, answer.text
    assert client.post("/items/z", json={}).status_code == 422
    assert "/items/{number}" in client.get("/openapi.json").json()["paths"]
    return [app, client, fastapi.routing]
