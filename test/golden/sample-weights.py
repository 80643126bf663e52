# Writes sample-weights.json: values and gradients of Keras's losses with its sample_weight.
#   python3 -m venv /tmp/weights && /tmp/weights/bin/pip install -r test/golden/requirements.txt
#   /tmp/weights/bin/python test/golden/sample-weights.py
"""Each case is one call of Keras. Its text is stored in sample-weights.json, and is the code that runs here.

Names in a call: y, z and w, the labels, logits and weights of the case. All is float64.
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch

from common import write

SEED = 20266
rng = np.random.default_rng(SEED)
torch.set_num_threads(1)
keras.config.set_floatx("float64")
# Keras's default guard against 0 is large enough to change digits of float32.
keras.config.set_epsilon(1e-12)

SHAPE = (3, 4, 4)
CLASS_COUNT = 3

# All values can also be represented exactly in float32. The second weight is 0.
inputs = {
    "weights": np.array([0.5, 0.0, 2.25]),
    "logits": np.round(rng.normal(size=(*SHAPE, CLASS_COUNT)) * 96) / 64,
    "soft labels": rng.multinomial(16, np.full(CLASS_COUNT, 1 / CLASS_COUNT), size=SHAPE) / 16,
    "binary logits": np.round(rng.normal(size=(*SHAPE, 1)) * 96) / 64,
    "binary labels": rng.integers(0, 2, size=(*SHAPE, 1)).astype(float),
    "logits of samples": np.round(rng.normal(size=(3, CLASS_COUNT)) * 96) / 64,
    "labels of samples": np.eye(CLASS_COUNT)[[2, 0, 1]],
}

CALLS = [
    ("crossEntropyLoss", "labels of samples", "logits of samples", "keras.losses.CategoricalCrossentropy(from_logits=True)(y, z, sample_weight=w)"),  # noqa: E501
    ("crossEntropyLoss", "soft labels", "logits", "keras.losses.CategoricalCrossentropy(from_logits=True)(y, z, sample_weight=w.reshape(3, 1, 1))"),  # noqa: E501
    ("binaryCrossEntropyLoss", "binary labels", "binary logits", "keras.losses.BinaryCrossentropy(from_logits=True)(y, z, sample_weight=w.reshape(3, 1, 1))"),  # noqa: E501
    ("diceLoss", "binary labels", "binary logits", "keras.losses.Dice(axis=(1, 2, 3))(y, torch.sigmoid(z), sample_weight=w)"),  # noqa: E501
]


def run(ours, labels, predictions, call):
    z = torch.tensor(inputs[predictions], dtype=torch.float64, requires_grad=True)
    names = {"y": torch.tensor(inputs[labels]), "z": z, "w": torch.tensor(inputs["weights"])}
    value = eval(call, globals(), names)
    value.backward()
    return {
        "call": call,
        "ours": ours,
        "labels": labels,
        "predictions": predictions,
        "value": value.item(),
        "gradient": z.grad.ravel().tolist(),
    }


packages = {"Keras": "keras", "PyTorch": "torch", "NumPy": "numpy"}
write(Path(__file__).with_suffix(".json"), SEED, packages, inputs, [run(*call) for call in CALLS])
