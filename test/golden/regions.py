# Writes regions.json: values and gradients of other libraries for generalized, log-cosh and log Dice, MCC, the focal
# losses, the hardest pixels and deep supervision.
#   python3 -m venv /tmp/regions && /tmp/regions/bin/pip install -r test/golden/requirements.txt kornia==0.9.0
#   /tmp/regions/bin/pip install --no-deps segmentation_models_pytorch==0.6.0  # its torchvision is not needed
#   /tmp/regions/bin/python test/golden/regions.py
"""Each case is one call of a library. Its text is stored in regions.json, and is the code that runs here.

Names in a call: logits, labels, mask (None if there is none), and scales, the list of logits of a deep supervision. The
class axis of logits and labels is moved to 1, except for Keras. All is float64, except where MONAI's focal loss and its
deep supervision cast to float32.
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

import keras
import kornia
import monai.losses
import numpy as np
import torch
import torch.nn.functional as F

from common import load_smp_losses, write

SEED = 20261
CLASS_COUNT = 3
IGNORED = 255
rng = np.random.default_rng(SEED)
torch.set_num_threads(1)


# ---------------------------------------------------------------------------------------------------------- inputs
# All values can also be represented exactly in float32.


def random_logits(*shape):
    return np.round(rng.normal(size=shape) * 96) / 64


def make_inputs():
    shape = (2, 3, 4)
    classes = rng.integers(0, CLASS_COUNT, size=shape)
    binary = rng.integers(0, 2, size=shape)
    large = rng.integers(0, CLASS_COUNT, size=(2, 4, 8))
    return {
        "logits": random_logits(*shape, CLASS_COUNT),
        "logits in 3-D": random_logits(2, 2, 3, 2, CLASS_COUNT),
        "binary logits": random_logits(*shape, 1),
        "soft labels": rng.multinomial(16, np.full(CLASS_COUNT, 1 / CLASS_COUNT), size=shape) / 16,
        "soft labels in 3-D": rng.multinomial(16, np.full(CLASS_COUNT, 1 / CLASS_COUNT), size=(2, 2, 3, 2)) / 16,
        "multilabel soft labels": rng.integers(0, 17, size=(*shape, CLASS_COUNT)) / 16,
        "multilabel hard labels": rng.integers(0, 2, size=(*shape, CLASS_COUNT)).astype(float),
        "binary soft labels": rng.integers(0, 17, size=(*shape, 1)) / 16,
        "binary hard labels": binary[..., np.newaxis].astype(float),
        "binary class indices": binary,
        "class indices": classes,
        "one-hot labels": np.eye(CLASS_COUNT)[classes],
        "class indices, some ignored": np.where(rng.random(shape) < 0.3, IGNORED, classes),
        "mask of zeros and ones": (np.arange(24).reshape(shape) % 3 > 0).astype(float),
        "large one-hot labels": np.eye(CLASS_COUNT)[large],
        "large class indices": large,
        "large soft labels": rng.multinomial(16, np.full(CLASS_COUNT, 1 / CLASS_COUNT), size=(2, 4, 8)) / 16,
        "large logits": random_logits(2, 4, 8, CLASS_COUNT),
        "halved logits": random_logits(2, 2, 4, CLASS_COUNT),
        "quartered logits": random_logits(2, 1, 2, CLASS_COUNT),
    }


INPUTS = make_inputs()

# ----------------------------------------------------------------------------------------------------------- cases

TORCH, SMP, MONAI, KERAS, KORNIA = "PyTorch", "segmentation_models.pytorch", "MONAI", "Keras", "kornia"
PACKAGES = {
    TORCH: "torch",
    SMP: "segmentation_models_pytorch",
    MONAI: "monai",
    KERAS: "keras",
    KORNIA: "kornia",
    "NumPy": "numpy",
}
METRIC, PRODUCT = ["metric"], ["product"]
BOTH = ["metric", "product"]  # the same on hard labels

SPACE = {
    "F": F,
    "keras": keras,
    "kornia": kornia,
    "monai": monai,
    "smp": load_smp_losses(),
    "tensor": lambda values: torch.tensor(values, dtype=torch.float64),
    "torch": torch,
}
cases = []


def add(library, ours, options, call, labels, predictions="logits", mask=None, forms=None, times=1):
    """The call must equal `times` the softseg function `ours`, for each of the labels and each overlap form.
    The name of predictions may be a list of names, for deep supervision."""
    names = [labels] if isinstance(labels, str) else labels
    value, gradient = run(library, call, names[0], predictions, mask)
    cases.append(
        {
            "library": library,
            "call": call,
            "ours": ours,
            "options": options,
            "forms": forms,
            "times": times,
            "labels": names,
            "predictions": predictions,
            "mask": mask,
            "value": value,
            "gradient": gradient,
        }
    )


def run(library, call, labels, predictions, mask):
    """Value of the call, and the gradient of its sum with respect to the logits (joined if there are several)."""
    names = [predictions] if isinstance(predictions, str) else predictions
    scales = [torch.tensor(INPUTS[name], requires_grad=True) for name in names]
    t = torch.tensor(INPUTS[labels])
    if library == KERAS:
        given = {"logits": scales[0], "labels": t}
    else:
        moved = [z.movedim(-1, 1) for z in scales]
        has_classes = t.ndim == scales[0].ndim
        given = {"logits": moved[0], "scales": moved, "labels": t.movedim(-1, 1) if has_classes else t}
    given["mask"] = None if mask is None else torch.tensor(INPUTS[mask])
    value = eval(call, {**SPACE, **given})
    value.sum().backward()
    gradients = [z.grad.numpy().ravel() for z in scales]
    return rounded(value.detach().numpy()), rounded(np.concatenate(gradients))


def rounded(values):
    # Adding 0.0 turns -0.0 into 0.0.
    return (np.round(np.ravel(values).astype(float), 9) + 0.0).tolist()


HARD = ["class indices", "one-hot labels"]
HARD_BINARY = ["binary hard labels", "binary class indices"]
SMOOTHED = {"absent": "smooth"}


def generalized_dice_cases():
    # MONAI adds smoothing to sums whose weights do not add up to 1; without smoothing the weights cancel.
    exact = "smooth_nr=0, smooth_dr=0"
    for weighting in ("square", "simple", "uniform"):
        options = {"weighting": weighting}
        call = f"monai.losses.GeneralizedDiceLoss({exact}, w_type='{weighting}', softmax=True)(logits, labels)"
        add(MONAI, "generalizedDiceLoss", options, call, "soft labels", forms=PRODUCT)
        call = call.replace("softmax=True", "softmax=True, soft_label=True")
        add(MONAI, "generalizedDiceLoss", options, call, "soft labels", forms=METRIC)
        call = f"monai.losses.GeneralizedDiceLoss({exact}, w_type='{weighting}', softmax=True, to_onehot_y=True)"
        add(MONAI, "generalizedDiceLoss", options, f"{call}(logits, labels[:, None])", HARD[0], forms=BOTH)
    name = f"monai.losses.GeneralizedDiceLoss({exact}"
    call = f"{name}, softmax=True)(logits, labels)"
    add(MONAI, "generalizedDiceLoss", {}, call, "soft labels in 3-D", "logits in 3-D", forms=PRODUCT)
    for reduction in ("sum", "none"):
        call = f"{name}, softmax=True, reduction='{reduction}')(logits, labels)"
        add(MONAI, "generalizedDiceLoss", {"reduction": reduction}, call, "soft labels", forms=PRODUCT)
    call = f"{name}, softmax=True, batch=True)(logits, labels)"
    add(MONAI, "generalizedDiceLoss", {"aggregate": "batch"}, call, "soft labels", forms=PRODUCT)
    call = f"{name}, softmax=True, include_background=False)(logits, labels)"
    add(MONAI, "generalizedDiceLoss", {"classes": [1, 2]}, call, "soft labels", forms=PRODUCT)
    call = f"{name}, sigmoid=True)(logits, labels)"
    many = {"activation": "sigmoid"}
    add(MONAI, "generalizedDiceLoss", many, call, "multilabel soft labels", forms=PRODUCT)
    add(MONAI, "generalizedDiceLoss", many, call, "multilabel hard labels", forms=BOTH)
    # With weights of 1 for three classes, MONAI's smoothing counts a third as much as ours.
    call = "monai.losses.GeneralizedDiceLoss(smooth_nr=1.5, smooth_dr=1.5, w_type='uniform', softmax=True)(logits, labels)"
    uniform = {"weighting": "uniform", "smooth": 0.5}
    add(MONAI, "generalizedDiceLoss", uniform, call, "soft labels", forms=PRODUCT)


def dice_variant_cases():
    batch = {"aggregate": "batch"}
    log = {**batch, "log": True}
    call = "smp.DiceLoss('multilabel', from_logits=False, log_loss=True)(logits.softmax(1), labels)"
    add(SMP, "diceLoss", log, call, "soft labels", forms=METRIC)
    call = "smp.DiceLoss('multiclass', log_loss=True, smooth=1.5)(logits, labels)"
    add(SMP, "diceLoss", {**log, "smooth": 3}, call, HARD, forms=BOTH)
    call = "smp.DiceLoss('binary', log_loss=True)(logits, labels)"
    add(SMP, "diceLoss", log, call, HARD_BINARY, "binary logits", forms=BOTH)
    # The log-cosh of MONAI's values per class.
    call = "monai.losses.DiceLoss(smooth_nr=0.5, smooth_dr=0.5, softmax=True, reduction='none')(logits, labels).cosh().log()"
    options = {**SMOOTHED, "smooth": 0.5, "reduction": "none"}
    add(MONAI, "logCoshDiceLoss", options, call, "soft labels", forms=PRODUCT)
    call = "smp.DiceLoss('binary')(logits, labels).cosh().log()"
    add(SMP, "logCoshDiceLoss", batch, call, HARD_BINARY, "binary logits", forms=BOTH)


def mcc_cases():
    # smp takes probabilities of one class, and adds up the whole batch; its eps is our smooth.
    for eps in (1e-5, 0.5):
        options = {"aggregate": "batch", "smooth": eps}
        call = f"smp.MCCLoss(eps={eps})(logits.sigmoid(), labels)"
        add(SMP, "mccLoss", options, call, "binary soft labels", "binary logits", forms=PRODUCT)
        add(SMP, "mccLoss", options, call, HARD_BINARY, "binary logits", forms=BOTH)
    call = "(smp.MCCLoss(eps=0.5)(logits.softmax(1)[:, 0], labels[:, 0])"
    call += " + smp.MCCLoss(eps=0.5)(logits.softmax(1)[:, 1], labels[:, 1])) / 2"
    options = {"aggregate": "batch", "smooth": 0.5, "classes": [0, 1]}
    add(SMP, "mccLoss", options, call, "soft labels", forms=PRODUCT)


def focal_cases():
    many = {"activation": "sigmoid"}
    for gamma in (0.5, 2, 3):
        given = {"gamma": gamma}
        # MONAI's mean is also over classes.
        call = f"monai.losses.FocalLoss(gamma={gamma}, use_softmax=True)(logits, labels)"
        add(MONAI, "focalLoss", given, call, HARD[::-1], times=1 / CLASS_COUNT)
        call = f"monai.losses.FocalLoss(gamma={gamma})(logits, labels)"
        add(MONAI, "focalLoss", {**given, **many}, call, "multilabel hard labels")
        add(MONAI, "focalLoss", given, call, HARD_BINARY[0], "binary logits")
        call = f"smp.FocalLoss('multilabel', gamma={gamma})(logits, labels)"
        add(SMP, "focalLoss", {**given, **many}, call, "multilabel hard labels")
        call = f"kornia.losses.focal_loss(logits, labels, alpha=None, gamma={gamma}, reduction='sum')"
        add(KORNIA, "focalLoss", {**given, "reduction": "sum"}, call, HARD)
        call = f"kornia.losses.binary_focal_loss_with_logits(logits, labels, alpha=None, gamma={gamma}, reduction='mean')"
        add(KORNIA, "focalLoss", {**given, **many}, call, "multilabel hard labels")
    call = "monai.losses.FocalLoss(use_softmax=True, reduction='none')(logits, labels).sum(1)"
    add(MONAI, "focalLoss", {"reduction": "none"}, call, HARD[::-1])
    call = "monai.losses.FocalLoss(use_softmax=True, weight=[0.5, 2, 3])(logits, labels)"
    add(MONAI, "focalLoss", {"classWeights": [0.5, 2, 3]}, call, HARD[::-1], times=1 / CLASS_COUNT)
    # MONAI's mean divides by the pixels that count, not by classes, if some are ignored.
    call = "monai.losses.FocalLoss(use_softmax=True, to_onehot_y=True, ignore_index=255, reduction='none')"
    call += "(logits, labels[:, None]).sum()"
    add(MONAI, "focalLoss", {"ignoreLabel": IGNORED, "reduction": "sum"}, call, "class indices, some ignored")
    call = "monai.losses.FocalLoss(alpha=0.25)(logits, labels)"
    add(MONAI, "focalLoss", {**many, "alpha": 0.25}, call, "multilabel hard labels")
    call = "smp.FocalLoss('binary', alpha=0.25)(logits, labels)"
    add(SMP, "focalLoss", {"alpha": 0.25}, call, HARD_BINARY, "binary logits")
    call = "kornia.losses.binary_focal_loss_with_logits(logits, labels, alpha=0.25, reduction='mean')"
    add(KORNIA, "focalLoss", {**many, "alpha": 0.25}, call, "multilabel hard labels")
    # Keras clips probabilities at 1e-7, which no value here reaches.
    call = "keras.losses.CategoricalFocalCrossentropy(alpha=1, gamma=2, from_logits=True, dtype='float64')(labels, logits)"
    add(KERAS, "focalLoss", {}, call, "one-hot labels")
    call = "keras.losses.BinaryFocalCrossentropy(gamma=2, from_logits=True, dtype='float64')(labels, logits)"
    add(KERAS, "focalLoss", many, call, "multilabel hard labels")
    call = "keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.25, from_logits=True, dtype='float64')"
    add(KERAS, "focalLoss", {**many, "alpha": 0.25}, f"{call}(labels, logits)", "multilabel hard labels")
    # On soft labels, each of these libraries computes another loss than the quality focal loss, so its formula is used.
    for gamma in (0.5, 2, 3):
        entropy = "F.binary_cross_entropy_with_logits(logits, labels, reduction='none')"
        call = f"((labels - logits.sigmoid()).abs() ** {gamma} * {entropy}).mean()"
        add(TORCH, "focalLoss", {**many, "gamma": gamma}, call, "multilabel soft labels")
        call = f"(-(labels - logits.softmax(1)).abs() ** {gamma} * labels * logits.log_softmax(1)).sum(1).mean()"
        add(TORCH, "focalLoss", {"gamma": gamma}, call, "soft labels")
    add(TORCH, "focalLoss", {"gamma": 0}, "F.cross_entropy(logits, labels)", "soft labels")
    both = {**SMOOTHED, **many, "smooth": 0.5, "weights": {"dice": 0.75, "focal": 1.5}, "gamma": 3}
    name = "monai.losses.DiceFocalLoss(smooth_nr=0.5, smooth_dr=0.5, sigmoid=True, gamma=3, lambda_dice=0.75, lambda_focal=1.5)"
    add(MONAI, "comboLoss", both, f"{name}(logits, labels)", "multilabel hard labels", forms=BOTH)


def hardest_cases():
    # nnU-Net's top-k loss for each image: 0.3·12 pixels round up to 4.
    for reduction in ("sum", "mean"):
        call = f"F.cross_entropy(logits, labels, reduction='none').flatten(1).topk(4).values.{reduction}()"
        add(TORCH, "crossEntropyLoss", {"hardest": 0.3, "reduction": reduction}, call, HARD)
        add(TORCH, "crossEntropyLoss", {"hardest": 0.3, "reduction": reduction}, call, "soft labels")
    call = "F.cross_entropy(logits, labels, reduction='none').flatten(1).topk(4).values.mean(1)"
    add(TORCH, "crossEntropyLoss", {"hardest": 0.3, "reduction": "sample"}, call, HARD)
    # 8 of the 12 pixels count, and 0.5·8 are 4.
    call = "(F.cross_entropy(logits, labels, reduction='none') * mask).flatten(1).topk(4).values.mean(1)"
    options = {"hardest": 0.5, "reduction": "sample"}
    add(TORCH, "crossEntropyLoss", options, call, "soft labels", mask="mask of zeros and ones")
    call = "F.binary_cross_entropy_with_logits(logits, labels, reduction='none').mean(1).flatten(1).topk(2).values.mean()"
    add(TORCH, "binaryCrossEntropyLoss", {"hardest": 0.1}, call, "multilabel soft labels")
    call = "monai.losses.FocalLoss(use_softmax=True, reduction='none')(logits, labels).sum(1).flatten(1).topk(6).values.mean()"
    add(MONAI, "focalLoss", {"hardest": 0.5}, call, HARD[::-1])


def deep_supervision_cases():
    scales = ["large logits", "halved logits", "quartered logits"]
    dice = "monai.losses.DiceLoss(smooth_nr=0.5, smooth_dr=0.5, softmax=True)"
    # MONAI takes the nearest label, and the weights 1, 1/2 and 1/4, which gives 7/4 of ours.
    given = {"loss": "diceLoss", "with": {**SMOOTHED, "smooth": 0.5}, "resize": "nearest"}
    call = f"monai.losses.DeepSupervisionLoss({dice})(scales, labels)"
    hard = ["large one-hot labels", "large class indices"]
    add(MONAI, "deepSupervisionLoss", given, call, hard, scales, forms=BOTH, times=7 / 4)
    given = {**given, "weights": [1, 0.5, 0.5]}
    call = f"monai.losses.DeepSupervisionLoss({dice}, weight_mode='two')(scales, labels)"
    add(MONAI, "deepSupervisionLoss", given, call, hard, scales, forms=BOTH)
    # softseg's default: labels at a smaller scale are means over areas.
    call = "sum(w * F.cross_entropy(z, F.adaptive_avg_pool2d(labels, z.shape[2:])) for w, z in zip([1, 2, 0.5], scales))"
    given = {"loss": "crossEntropyLoss", "with": {}, "weights": [1, 2, 0.5]}
    add(TORCH, "deepSupervisionLoss", given, call, "large soft labels", scales)
    add(TORCH, "deepSupervisionLoss", given, call, hard, scales)


generalized_dice_cases()
dice_variant_cases()
mcc_cases()
focal_cases()
hardest_cases()
deep_supervision_cases()
write(Path(__file__).with_suffix(".json"), SEED, PACKAGES, INPUTS, cases)
