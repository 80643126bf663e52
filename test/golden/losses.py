# Writes losses.json: values and gradients of other libraries that softseg must reproduce.
#   python3 -m venv /tmp/golden && /tmp/golden/bin/pip install -r test/golden/requirements.txt
#   /tmp/golden/bin/pip install --no-deps segmentation_models_pytorch==0.6.0  # its torchvision is not needed
#   /tmp/golden/bin/python test/golden/losses.py
"""Each case is one call of a library. Its text is stored in losses.json, and is the code that runs here.

Names in a call: logits, labels, mask (None if there is none). For PyTorch, segmentation_models.pytorch and MONAI the
class axis of logits and labels is moved to 1; for Keras and optax it is the last. All is float64.
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

import jax
import jax.numpy as jnp
import keras
import monai.losses
import numpy as np
import optax
import torch
import torch.nn.functional as F

from common import load_smp_losses, write

SEED = 20260
CLASS_COUNT = 3
IGNORED = 255

jax.config.update("jax_enable_x64", True)
rng = np.random.default_rng(SEED)


# ---------------------------------------------------------------------------------------------------------- inputs
# All values can also be represented exactly in float32. No probability equals its label: abs has no derivative there.


def random_logits(*shape):
    return np.round(rng.normal(size=shape) * 96) / 64


def random_distributions(*shape):
    return rng.multinomial(16, np.full(shape[-1], 1 / shape[-1]), size=shape[:-1]) / 16


def random_fractions(*shape):
    return rng.integers(0, 17, size=shape) / 16


def random_classes(*shape):
    return rng.integers(0, CLASS_COUNT, size=shape)


def one_hot(classes):
    return np.eye(CLASS_COUNT)[classes]


def with_ignored(classes):
    return np.where(rng.random(classes.shape) < 0.3, IGNORED, classes)


def random_probabilities(*shape):
    weights = np.exp(rng.normal(size=shape))
    return rng.multinomial(1024, weights / weights.sum(axis=-1, keepdims=True)) / 1024


def make_inputs():
    classes = random_classes(2, 3, 4)
    missing = np.stack([classes[0] % 2, np.full((3, 4), 2)])  # a class that is missing in one image
    absent = classes % 2  # a class that is missing in all images
    binary = rng.integers(0, 2, size=(2, 3, 4))
    logits = random_logits(2, 3, 4, CLASS_COUNT)
    soft = random_distributions(2, 3, 4, CLASS_COUNT)
    return {
        "logits": logits,
        "logits without spatial axes": random_logits(4, CLASS_COUNT),
        "logits in 1-D": random_logits(2, 5, CLASS_COUNT),
        "logits in 3-D": random_logits(2, 2, 3, 2, CLASS_COUNT),
        "logits with classes first": np.moveaxis(logits, -1, 1),
        "saturated logits": np.array([[1e4, -1e4, 0], [-1e4, -1e4, 1e4], [0, 0, 0], [-1e4, 1e4, 1e4]]),
        "binary logits": random_logits(2, 3, 4, 1),
        "probabilities": random_probabilities(2, 3, 4, CLASS_COUNT),
        "soft labels": soft,
        "soft labels without spatial axes": random_distributions(4, CLASS_COUNT),
        "soft labels in 1-D": random_distributions(2, 5, CLASS_COUNT),
        "soft labels in 3-D": random_distributions(2, 2, 3, 2, CLASS_COUNT),
        "soft labels with classes first": np.moveaxis(soft, -1, 1),
        "multilabel soft labels": random_fractions(2, 3, 4, CLASS_COUNT),
        "multilabel hard labels": rng.integers(0, 2, size=(2, 3, 4, CLASS_COUNT)).astype(float),
        "binary soft labels": random_fractions(2, 3, 4, 1),
        "binary hard labels": binary[..., np.newaxis].astype(float),
        "binary class indices": binary,
        "binary class indices, some ignored": with_ignored(binary),
        "class indices": classes,
        "one-hot labels": one_hot(classes),
        "class indices without spatial axes": random_classes(4),
        "class indices, some ignored": with_ignored(classes),
        "class indices with a class missing in each image": missing,
        "class indices without the last class": absent,
        "mask": rng.choice([0.0, 0.5, 1.0, 2.0], size=(2, 3, 4)),
        "mask of zeros and ones": rng.integers(0, 2, size=(2, 3, 4)).astype(float),
    }


INPUTS = make_inputs()
assert np.all(INPUTS["probabilities"] > 0) and np.all(INPUTS["probabilities"] != INPUTS["soft labels"])

# ----------------------------------------------------------------------------------------------------------- cases

TORCH, SMP, MONAI, KERAS, OPTAX = "PyTorch", "segmentation_models.pytorch", "MONAI", "Keras", "optax"
PACKAGES = {
    TORCH: "torch",
    SMP: "segmentation_models_pytorch",
    MONAI: "monai",
    KERAS: "keras",
    OPTAX: "optax",
    "jax": "jax",
    "NumPy": "numpy",
}
CLASSES_FIRST = (TORCH, SMP, MONAI)

METRIC, PRODUCT = ["metric"], ["product"]
BOTH = ["metric", "product"]  # the same on hard labels

SPACE = {
    "F": F,
    "jnp": jnp,
    "keras": keras,
    "monai": monai,
    "optax": optax,
    "smp": load_smp_losses(),
    "tensor": lambda values: torch.tensor(values, dtype=torch.float64),
}

cases = []


def add(library, ours, options, call, labels, logits="logits", mask=None, forms=None, times=1):
    """The call must equal `times` the softseg function `ours`, for each of the labels and each overlap form."""
    names = [labels] if isinstance(labels, str) else labels
    value, gradient = run(library, call, INPUTS[names[0]], INPUTS[logits], INPUTS.get(mask), options.get("axis", -1))
    cases.append(
        {
            "library": library,
            "call": call,
            "ours": ours,
            "options": options,
            "forms": forms,
            "times": times,
            "labels": names,
            "predictions": logits,
            "mask": mask,
            "value": rounded(value),
            "gradient": rounded(gradient),
        }
    )


def run(library, call, labels, logits, mask, axis):
    """Value of the call, and the gradient of its sum with respect to the logits, in the layout of the inputs."""
    if library == OPTAX:

        def evaluate(z):
            given = {"logits": z, "labels": jnp.asarray(labels), "mask": None if mask is None else jnp.asarray(mask)}
            return eval(call, {**SPACE, **given})

        z = jnp.asarray(logits)
        return np.asarray(evaluate(z)), np.asarray(jax.grad(lambda z: evaluate(z).sum())(z))

    z = torch.tensor(logits, requires_grad=True)
    t = torch.tensor(labels)
    has_classes = t.ndim == z.ndim
    if library in CLASSES_FIRST:
        given = {"logits": z.movedim(axis, 1), "labels": t.movedim(axis, 1) if has_classes else t}
    else:
        given = {"logits": z, "labels": t}
    given["mask"] = None if mask is None else torch.tensor(mask)
    value = eval(call, {**SPACE, **given})
    value.sum().backward()
    return value.detach().numpy(), z.grad.numpy()


def rounded(values):
    # Adding 0.0 turns -0.0 into 0.0.
    return (np.round(np.ravel(values), 10) + 0.0).tolist()


HARD = ["class indices", "one-hot labels"]
HARD_BINARY = ["binary hard labels", "binary class indices"]
SPATIAL = [" without spatial axes", " in 1-D", " in 3-D"]


def torch_cases():
    ce, bce = "crossEntropyLoss", "binaryCrossEntropyLoss"
    soft = "soft labels"
    for reduction in ("mean", "sum", "none"):
        call = f"F.cross_entropy(logits, labels, reduction='{reduction}')"
        add(TORCH, ce, {"reduction": reduction}, call, soft)
        add(TORCH, ce, {"reduction": reduction}, call, HARD)
        call = f"F.cross_entropy(logits, labels, weight=tensor([0.5, 2, 3]), reduction='{reduction}')"
        add(TORCH, ce, {"reduction": reduction, "classWeights": [0.5, 2, 3]}, call, soft)
        call = f"F.cross_entropy(logits, labels, ignore_index=255, reduction='{reduction}')"
        add(TORCH, ce, {"reduction": reduction, "ignoreLabel": IGNORED}, call, "class indices, some ignored")
    for suffix in SPATIAL:
        add(TORCH, ce, {}, "F.cross_entropy(logits, labels)", soft + suffix, "logits" + suffix)
    call = "F.cross_entropy(logits, labels)"
    add(TORCH, ce, {"axis": 1}, call, soft + " with classes first", "logits with classes first")
    add(TORCH, ce, {}, call, soft + " without spatial axes", "saturated logits")
    add(TORCH, ce, {}, call, "class indices without spatial axes", "saturated logits")
    add(TORCH, ce, {"sharpness": 2.5}, "F.cross_entropy(2.5 * logits, labels)", soft)

    call = "F.cross_entropy(logits, labels, label_smoothing=0.125)"
    add(TORCH, ce, {"labelSmoothing": 0.125}, call, soft)
    add(TORCH, ce, {"labelSmoothing": 0.125}, call, HARD)
    call = "F.cross_entropy(logits, labels, weight=tensor([0.5, 2, 3]), label_smoothing=0.125)"
    add(TORCH, ce, {"labelSmoothing": 0.125, "classWeights": [0.5, 2, 3]}, call, soft)
    call = "F.cross_entropy(logits, labels, ignore_index=255, label_smoothing=0.125)"
    add(TORCH, ce, {"labelSmoothing": 0.125, "ignoreLabel": IGNORED}, call, "class indices, some ignored")
    call = "F.cross_entropy(logits, labels, weight=tensor([0.5, 2, 3]), reduction='sum')"
    add(TORCH, ce, {"reduction": "sum", "classWeights": [0.5, 2, 3]}, call, HARD[0])
    # PyTorch divides by the weights of the labels for class indices only.
    total = float(np.array([0.5, 2, 3])[INPUTS["class indices"]].sum())
    call = "F.cross_entropy(logits, labels, weight=tensor([0.5, 2, 3]))"
    add(TORCH, ce, {"reduction": "sum", "classWeights": [0.5, 2, 3]}, call, HARD[0], times=1 / total)

    call = "(mask * F.cross_entropy(logits, labels, reduction='none')).sum() / mask.sum()"
    add(TORCH, ce, {}, call, soft, mask="mask")
    call = "mask * F.cross_entropy(logits, labels, reduction='none')"
    add(TORCH, ce, {"reduction": "none"}, call, soft, mask="mask")
    call = "(mask * F.cross_entropy(logits, labels, reduction='none')).sum((1, 2)) / mask.sum((1, 2))"
    add(TORCH, ce, {"reduction": "sample"}, call, HARD, mask="mask")
    # This mean selects pixels, which must equal a mask of zeros and ones.
    call = "F.cross_entropy(logits.movedim(1, -1)[mask > 0], labels.movedim(1, -1)[mask > 0])"
    add(TORCH, ce, {}, call, soft, mask="mask of zeros and ones")

    kl = {"subtractEntropy": True}
    call = "F.kl_div(F.log_softmax(logits, 1), labels, reduction='sum')"
    add(TORCH, ce, {**kl, "reduction": "sum"}, call, soft)
    call = "F.kl_div(F.log_softmax(logits, 1), labels, reduction='none').sum(1).mean()"
    add(TORCH, ce, kl, call, soft)
    add(
        TORCH,
        ce,
        {**kl, "activation": "none"},
        "F.kl_div(logits.log(), labels, reduction='none').sum(1).mean()",
        soft,
        "probabilities",
    )
    call = "F.kl_div(F.logsigmoid(logits), labels, reduction='none').mean()"
    call += " + F.kl_div(F.logsigmoid(-logits), 1 - labels, reduction='none').mean()"
    add(TORCH, bce, kl, call, "multilabel soft labels")
    add(TORCH, bce, kl, call, "binary soft labels", "binary logits")

    many = "multilabel soft labels"
    name = "F.binary_cross_entropy_with_logits"
    add(TORCH, bce, {}, f"{name}(logits, labels)", many)
    add(TORCH, ce, {"activation": "sigmoid"}, f"{name}(logits, labels)", many)
    add(TORCH, bce, {}, f"{name}(logits, labels)", "multilabel hard labels")
    add(TORCH, bce, {}, f"{name}(logits, labels)", soft + " without spatial axes", "saturated logits")
    add(TORCH, bce, {"reduction": "sum"}, f"{name}(logits, labels, reduction='sum')", many, times=CLASS_COUNT)
    add(TORCH, bce, {"reduction": "none"}, f"{name}(logits, labels, reduction='none').mean(1)", many)
    add(
        TORCH,
        bce,
        {"posWeight": [0.5, 2, 3]},
        f"{name}(logits, labels, pos_weight=tensor([[[0.5]], [[2]], [[3]]]))",
        many,
    )
    add(TORCH, bce, {"posWeight": 2}, f"{name}(logits, labels, pos_weight=tensor(2))", many)
    add(
        TORCH,
        bce,
        {"classWeights": [0.5, 2, 3]},
        f"{name}(logits, labels, weight=tensor([[[0.5]], [[2]], [[3]]]))",
        many,
    )
    add(TORCH, bce, {"classes": [1, 2]}, f"{name}(logits[:, 1:], labels[:, 1:])", many)
    call = f"{name}(logits, labels, weight=mask[:, None], reduction='sum')"
    add(TORCH, bce, {"reduction": "sum"}, call, many, mask="mask", times=CLASS_COUNT)
    add(TORCH, bce, {"activation": "none"}, "F.binary_cross_entropy(logits, labels)", many, "probabilities")
    for reduction in ("mean", "sum", "none"):
        call = f"{name}(logits, labels, reduction='{reduction}')"
        add(TORCH, bce, {"reduction": reduction}, call, "binary soft labels", "binary logits")
        add(TORCH, ce, {"reduction": reduction}, call, HARD_BINARY, "binary logits")


def smp_cases():
    batch = {"aggregate": "batch"}
    soft_call = "smp.{}('multilabel', from_logits=False{})(logits.softmax(1), labels)"
    hard_call = "smp.{}('multiclass'{})(logits, labels)"
    binary_call = "smp.{}('binary'{})(logits, labels)"
    # smp adds smooth to I, our Dice adds it to 2I.
    kinds = [
        ("DiceLoss", "diceLoss", "", {}, 2),
        ("JaccardLoss", "iouLoss", "", {}, 1),
        ("TverskyLoss", "tverskyLoss", ", alpha=0.25, beta=0.75", {"alpha": 0.25, "beta": 0.75}, 1),
    ]
    for name, ours, arguments, options, scale in kinds:
        for smooth in (0, 1.5):
            given = {**batch, **options, "smooth": scale * smooth} if smooth else {**batch, **options}
            extra = f"{arguments}, smooth={smooth}" if smooth else arguments
            add(SMP, ours, given, soft_call.format(name, extra), "soft labels", forms=METRIC)
            add(SMP, ours, given, hard_call.format(name, extra), HARD, forms=BOTH)
            call = f"smp.{name}('multilabel'{extra})(logits, labels)"
            add(SMP, ours, {**given, "activation": "sigmoid"}, call, "multilabel soft labels", forms=METRIC)
            call = binary_call.format(name, extra)
            add(SMP, ours, given, call, "binary soft labels", "binary logits", forms=METRIC)
            add(SMP, ours, given, call, HARD_BINARY, "binary logits", forms=BOTH)
        weighted = {**batch, **options, "classWeights": [0.5, 2, 3]}
        call = hard_call.format(name, f"{arguments}, class_weights=[0.5, 2, 3]")
        add(SMP, ours, weighted, call, HARD, forms=BOTH)
        picked = {**batch, **options, "classes": [0, 2]}
        add(SMP, ours, picked, hard_call.format(name, f"{arguments}, classes=[0, 2]"), HARD, forms=BOTH)
        ignoring = {**batch, **options, "ignoreLabel": IGNORED}
        call = hard_call.format(name, f"{arguments}, ignore_index=255")
        add(SMP, ours, ignoring, call, "class indices, some ignored", forms=BOTH)
        call = binary_call.format(name, f"{arguments}, ignore_index=255")
        add(SMP, ours, ignoring, call, "binary class indices, some ignored", "binary logits", forms=BOTH)
        # smp gives absent classes 0, but still divides by their number: ours is the mean over the classes present.
        absent = {**batch, **options, "absent": "skip", "reduction": "sum"}
        add(
            SMP,
            ours,
            absent,
            hard_call.format(name, arguments),
            "class indices without the last class",
            forms=BOTH,
            times=1 / CLASS_COUNT,
        )
        add(
            SMP,
            ours,
            {**batch, **options, "activation": "none"},
            f"smp.{name}('multilabel', from_logits=False{arguments})(logits, labels)",
            "soft labels",
            "probabilities",
            forms=METRIC,
        )
    # smp raises the mean over classes to gamma, which is the same with one class.
    for gamma in (0.75, 2):
        focal = {**batch, "alpha": 0.25, "beta": 0.75, "gamma": gamma}
        call = binary_call.format("TverskyLoss", f", alpha=0.25, beta=0.75, gamma={gamma}")
        add(SMP, "tverskyLoss", focal, call, "binary soft labels", "binary logits", forms=METRIC)

    # smp moves labels towards 1/2 by twice its smooth_factor.
    call = "smp.SoftBCEWithLogitsLoss(smooth_factor=0.125)(logits, labels)"
    add(SMP, "binaryCrossEntropyLoss", {"labelSmoothing": 0.25}, call, "multilabel soft labels")
    # smp's means divide by all pixels, including the ignored ones.
    pixel_count = INPUTS["class indices"].size
    call = "smp.SoftCrossEntropyLoss(smooth_factor=0.125, ignore_index=255)(logits, labels)"
    smoothed = {"labelSmoothing": 0.125, "ignoreLabel": IGNORED, "reduction": "sum"}
    add(SMP, "crossEntropyLoss", smoothed, call, "class indices, some ignored", times=1 / pixel_count)
    call = "smp.SoftCrossEntropyLoss(smooth_factor=0.125, reduction='sum', ignore_index=255)(logits, labels)"
    add(SMP, "crossEntropyLoss", smoothed, call, "class indices, some ignored")


SMOOTHED = {"absent": "smooth"}
MISSING = "class indices with a class missing in each image"
MONAI_SMOOTH = "smooth_nr=0.5, smooth_dr=0.5"
TO_ONE_HOT = "to_onehot_y=True, softmax=True"


def monai_region_cases(name, ours, arguments, options):
    given = {**SMOOTHED, **options}

    def call(extra, target="labels"):
        return f"monai.losses.{name}({MONAI_SMOOTH}{arguments}, {extra})(logits, {target})"

    for reduction in ("mean", "sum", "none"):
        extra = f"softmax=True, reduction='{reduction}'"
        add(MONAI, ours, {**given, "reduction": reduction}, call(extra), "soft labels", forms=PRODUCT)
        add(
            MONAI,
            ours,
            {**given, "reduction": reduction},
            call(f"{extra}, soft_label=True"),
            "soft labels",
            forms=METRIC,
        )
        add(
            MONAI,
            ours,
            {**given, "reduction": reduction},
            call(f"{extra}, to_onehot_y=True", "labels[:, None]"),
            MISSING,
            forms=BOTH,
        )
    for suffix in SPATIAL[1:]:
        add(MONAI, ours, given, call("softmax=True"), "soft labels" + suffix, "logits" + suffix, forms=PRODUCT)
    add(
        MONAI,
        ours,
        {**given, "axis": 1},
        call("softmax=True, soft_label=True"),
        "soft labels with classes first",
        "logits with classes first",
        forms=METRIC,
    )
    batch = {**given, "aggregate": "batch"}
    add(MONAI, ours, batch, call("softmax=True, batch=True"), "soft labels", forms=PRODUCT)
    add(MONAI, ours, batch, call(f"{TO_ONE_HOT}, batch=True", "labels[:, None]"), MISSING, forms=BOTH)
    add(
        MONAI,
        ours,
        {**given, "classes": [1, 2]},
        call(f"{TO_ONE_HOT}, include_background=False", "labels[:, None]"),
        MISSING,
        forms=BOTH,
    )
    add(
        MONAI,
        ours,
        {**given, "ignoreLabel": IGNORED},
        call(f"{TO_ONE_HOT}, ignore_index=255", "labels[:, None]"),
        "class indices, some ignored",
        forms=BOTH,
    )
    many = {**given, "activation": "sigmoid"}
    add(MONAI, ours, many, call("sigmoid=True"), "multilabel soft labels", forms=PRODUCT)
    add(MONAI, ours, many, call("sigmoid=True, soft_label=True"), "multilabel soft labels", forms=METRIC)
    add(MONAI, ours, many, call("sigmoid=True"), "multilabel hard labels", forms=BOTH)
    add(MONAI, ours, given, call("sigmoid=True"), "binary soft labels", "binary logits", forms=PRODUCT)
    add(MONAI, ours, given, call("sigmoid=True"), HARD_BINARY, "binary logits", forms=BOTH)
    add(
        MONAI,
        ours,
        {**given, "activation": "none"},
        f"monai.losses.{name}({MONAI_SMOOTH}{arguments})(logits, labels)",
        "soft labels",
        "probabilities",
        forms=PRODUCT,
    )


def monai_cases():
    # MONAI's Jaccard adds its smoothing to 2I.
    kinds = [
        ("DiceLoss", "diceLoss", "", {"smooth": 0.5}),
        ("DiceLoss", "iouLoss", ", jaccard=True", {"smooth": 0.25}),
        ("TverskyLoss", "tverskyLoss", ", alpha=0.25, beta=0.75", {"alpha": 0.25, "beta": 0.75, "smooth": 0.5}),
    ]
    for kind in kinds:
        monai_region_cases(*kind)

    squared = {**SMOOTHED, "squared": True, "smooth": 0.5}
    call = f"monai.losses.DiceLoss({MONAI_SMOOTH}, softmax=True, squared_pred=True)(logits, labels)"
    add(MONAI, "diceLoss", squared, call, "soft labels", forms=BOTH)
    call = f"monai.losses.DiceLoss({MONAI_SMOOTH}, sigmoid=True, squared_pred=True, batch=True)(logits, labels)"
    add(
        MONAI,
        "diceLoss",
        {**squared, "activation": "sigmoid", "aggregate": "batch"},
        call,
        "multilabel soft labels",
        forms=BOTH,
    )
    # The weights multiply, and the mean does not divide by them.
    call = f"monai.losses.DiceLoss({MONAI_SMOOTH}, softmax=True, weight=[0.5, 2, 3])(logits, labels)"
    weighted = {**SMOOTHED, "smooth": 0.5, "classWeights": [0.5, 2, 3], "reduction": "sum"}
    add(MONAI, "diceLoss", weighted, call, "soft labels", forms=PRODUCT, times=1 / 6)
    # The mask multiplies probabilities and labels.
    call = f"monai.losses.MaskedDiceLoss({MONAI_SMOOTH}, softmax=True)(logits, labels, mask[:, None])"
    add(
        MONAI,
        "diceLoss",
        {**SMOOTHED, "smooth": 0.5},
        call,
        "soft labels",
        mask="mask of zeros and ones",
        forms=PRODUCT,
    )

    both = {**SMOOTHED, "smooth": 0.5, "weights": {"dice": 0.75, "crossEntropy": 1.5}}
    name = f"monai.losses.DiceCELoss({MONAI_SMOOTH}, lambda_dice=0.75, lambda_ce=1.5"
    add(MONAI, "comboLoss", both, f"{name}, softmax=True)(logits, labels)", "soft labels", forms=PRODUCT)
    add(MONAI, "comboLoss", both, f"{name}, {TO_ONE_HOT})(logits, labels[:, None])", MISSING, forms=BOTH)
    add(
        MONAI,
        "comboLoss",
        {**both, "reduction": "sum"},
        f"{name}, softmax=True, reduction='sum')(logits, labels)",
        "soft labels",
        forms=PRODUCT,
    )
    add(
        MONAI,
        "comboLoss",
        {**both, "labelSmoothing": 0.125},
        f"{name}, softmax=True, label_smoothing=0.125)(logits, labels)",
        "soft labels",
        forms=PRODUCT,
    )
    add(
        MONAI,
        "comboLoss",
        both,
        f"{name}, sigmoid=True)(logits, labels)",
        "binary soft labels",
        "binary logits",
        forms=PRODUCT,
    )
    jaccard = {**SMOOTHED, "smooth": 0.25, "weights": {"iou": 0.75, "crossEntropy": 1.5}, "aggregate": "batch"}
    add(
        MONAI,
        "comboLoss",
        jaccard,
        f"{name}, softmax=True, jaccard=True, batch=True)(logits, labels)",
        "soft labels",
        forms=PRODUCT,
    )


def keras_cases():
    # Keras adds 1e-7 to the denominator, which is below the tolerance.
    probabilities = "keras.ops.softmax(logits)"
    each = "axis=(1, 2), dtype='float64'"
    add(
        KERAS, "diceLoss", SMOOTHED, f"keras.losses.Dice({each})(labels, {probabilities})", "soft labels", forms=PRODUCT
    )
    add(
        KERAS, "diceLoss", SMOOTHED, f"keras.losses.Dice({each})(labels, {probabilities})", "one-hot labels", forms=BOTH
    )
    call = f"keras.losses.Dice({each}, reduction='sum')(labels, keras.ops.sigmoid(logits))"
    many = {**SMOOTHED, "activation": "sigmoid", "reduction": "sum"}
    add(KERAS, "diceLoss", many, call, "multilabel soft labels", forms=PRODUCT)
    # Without axis Keras adds up everything, classes too, which is the same with one class.
    call = "keras.losses.Dice(dtype='float64')(labels, keras.ops.sigmoid(logits))"
    batch = {**SMOOTHED, "aggregate": "batch"}
    add(KERAS, "diceLoss", batch, call, "binary soft labels", "binary logits", forms=PRODUCT)
    add(KERAS, "diceLoss", batch, call, HARD_BINARY, "binary logits", forms=BOTH)
    # Keras's alpha weights label mass that is not predicted: our beta.
    tversky = {**SMOOTHED, "alpha": 0.75, "beta": 0.25}
    call = f"keras.losses.Tversky(alpha=0.25, beta=0.75, {each})(labels, {probabilities})"
    add(KERAS, "tverskyLoss", tversky, call, "soft labels", forms=PRODUCT)
    add(KERAS, "tverskyLoss", tversky, call, "one-hot labels", forms=BOTH)

    ce = "keras.losses.CategoricalCrossentropy(from_logits=True, dtype='float64'{})(labels, logits{})"
    for suffix in ["", *SPATIAL]:
        add(KERAS, "crossEntropyLoss", {}, ce.format("", ""), "soft labels" + suffix, "logits" + suffix)
    add(KERAS, "crossEntropyLoss", {"reduction": "sum"}, ce.format(", reduction='sum'", ""), "soft labels")
    add(KERAS, "crossEntropyLoss", {"reduction": "none"}, ce.format(", reduction='none'", ""), "soft labels")
    add(
        KERAS,
        "crossEntropyLoss",
        {"axis": 1},
        ce.format(", axis=1", ""),
        "soft labels with classes first",
        "logits with classes first",
    )
    add(KERAS, "crossEntropyLoss", {"labelSmoothing": 0.125}, ce.format(", label_smoothing=0.125", ""), "soft labels")
    add(
        KERAS,
        "crossEntropyLoss",
        {},
        ce.format(", reduction='mean_with_sample_weight'", ", sample_weight=mask"),
        "soft labels",
        mask="mask",
    )
    sparse = "keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype='float64'{})(labels, logits)"
    add(KERAS, "crossEntropyLoss", {}, sparse.format(""), "class indices")
    add(
        KERAS,
        "crossEntropyLoss",
        {"ignoreLabel": IGNORED},
        sparse.format(", ignore_class=255"),
        "class indices, some ignored",
    )

    bce = "keras.losses.BinaryCrossentropy(from_logits=True, dtype='float64'{})(labels, logits)"
    for reduction in ("none", "sum"):
        call = bce.format(f", reduction='{reduction}'")
        add(KERAS, "binaryCrossEntropyLoss", {"reduction": reduction}, call, "multilabel soft labels")
    add(KERAS, "binaryCrossEntropyLoss", {}, bce.format(""), "multilabel soft labels")
    add(KERAS, "binaryCrossEntropyLoss", {}, bce.format(""), "binary soft labels", "binary logits")
    call = bce.format(", label_smoothing=0.125")
    add(KERAS, "binaryCrossEntropyLoss", {"labelSmoothing": 0.125}, call, "multilabel soft labels")


def optax_cases():
    ce, bce = "crossEntropyLoss", "binaryCrossEntropyLoss"
    for suffix in ["", *SPATIAL]:
        call = "optax.softmax_cross_entropy(logits, labels)"
        add(OPTAX, ce, {"reduction": "none"}, call, "soft labels" + suffix, "logits" + suffix)
    call = "optax.softmax_cross_entropy(logits, labels, axis=1)"
    add(
        OPTAX, ce, {"axis": 1, "reduction": "none"}, call, "soft labels with classes first", "logits with classes first"
    )
    call = "optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()"
    add(OPTAX, ce, {}, call, "class indices")
    call = "optax.softmax_cross_entropy(logits, optax.smooth_labels(labels, 0.125)).mean()"
    add(OPTAX, ce, {"labelSmoothing": 0.125}, call, "soft labels")
    call = "optax.kl_divergence(jnp.log(logits), labels)"
    add(
        OPTAX,
        ce,
        {"subtractEntropy": True, "reduction": "none", "activation": "none"},
        call,
        "soft labels",
        "probabilities",
    )
    add(OPTAX, bce, {}, "optax.sigmoid_binary_cross_entropy(logits, labels).mean()", "multilabel soft labels")
    add(
        OPTAX,
        bce,
        {"reduction": "none"},
        "optax.sigmoid_binary_cross_entropy(logits, labels)",
        "binary soft labels",
        "binary logits",
    )

    # optax adds smooth to I, our Dice adds it to 2I.
    dice = {"absent": "smooth", "smooth": 2, "reduction": "sample"}
    call = "optax.losses.dice_loss(logits, labels)"
    add(OPTAX, "diceLoss", dice, call, "soft labels", forms=PRODUCT)
    add(OPTAX, "diceLoss", dice, call, "one-hot labels", forms=BOTH)
    add(OPTAX, "diceLoss", dice, call, "soft labels in 3-D", "logits in 3-D", forms=PRODUCT)
    add(
        OPTAX,
        "diceLoss",
        {**dice, "classes": [1, 2]},
        "optax.losses.dice_loss(logits, labels, ignore_background=True)",
        "soft labels",
        forms=PRODUCT,
    )
    add(
        OPTAX,
        "diceLoss",
        {**dice, "reduction": "none"},
        "optax.losses.dice_loss(logits, labels, reduction='none')",
        "soft labels",
        forms=PRODUCT,
    )
    add(
        OPTAX,
        "diceLoss",
        dice,
        "optax.losses.binary_dice_loss(logits, labels)",
        "binary soft labels",
        "binary logits",
        forms=PRODUCT,
    )
    add(
        OPTAX,
        "diceLoss",
        {**dice, "activation": "none"},
        "optax.losses.dice_loss(logits, labels, apply_softmax=False)",
        "soft labels",
        "probabilities",
        forms=PRODUCT,
    )
    tversky = {"absent": "smooth", "smooth": 0.5, "reduction": "sample", "alpha": 0.25, "beta": 0.75}
    call = "optax.losses.dice_loss(logits, labels, smooth=0.5, alpha=0.25, beta=0.75)"
    add(OPTAX, "tverskyLoss", tversky, call, "soft labels", forms=PRODUCT)
    # The weights multiply, and nothing divides by them.
    call = "optax.losses.dice_loss(logits, labels, class_weights=jnp.array([0.5, 2, 3]), reduction='sum').sum()"
    weighted = {"absent": "smooth", "smooth": 2, "reduction": "sum", "classWeights": [0.5, 2, 3]}
    add(OPTAX, "diceLoss", weighted, call, "soft labels", forms=PRODUCT)


torch_cases()
smp_cases()
monai_cases()
keras_cases()
optax_cases()
write(Path(__file__).with_suffix(".json"), SEED, PACKAGES, INPUTS, cases)
