# Writes distance.json: values and gradients of scipy and MONAI that softseg must reproduce with its distances, shape
# losses and surface scores.
#   python3 -m venv /tmp/distance && /tmp/distance/bin/pip install -r test/golden/requirements.txt
#   /tmp/distance/bin/python test/golden/distance.py
# (Only monai, numpy, scipy and torch of the requirements are used.)
"""Each case is one call of a library. Its text is stored in distance.json, and is the code that runs here.

Names in a call are names of inputs. softseg's class axis is the last one; here it is moved to 1 (`first`). Losses are
computed in float64. `gradient` is the gradient of the sum of the value, for skeletons after a multiplication by 1, 2,
3, ...
"""

from pathlib import Path

import numpy as np
import torch
from monai.losses import HausdorffDTLoss, SoftclDiceLoss, SoftDiceclDiceLoss
from monai.losses.cldice import soft_skel
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice
from scipy.ndimage import distance_transform_edt, gaussian_filter

from common import write

SEED = 50205
rng = np.random.default_rng(SEED)
torch.use_deterministic_algorithms(True)

# ---------------------------------------------------------------------------------------------------------- inputs
# All values can also be represented exactly in float32.


def blobs(*shape, share=0.4, sigma=1.0):
    """A mask of smooth blobs for each sample and class, [N, ...spatial, C]."""
    noise = gaussian_filter(rng.normal(size=shape), (0, *[sigma] * (len(shape) - 2), 0))
    return (noise > np.quantile(noise, 1 - share)).astype(np.int64)


def fractions(*shape, steps=16):
    return rng.integers(0, steps + 1, size=shape) / steps


def distinct(*shape):
    """Values in (0, 1), all different."""
    size = int(np.prod(shape))
    return (rng.permutation(size) + 0.5).reshape(shape) / 2 ** int(np.ceil(np.log2(size)))


def logits(*shape):
    return np.round(rng.normal(size=shape) * 96) / 64 + 1 / 128  # never 0, where p would be 0.5


def without(mask, *places):
    mask = mask.copy()
    for sample, c in places:
        mask[sample, ..., c] = 0
    return mask


def with_full(mask, sample, c):
    mask = mask.copy()
    mask[sample, ..., c] = 1
    return mask


classes = rng.integers(0, 3, size=(2, 3, 3)).repeat(3, axis=1).repeat(3, axis=2)[:, :8, :]
INPUTS = {
    "dots": (rng.random(size=(3, 9, 11)) > 0.08).astype(np.int64),
    "dots in 3-D": (rng.random(size=(2, 4, 6, 7)) > 0.05).astype(np.int64),
    "row": (rng.random(size=(2, 13)) > 0.2).astype(np.int64),
    "one": np.concatenate([np.pad([[[0.0]]], [(0, 0), (2, 5), (6, 1)], constant_values=1), np.zeros((1, 8, 8))]).astype(
        np.int64
    ),
    "one-hot labels": np.eye(3, dtype=np.int64)[classes],
    "soft labels": fractions(2, 8, 9, 3),
    "logits": logits(2, 8, 9, 3),
    "blobs": with_full(without(blobs(3, 12, 10, 2), (1, 1)), 2, 0),
    "other blobs": without(blobs(3, 12, 10, 2), (1, 1), (2, 1)),
    "blobs in 3-D": blobs(1, 6, 7, 5, 2),
    "other blobs in 3-D": blobs(1, 6, 7, 5, 2),
    "binary labels": blobs(2, 8, 9, 1),
    "binary logits": logits(2, 8, 9, 1),
    "binary labels in 3-D": blobs(1, 4, 6, 5, 1),
    "binary logits in 3-D": logits(1, 4, 6, 5, 1),
    "values": distinct(2, 7, 8, 1),
    "values in 3-D": distinct(1, 4, 5, 6, 1),
    "values with ties": fractions(2, 7, 8, 1, steps=3),
    "values with ties in 3-D": fractions(1, 4, 5, 6, 1, steps=2),
}


def first(name):
    return torch.tensor(np.moveaxis(INPUTS[name], -1, 1).astype(np.float64))


cases = []


def rounded(values):
    flat = np.asarray(values, dtype=np.float64).ravel()
    return [x if np.isfinite(x) else str(x) for x in (float(f"{value:.8g}") for value in flat)]


def add(library, ours, options, call, labels, predictions=None, value=None, gradient=None):
    case = {"library": library, "ours": ours, "options": options, "call": call, "labels": labels}
    case |= {"predictions": predictions, "value": rounded(value)}
    if gradient is not None:
        case["gradient"] = rounded(gradient)
    cases.append(case)


# ---------------------------------------------------------------------------------------------------------- scipy


def distance_cases():
    for name, spacing in [
        ("dots", 1),
        ("dots", [0.7, 1.9]),
        ("dots in 3-D", [2.5, 1, 0.75]),
        ("row", 0.3),
        ("one", [3, 1]),
    ]:
        call = f"scipy.ndimage.distance_transform_edt(mask, sampling={spacing})"
        each = []
        for mask in INPUTS[name]:
            sampling = [spacing] * mask.ndim if np.isscalar(spacing) else spacing
            each.append(distance_transform_edt(mask, sampling=sampling))
        add("scipy", "distanceTransform", {"spacing": spacing}, call, name, value=each)


def signed_map(inside):
    """The distance maps of Kervadec et al., by the formula in their code; 0 for masks without a border."""
    if inside.all() or not inside.any():
        return np.zeros(inside.shape)
    outside = 1 - inside
    return distance_transform_edt(outside) * outside - (distance_transform_edt(inside) - 1) * inside


def signed_maps(name):
    masks = np.moveaxis(INPUTS[name], -1, 1)
    return np.moveaxis(np.array([[signed_map(mask) for mask in sample] for sample in masks]), 1, -1)


def signed_cases():
    call = "edt(outside) * outside - (edt(inside) - 1) * inside, with edt = scipy.ndimage.distance_transform_edt"
    for name in ["one-hot labels", "blobs", "blobs in 3-D"]:
        add("scipy", "signedDistance", {}, call, name, value=signed_maps(name))
    for classes, name, z in [([1, 2], "one-hot labels", "logits"), ([0], "binary labels in 3-D", "binary logits in 3-D")]:
        x = first(z).requires_grad_()
        p = torch.softmax(x, 1) if z == "logits" else torch.sigmoid(x)
        maps = torch.tensor(np.moveaxis(signed_maps(name), -1, 1))
        value = (p * maps)[:, classes].mean()
        value.backward()
        text = f"(p * maps)[:, {classes}].mean(), with maps = {call}"
        add("scipy", "boundaryLoss", {"classes": classes}, text, name, z, value.item(), x.grad.moveaxis(1, -1))


# ---------------------------------------------------------------------------------------------------------- MONAI


def loss_case(ours, options, call, labels, predictions):
    x = first(predictions).requires_grad_()
    value = eval(call, {**globals(), "labels": first(labels), "predictions": x})
    value.sum().backward()
    add("monai", ours, options, call, labels, predictions, value.detach(), x.grad.moveaxis(1, -1))


def hausdorff_loss_cases():
    loss = "HausdorffDTLoss({})(predictions, labels)"
    kind = "hausdorffLoss"
    loss_case(kind, {}, loss.format("softmax=True"), "one-hot labels", "logits")
    loss_case(kind, {}, loss.format("softmax=True"), "soft labels", "logits")
    loss_case(
        kind,
        {"alpha": 1.5, "classes": "all"},
        loss.format("softmax=True, alpha=1.5, include_background=True"),
        "one-hot labels",
        "logits",
    )
    multilabel = {"activation": "sigmoid", "reduction": "none"}
    loss_case(
        kind,
        multilabel,
        loss.format("sigmoid=True, include_background=True, reduction='none'") + "[:, :, 0, 0]",
        "soft labels",
        "logits",
    )
    loss_case(kind, {}, loss.format("sigmoid=True"), "binary labels", "binary logits")
    loss_case(kind, {}, loss.format("sigmoid=True"), "binary labels in 3-D", "binary logits in 3-D")
    loss_case(
        kind,
        {"activation": "none", "classes": "all", "reduction": "sum"},
        loss.format("include_background=True, reduction='sum'"),
        "blobs",
        "other blobs",
    )


def skeleton_cases():
    for iterations, name in [
        (0, "values"),
        (3, "values"),
        (2, "values in 3-D"),
        (2, "values with ties"),
        (1, "values with ties in 3-D"),
    ]:
        x = first(name).requires_grad_()
        value = soft_skel(x, iterations)
        factors = torch.arange(1, value.numel() + 1).reshape(value.shape)
        (value * factors).sum().backward()
        call = f"monai.losses.cldice.soft_skel(values, {iterations})"
        gradient = x.grad.moveaxis(1, -1)
        add("monai", "softSkeleton", {"iterations": iterations}, call, name, None, value.detach().moveaxis(1, -1), gradient)


def cl_dice_cases():
    # SoftclDiceLoss needs a positive smooth in the harmonic mean; this one is below the tolerance.
    tiny = "smooth=1e-12"
    one = {"absent": "smooth"}
    for extra, options in [("", {}), (", iter_=1", {"iterations": 1}), (", smooth_nr=0.5, smooth_dr=0.5", {"smooth": 0.5})]:
        for suffix in ["", " in 3-D"]:
            call = f"SoftclDiceLoss(sigmoid=True, {tiny}{extra})(predictions, labels)"
            loss_case("clDiceLoss", {**one, **options}, call, "binary labels" + suffix, "binary logits" + suffix)
    call = f"SoftclDiceLoss({tiny}, reduction='none')(predictions, labels)"
    loss_case("clDiceLoss", {**one, "activation": "none", "reduction": "sample"}, call, "values", "values with ties")
    # SoftclDiceLoss also sums over the classes, so each call gets a single class.
    for c in (1, 2):
        call = f"SoftclDiceLoss({tiny})(torch.softmax(predictions, 1)[:, {c}:{c + 1}], labels[:, {c}:{c + 1}])"
        loss_case("clDiceLoss", {**one, "classes": [c]}, call, "one-hot labels", "logits")
    call = f"SoftDiceclDiceLoss(sigmoid=True, alpha=0.25, {tiny})(predictions, labels)"
    loss_case("0.75 diceLoss + 0.25 clDiceLoss", one, call, "binary labels", "binary logits")


def surface_cases():
    pairs = [("blobs", "other blobs", [1.25, 0.5]), ("blobs in 3-D", "other blobs in 3-D", [3.0, 1.0, 0.75])]
    for labels, predictions, spacing in pairs:
        y, y_pred = first(labels), first(predictions)
        for spaced in (False, True):
            options = {"spacing": spacing} if spaced else {}
            text = f", spacing={spacing}" if spaced else ""

            def score(ours, own, call):
                full = call.replace(")", f", include_background=True{text})", 1)
                value = eval(full, {**globals(), "y": y, "y_pred": y_pred})
                add("monai", ours, {**options, **own}, full, labels, predictions, value)

            score("hausdorffDistance", {}, "compute_hausdorff_distance(y_pred, y)")
            score("hausdorffDistance", {"percentile": 62.5}, "compute_hausdorff_distance(y_pred, y, percentile=62.5)")
            score("hausdorffDistance", {"symmetric": False}, "compute_hausdorff_distance(y_pred, y, directed=True)")
            score("averageSurfaceDistance", {}, "compute_average_surface_distance(y_pred, y, symmetric=True)")
            score("averageSurfaceDistance", {"symmetric": False}, "compute_average_surface_distance(y_pred, y)")
            for tolerance in (0, 1.25):
                call = f"compute_surface_dice(y_pred, y, [{tolerance}, {tolerance}])"
                score("normalizedSurfaceDice", {"tolerance": tolerance}, call)


distance_cases()
signed_cases()
hausdorff_loss_cases()
skeleton_cases()
cl_dice_cases()
surface_cases()
write(Path(__file__).with_suffix(".json"), SEED, {name: name for name in ("monai", "numpy", "scipy", "torch")}, INPUTS, cases)
