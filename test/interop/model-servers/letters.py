"""For MLServer: a model that answers with the text that it is given, and a letter at a time where it is asked for a stream."""

import asyncio

from mlserver import MLModel
from mlserver.codecs import StringCodec
from mlserver.types import InferenceResponse


class Letters(MLModel):
    async def load(self):
        self._go_on = asyncio.Event()
        return True

    async def predict(self, payload):
        text = self._text(payload)
        if text == "!":
            raise RuntimeError("asked to")
        if text == "go on":
            self._go_on.set()
        return self._answer(text)

    async def predict_stream(self, payloads):
        self._go_on.clear()
        async for payload in payloads:
            for letter in self._text(payload):
                if letter == "!":
                    raise RuntimeError("asked to")
                if letter == "|":
                    # Until another request says so.
                    await self._go_on.wait()
                else:
                    yield self._answer(letter)

    def _text(self, payload):
        return self.decode(payload.inputs[0], default_codec=StringCodec)[0]

    def _answer(self, text):
        output = StringCodec.encode_output("text", [text])
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=[output])
