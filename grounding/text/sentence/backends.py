"""What computes the states of a transformer: torch by itself, or ONNX Runtime or OpenVINO where installed."""

import importlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from grounding.errors import InputError
from grounding.text.sentence.bert import Bert, is_bert
from grounding.text.sentence.folder import SentenceFolder
from grounding.text.sentence.readers import (
    Network,
    PaddedNetwork,
    Reader,
    SubwordReader,
    Tokens,
    TransformerReader,
    load_tensors,
    runs,
    without_padding,
)

Precision = Literal["auto", "float32", "bfloat16"]
Backend = Literal["torch", "onnx", "openvino"]


def build_reader(folder: SentenceFolder, backend: Backend, precision: Precision, device: torch.device) -> Reader:
    """Load what turns sentences into states; for the arguments and errors see `build_network`."""
    if folder.reads == "subwords":
        return SubwordReader(folder, device)
    return TransformerReader(folder, build_network(folder, backend, precision, device))


def build_network(folder: SentenceFolder, backend: Backend, precision: Precision, device: torch.device) -> Network:
    """Load the transformer of a folder.

    Args:
        folder: where it is.
        backend: "torch"; "onnx" (ONNX Runtime) and "openvino", for BERT and its like, on the processor.
        precision: of matrix products. "auto" is bfloat16 where the hardware multiplies it faster, else float32.
        device: where torch computes.

    Raises:
        InputError: the backend is not installed, or cannot do this model, precision or device.
        WeightsError: weights are missing or not readable.
    """
    dtype = torch.bfloat16 if precision == "bfloat16" or (precision == "auto" and has_bfloat16(device)) else None
    if backend == "torch":
        if is_bert(folder.config):
            return without_padding(_bert(folder, dtype or torch.float32, device).states)
        return PaddedNetwork(folder, dtype or torch.float32, device)
    if not is_bert(folder.config):
        raise InputError(
            f"backend: {backend!r} found for a model of type {folder.config.get('model_type')!r}, expected 'torch', "
            "which runs them all; the others run BERT, RoBERTa and XLM-RoBERTa"
        )
    if device.type != "cpu":
        raise InputError(f"backend: {backend!r} found on {device.type}, expected 'torch'; the others run on the CPU")
    if backend == "onnx":
        return without_padding(_onnx_runtime(folder, precision))
    return without_padding(_openvino(folder, dtype is not None))


def has_bfloat16(device: torch.device) -> bool:
    """Whether the hardware multiplies bfloat16 faster than float32: AMX or AVX-512 BF16, or a GPU that has it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # These are not part of torch's public interface and may be missing.
    checks = [getattr(torch.cpu, name, None) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported")]
    return device.type == "cpu" and any(check() for check in checks if check is not None)


def _bert(folder: SentenceFolder, dtype: torch.dtype, device: torch.device) -> Bert:
    file = folder.weights.folder / "model.safetensors"
    return Bert(load_tensors(file), folder.config, dtype=dtype, device=device, origin=str(file))


def _onnx_runtime(folder: SentenceFolder, precision: Precision) -> Any:
    if precision == "bfloat16":
        raise InputError("precision: 'bfloat16' found with backend 'onnx', which computes in float32; use 'torch'")
    runtime = _imported("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(_graph(folder), options, providers=["CPUExecutionProvider"])

    def states(batch: Sequence[Tokens]) -> Iterator[Tensor]:
        for count, length, run in runs(batch):
            numbers = np.array(run, dtype=np.int64).reshape(count, length)
            yield torch.from_numpy(session.run(None, {"tokens": numbers})[0])

    return states


def _openvino(folder: SentenceFolder, low: bool) -> Any:
    openvino = _imported("openvino", "openvino")
    core = openvino.Core()
    model = core.read_model(_graph(folder))
    settings = {
        # Without this hint it may round to bfloat16 by itself.
        "INFERENCE_PRECISION_HINT": "bf16" if low else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
    }
    compiled = core.compile_model(model, "CPU", settings)

    def states(batch: Sequence[Tokens]) -> Iterator[Tensor]:
        for count, length, run in runs(batch):
            numbers = np.array(run, dtype=np.int64).reshape(count, length)
            yield torch.from_numpy(compiled([numbers])[0].astype(np.float32))

    return states


def _graph(folder: SentenceFolder) -> bytes:
    _imported("onnx", "onnx")
    from grounding.text.sentence.bert_graph import bert_graph

    return bert_graph(_bert(folder, torch.float32, torch.device("cpu")))


def _imported(package: str, backend: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        wanted = {"onnx": "onnx onnxruntime", "openvino": "onnx openvino"}
        raise InputError(
            f"backend: {package} is not installed; pip install {wanted[backend]}, or use backend='torch'"
        ) from error
