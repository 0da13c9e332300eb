"""The forward pass of :class:`grounding.text.sentence.bert.Bert` as an ONNX graph, for runtimes that read one."""

from typing import Any

import numpy as np
from torch import Tensor

from grounding.text.sentence.bert import Bert, Layer

OPSET = 20
IR_VERSION = 10


def bert_graph(bert: Bert) -> bytes:
    """An ONNX model: int64 `tokens` (B, T), all sentences of equal length, to float32 `states` (B, T, width).

    Args:
        bert: with float32 weights.

    Raises:
        ModuleNotFoundError: the package `onnx` is not installed.
    """
    return _Graph(bert).serialised()


class _Graph:
    """Collects nodes and constants, layer by layer."""

    def __init__(self, bert: Bert) -> None:
        from onnx import TensorProto, helper, numpy_helper

        self._helper, self._numpy, self._types = helper, numpy_helper, TensorProto
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._bert = bert

    def serialised(self) -> bytes:
        """The model as a file's content."""
        states = self._embedded()
        for layer in self._bert.layers:
            states = self._layer(layer, states)
        self._nodes.append(self._helper.make_node("Identity", [states], ["states"]))
        tokens = self._helper.make_tensor_value_info("tokens", self._types.INT64, ["sentences", "length"])
        shape = ["sentences", "length", self._bert.width]
        result = self._helper.make_tensor_value_info("states", self._types.FLOAT, shape)
        graph = self._helper.make_graph(self._nodes, "bert", [tokens], [result], self._constants)
        opset = [self._helper.make_opsetid("", OPSET)]
        return self._helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION).SerializeToString()

    def _embedded(self) -> str:
        words = self._node("Gather", self._constant(self._bert.words), "tokens")
        length = self._node("Shape", "tokens", start=1, end=2)
        positions = self._constant(self._bert.positions)
        places = self._node("Slice", positions, self._constant(np.array([0])), length, self._constant(np.array([0])))
        return self._normalised(self._node("Add", words, places), self._bert.norm)

    def _layer(self, layer: Layer, states: str) -> str:
        attended = self._linear(self._attended(layer, states), layer.attended)
        states = self._normalised(self._node("Add", states, attended), layer.attended_norm)
        wide = self._node("Gelu", self._linear(states, layer.wide))
        return self._normalised(self._node("Add", states, self._linear(wide, layer.narrow)), layer.narrow_norm)

    def _attended(self, layer: Layer, states: str) -> str:
        heads, width = self._bert.heads, self._bert.width
        size = width // heads
        # The scale of the scores goes into the weights of the queries.
        scale = np.ones(3 * width, dtype=np.float32)
        scale[:width] = size**-0.5
        weight, bias = (part.numpy() * (scale[:, None] if part.ndim == 2 else scale) for part in layer.attention)
        stacked = self._linear(states, (weight, bias))
        split = self._node("Reshape", stacked, self._constant(np.array([0, 0, 3, heads, size])))
        parts = [self._node("Gather", split, self._constant(np.array(part)), axis=2) for part in range(3)]
        query, value = (self._node("Transpose", part, perm=[0, 2, 1, 3]) for part in (parts[0], parts[2]))
        scores = self._node("MatMul", query, self._node("Transpose", parts[1], perm=[0, 2, 3, 1]))
        mixed = self._node("MatMul", self._node("Softmax", scores, axis=-1), value)
        together = self._node("Transpose", mixed, perm=[0, 2, 1, 3])
        return self._node("Reshape", together, self._constant(np.array([0, 0, width])))

    def _linear(self, states: str, layer: tuple[Any, Any]) -> str:
        weight = np.ascontiguousarray(np.asarray(layer[0]).T)
        return self._node("Add", self._node("MatMul", states, self._constant(weight)), self._constant(layer[1]))

    def _normalised(self, states: str, norm: tuple[Tensor, Tensor]) -> str:
        scale, shift = (self._constant(part) for part in norm)
        return self._node("LayerNormalization", states, scale, shift, axis=-1, epsilon=self._bert.epsilon)

    def _node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def _constant(self, value: Any) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(self._numpy.from_array(np.asarray(value, order="C"), name))
        return name
