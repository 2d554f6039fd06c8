"""Says what the parsers of Python's prometheus_client make of our pages; its OpenMetrics parser is the strictest there is.

Answers one line of JSON per frame, until its input ends. A frame is a line of JSON, {"kind":"openmetrics"|"text","bytes":N}, and N bytes.
Numbers that JSON has not are the strings "NaN", "+Inf" and "-Inf".
"""

import json
import math
import sys

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as text

PARSERS = {
    "openmetrics": openmetrics.text_string_to_metric_families,
    "text": text.text_string_to_metric_families,
}


def main():
    pages, answers = sys.stdin.buffer, sys.stdout
    for line in pages:
        frame = json.loads(line)
        page = pages.read(frame["bytes"])
        print(json.dumps(verdict(frame["kind"], page), allow_nan=False), file=answers, flush=True)


def verdict(kind, page):
    try:
        lines = page.decode("utf-8")
        families = list(PARSERS[kind](lines))
        samples = [describe(sample) for family in families for sample in family.samples]
        # It drops the second sample of a series without a word.
        if len(samples) != sum(line != "" and not line.startswith("#") for line in lines.split("\n")):
            raise ValueError("a series twice")
        return {
            "ok": True,
            "families": {f.name: {"type": f.type, "help": f.documentation, "unit": f.unit} for f in families},
            "samples": samples,
        }
    # Whatever it is, the page was not read: not every mistake is a ValueError there.
    except Exception as error:
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}


def describe(sample):
    described = {"name": sample.name, "labels": sample.labels, "value": number(sample.value)}
    if sample.timestamp is not None:
        described["timestampMs"] = round(float(sample.timestamp) * 1000, 3)
    if sample.exemplar is not None:
        described["exemplar"] = {"labels": sample.exemplar.labels, "value": number(sample.exemplar.value)}
        if sample.exemplar.timestamp is not None:
            described["exemplar"]["timestampMs"] = round(float(sample.exemplar.timestamp) * 1000, 3)
    return described


def number(value):
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return value


main()
