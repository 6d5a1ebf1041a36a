"""Ways to spoil a file: bytes at random, and values in a text that is JSON."""

from __future__ import annotations

import json
import random
import struct
from typing import Any

import onnx

_NUMBERS = [0, 1, -1, 2, 255, 256, 65535, 65536, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, 10**30]
_TEXTS = ["", "\0", "../..", "/dev/zero", "\ud800", "x" * 5000, "NaN", "1e999", "\x1b[2J", "=1+1", "%s", "{}"]
_OPERATORS = [
    *("Abs", "AveragePool", "Cast", "Concat", "ConvTranspose", "DepthToSpace", "Einsum", "Exp", "Expand"),
    *("Flatten", "GRU", "Gather", "GlobalMaxPool", "Identity", "If", "LRN", "Log", "Loop", "MatMul"),
    *("NonZero",),
    *("Nothing", "OneHot", "Pad", "Range", "ReduceMax", "Reshape", "Resize", "Shape", "Softmax"),
    *("SpaceToDepth",),
    *("Split", "Sqrt", "Tile", "TopK", "Transpose", "Unique", "Upsample"),
]
_VALUES: list[Any] = [
    *_NUMBERS,
    *_TEXTS,
    None,
    True,
    [],
    {},
    [[]],
    [None] * 3,
    {"a": {}},
    1e308,
    5e-324,
    float("nan"),
    float("inf"),
]


def spoil(content: bytes, chance: random.Random, head: int = 2048) -> bytes:
    """Return the content with one to eight random changes, most of them within its first ``head`` bytes."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        if not data:
            return bytes(data)
        end = len(data) if chance.random() < 0.3 else min(len(data), head)
        place = chance.randrange(end)
        match chance.randrange(9):
            case 0:
                data[place] ^= 1 << chance.randrange(8)
            case 1:
                data[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 2:
                width, code = chance.choice(((2, "H"), (4, "I"), (8, "Q")))
                number = chance.choice(_NUMBERS) % (1 << 8 * width)
                data[place : place + width] = struct.pack(chance.choice("<>") + code, number)
            case 3:
                del data[chance.randrange(len(data)) :]
            case 4:
                size = chance.randrange(1, 64)
                del data[place : place + size]
            case 5:
                data[place:place] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 64)))
            case 6:
                size, other = chance.randrange(1, 256), chance.randrange(len(data))
                data[place : place + size] = data[other : other + size]
            case 7:
                data[place : place + 16] = bytes(min(16, len(data) - place))
            case _:
                data += bytes(data[: chance.randrange(1, 4096)])
    return bytes(data)


def spoil_lines(content: bytes, chance: random.Random) -> bytes:
    """Return TOML with another value, another key, or lines that have gone, are doubled or swapped."""
    lines = content.decode().splitlines()
    for _ in range(chance.choice((1, 1, 2, 4))):
        place, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        key, mark, _ = lines[place].partition(" = ")
        match chance.randrange(5):
            case 0:
                lines[place], lines[other] = lines[other], lines[place]
            case 1:
                lines.insert(other, lines[place])
            case 2:
                lines[place] = ""
            case 3 if mark:
                lines[place] = (
                    f"{chance.choice(('minutes', 'seed', 'slices', 'x'))} = {lines[place][len(key) + 3 :]}"
                )
            case _ if mark:
                lines[place] = f"{key} = {json.dumps(chance.choice(_VALUES))}"
            case _:
                lines[place] = chance.choice(("[[labelled]]", "[training]", "[a.b.c]", "x = [[[[]]]]", "\0"))
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def spoil_model(content: bytes, chance: random.Random) -> bytes:
    """Return an ONNX model that is still one, with other layers, names, numbers or sizes."""
    model = onnx.load_model_from_string(content)
    graph = model.graph
    names = [name for node in graph.node for name in (*node.input, *node.output)]
    for _ in range(chance.choice((1, 1, 2, 4))):
        node, weight = chance.choice(graph.node), chance.choice(graph.initializer)
        match chance.randrange(10):
            case 0:
                node.op_type = chance.choice(_OPERATORS)
            case 1 if node.input:
                node.input[chance.randrange(len(node.input))] = chance.choice([*names, "", "none"])
            case 2 if node.output:
                node.output[chance.randrange(len(node.output))] = chance.choice([*names, "more"])
            case 3:
                del node.attribute[:]
            case 4 if node.attribute:
                attribute = chance.choice(node.attribute)
                if attribute.ints:
                    number = chance.choice(_NUMBERS[:-3])
                    attribute.ints[chance.randrange(len(attribute.ints))] = number
                attribute.i = chance.choice(_NUMBERS[:-3])
            case 5 if weight.dims:
                weight.dims[chance.randrange(len(weight.dims))] = chance.choice(_NUMBERS[:-3])
            case 6:
                weight.raw_data = bytes(chance.randrange(256) for _ in range(len(weight.raw_data)))
            case 7:
                weight.data_type = chance.randrange(24)
            case 8:
                shape = chance.choice([*graph.input, *graph.output]).type.tensor_type.shape
                if shape.dim:
                    chance.choice(shape.dim).dim_value = chance.choice(_NUMBERS[:-3])
            case _:
                graph.node.append(chance.choice(graph.node))
    return model.SerializeToString()


def spoil_json(content: bytes, chance: random.Random) -> bytes:
    """Return JSON in which some value is another, has gone or is doubled; at times not even JSON."""
    if chance.random() < 0.2:
        return spoil(content, chance)
    value = json.loads(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        places = list(_places(value))
        if not places:
            break
        holder, key = chance.choice(places)
        match chance.randrange(5):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[chance.choice(_TEXTS)] = holder[key]
            case 2 if isinstance(holder[key], int | float):
                holder[key] = chance.choice(_NUMBERS) if chance.random() < 0.7 else -holder[key]
            case _:
                holder[key] = chance.choice(_VALUES)
    return json.dumps(value).encode()


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)
