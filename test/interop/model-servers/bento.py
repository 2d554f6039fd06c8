"""For BentoML: a service with an endpoint of each sort."""

import asyncio
from typing import AsyncGenerator

import bentoml


@bentoml.service(name="letters")
class Letters:
    def __init__(self):
        self._go_on = asyncio.Event()

    @bentoml.api
    def shout(self, text: str) -> str:
        if text == "!":
            raise RuntimeError("asked to")
        return text.upper()

    @bentoml.api(route="/v2/count")
    async def count(self, text: str) -> dict:
        return {"letters": len(text)}

    @bentoml.api
    async def go_on(self) -> None:
        self._go_on.set()

    @bentoml.api
    async def spell(self, text: str) -> AsyncGenerator[str, None]:
        self._go_on.clear()
        for letter in text:
            if letter == "!":
                raise RuntimeError("asked to")
            if letter == "|":
                # Until another request says so.
                await self._go_on.wait()
            else:
                yield letter

    @bentoml.task
    def reverse(self, text: str) -> str:
        if text == "!":
            raise RuntimeError("asked to")
        return text[::-1]
