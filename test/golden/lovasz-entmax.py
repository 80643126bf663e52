# Writes lovasz-entmax.json: values and gradients of other libraries that softseg's Lovász losses, sparsemax and entmax
# must reproduce.
#   python3 -m venv /tmp/lovasz-entmax && /tmp/lovasz-entmax/bin/pip install torch==2.13.0 numpy==2.4.6
#   /tmp/lovasz-entmax/bin/pip install --no-deps entmax==1.3 kornia==0.9.0 kornia_rs==0.2.0 packaging==26.3 \
#     segmentation_models_pytorch==0.6.0  # torchvision is not needed
#   /tmp/lovasz-entmax/bin/python test/golden/lovasz-entmax.py
"""Each case is one call of a library. Its text is stored in the json file, and is the code that runs here. All is
float64 except segmentation_models.pytorch, which mixes in float32 and refuses anything else.

Names in a call: logits, labels; the class axis of logits is moved to 1 for the losses.
"""

import json
from importlib.metadata import version
from pathlib import Path

import entmax
import kornia.losses as kornia
import numpy as np
import torch

from common import described, load_smp_losses

SEED = 20265
IGNORED = 255

rng = np.random.default_rng(SEED)
smp = load_smp_losses()


# All values can also be represented exactly in float32, and no two errors of a row tie: with ties the gradient would
# depend on the sort.
def random_logits(*shape):
    return rng.permutation(np.arange(1, 1 + np.prod(shape)) - np.prod(shape) // 2 + 1 / 4).reshape(shape) / 16


def random_classes(count, *shape):
    return rng.integers(0, count, size=shape)


with_ignored = random_classes(4, 2, 5, 6)
with_ignored[rng.random(with_ignored.shape) < 0.3] = IGNORED
absent = random_classes(3, 2, 5, 6)
absent[0][absent[0] == 1] = 0
binary_ignored = random_classes(2, 2, 5, 6)
binary_ignored[rng.random(binary_ignored.shape) < 0.3] = IGNORED

inputs = {
    "logits of one class": random_logits(2, 5, 6, 1),
    "logits of four classes": random_logits(2, 5, 6, 4),
    "binary labels": random_classes(2, 2, 5, 6),
    "binary labels, one image empty": np.stack([random_classes(2, 5, 6), np.zeros((5, 6), dtype=np.int64)]),
    "binary labels with 255": binary_ignored,
    "classes": random_classes(4, 2, 5, 6),
    "classes, two of them absent in an image": absent,
    "classes with 255": with_ignored,
    "activations": np.round(rng.normal(size=(3, 4, 5)) * 96) / 64,
    "activations with ties": rng.integers(-2, 3, size=(3, 4, 5)) / 2,
    "many activations": np.round(rng.normal(size=(2, 300)) * 48) / 64,
    "factors": np.round(rng.normal(size=(3, 4, 5)) * 64) / 64,
    "many factors": np.round(rng.normal(size=(2, 300)) * 64) / 64,
}

ONE, FOUR = "logits of one class", "logits of four classes"
HINGE, SOFTMAX = "lovaszHingeLoss", "lovaszSoftmaxLoss"
# Columns: library, call, ours, options, labels, logits.
LOSSES = [
    ("kornia", "kornia.lovasz_hinge_loss(logits, labels)", HINGE, {}, "binary labels", ONE),
    ("kornia", "kornia.lovasz_hinge_loss(logits, labels)", HINGE, {}, "binary labels, one image empty", ONE),
    ("kornia", "kornia.lovasz_softmax_loss(logits, labels)", SOFTMAX, {"classes": "all"}, "classes", FOUR),
    (
        "kornia",
        "kornia.lovasz_softmax_loss(logits, labels)",
        SOFTMAX,
        {"classes": "all"},
        "classes, two of them absent in an image",
        FOUR,
    ),
]
SMP = "segmentation_models_pytorch"
for per_image in (True, False):
    aggregate = {"aggregate": "image" if per_image else "batch"}
    for labels in ("binary labels", "binary labels, one image empty", "binary labels with 255"):
        ignore = ", ignore_index=255" if "255" in labels else ""
        call = f"smp.LovaszLoss('binary', per_image={per_image}{ignore})(logits.float(), labels)"
        options = {**aggregate, **({"ignoreLabel": 255} if ignore else {})}
        LOSSES.append((SMP, call, HINGE, options, labels, ONE))
    for labels in ("classes", "classes, two of them absent in an image", "classes with 255"):
        ignore = ", ignore_index=255" if "255" in labels else ""
        call = f"smp.LovaszLoss('multiclass', per_image={per_image}{ignore})(logits.float(), labels)"
        options = {**aggregate, **({"ignoreLabel": 255} if ignore else {})}
        LOSSES.append((SMP, call, SOFTMAX, options, labels, FOUR))
        if labels == "classes":
            name = "smp.lovasz._lovasz_softmax"
            flat = f"{name}(logits.float().softmax(1), labels, classes=[1, 3], per_image={per_image})"
            LOSSES.append((SMP, flat, SOFTMAX, {**options, "classes": [1, 3]}, labels, FOUR))


def loss_case(library, call, ours, options, labels, logits):
    z = torch.tensor(np.moveaxis(inputs[logits], -1, 1).copy(), requires_grad=True)
    t = torch.tensor(inputs[labels])
    value = eval(call, {"smp": smp, "kornia": kornia, "logits": z, "labels": t})
    (gradient,) = torch.autograd.grad(value, z)
    return {
        "library": library,
        "call": call,
        "ours": ours,
        "options": options,
        "labels": labels,
        "logits": logits,
        "value": rounded(value, library != SMP),
        "gradient": rounded(gradient.movedim(1, -1), library != SMP),
    }


RELAXATIONS = []
for axis in (0, 1, -1):
    for logits in ("activations", "activations with ties"):
        RELAXATIONS += [
            (f"entmax.sparsemax(logits, dim={axis})", "sparsemax", {"axis": axis}, logits),
            (f"entmax.entmax15(logits, dim={axis})", "entmax15", {"axis": axis}, logits),
        ]
    for alpha in (1.1, 1.5, 1.75, 2):
        call = f"entmax.entmax_bisect(logits, alpha={alpha}, dim={axis}, n_iter=60)"
        RELAXATIONS.append((call, "entmax", {"alpha": alpha, "axis": axis}, "activations"))
RELAXATIONS += [
    ("entmax.entmax_bisect(logits, alpha=3, n_iter=60)", "entmax", {"alpha": 3}, "activations"),
    ("entmax.sparsemax(logits)", "sparsemax", {}, "many activations"),
    ("entmax.entmax15(logits)", "entmax15", {}, "many activations"),
    ("entmax.entmax_bisect(logits, alpha=1.25, n_iter=60)", "entmax", {"alpha": 1.25}, "many activations"),
]


def relaxation_case(call, ours, options, logits):
    z = torch.tensor(inputs[logits], requires_grad=True)
    factors = "many factors" if logits.startswith("many") else "factors"
    value = eval(call, {"entmax": entmax, "logits": z})
    (gradient,) = torch.autograd.grad((value * torch.tensor(inputs[factors])).sum(), z)
    return {
        "library": "entmax",
        "call": call,
        "ours": ours,
        "options": options,
        "logits": logits,
        "factors": factors,
        "value": rounded(value),
        "gradient": rounded(gradient),
    }


def rounded(tensor, exact=True):
    # The last digits depend on the processor.
    digits = 10 if exact else 7
    return [float(f"{x:.{digits}g}") for x in tensor.detach().reshape(-1).tolist()]


result = {
    "seed": SEED,
    "versions": {
        name: version(name) for name in ("torch", "numpy", "entmax", "kornia", "segmentation_models_pytorch")
    },
    "inputs": {name: described(array) for name, array in inputs.items()},
    "losses": [loss_case(*each) for each in LOSSES],
    "relaxations": [relaxation_case(*each) for each in RELAXATIONS],
}
path = Path(__file__).with_suffix(".json")
head = json.dumps({key: result[key] for key in ("seed", "versions")}, ensure_ascii=False)[:-1]
lines = [f'{json.dumps(name, ensure_ascii=False)}: {json.dumps(each)}' for name, each in result["inputs"].items()]
text = f'{head},\n"inputs": {{\n' + ",\n".join(lines) + "\n}"
for key in ("losses", "relaxations"):
    text += f',\n"{key}": [\n' + ",\n".join(json.dumps(each, ensure_ascii=False) for each in result[key]) + "\n]"
path.write_text(text + "}\n", encoding="utf-8")
