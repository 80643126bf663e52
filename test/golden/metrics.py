# Writes metrics.json: scores of other libraries that softseg must reproduce.
#   python3 -m venv /tmp/metrics-venv
#   /tmp/metrics-venv/bin/pip install numpy==2.4.6 torch==2.13.0 torchmetrics==1.9.0 monai==1.6.1 scikit-learn==1.9.1
#   /tmp/metrics-venv/bin/python test/golden/metrics.py
"""Each case is one expression of a library. Its text is stored in metrics.json, and is the code that runs here.

Names in an expression: `logits`, `t` (the labels: class indices, or soft labels), and values derived from them: `p`
(probabilities), `best` (the predicted class of each pixel), `hard` and `hot` (predictions and labels as one-hot). The
class axis is moved to 1, except for indices. All is float64.
"""

import json
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from monai.metrics import DiceMetric, MeanIoU, calibration_binning, compute_dice, compute_iou
from sklearn.metrics import accuracy_score, brier_score_loss, cohen_kappa_score
from torchmetrics.functional import classification as tmc
from torchmetrics.functional import segmentation as tms
from torchmetrics.segmentation import MeanIoU as TorchMeanIoU

warnings.filterwarnings("ignore")
SEED = 20265
C = 4
IGNORED = 255
rng = np.random.default_rng(SEED)


def random_logits(*shape):
    return np.round(rng.normal(size=shape) * 96) / 64


def make_inputs():
    everywhere = rng.integers(0, C, size=(3, 4, 5))
    missing = np.stack([everywhere[0] % 2, np.full((4, 5), 2), everywhere[2] % 3])  # without the last class
    binary = rng.integers(0, 2, size=(3, 4, 5))
    few = random_logits(3, 4, 5, C)
    few[..., 3] = -6  # the last class is never predicted
    return {
        "logits": random_logits(3, 4, 5, C),
        "logits for few classes": few,
        "class indices": everywhere,
        "class indices, classes missing": missing,
        "class indices, some ignored": np.where(rng.random((3, 4, 5)) < 0.3, IGNORED, everywhere),
        "soft labels": rng.multinomial(16, np.full(C, 1 / C), size=(3, 4, 5)) / 16,
        "binary logits": random_logits(3, 4, 5, 1),
        "binary labels": binary,
        "binary labels, one image empty": np.concatenate([np.zeros((1, 4, 5), int), binary[1:]]),
        "multilabel logits": random_logits(3, 4, 5, 3),
        "multilabel labels": rng.integers(0, 2, size=(3, 4, 5, 3)),
    }


INPUTS = make_inputs()


def names_for(logits, labels):
    z = torch.tensor(np.moveaxis(INPUTS[logits], -1, 1))
    t = torch.tensor(INPUTS[labels])
    soft = t.ndim == z.ndim
    p = torch.softmax(z, 1) if "multilabel" not in logits and z.shape[1] > 1 else torch.sigmoid(z)
    t = t.moveaxis(-1, 1) if soft else t
    if z.shape[1] == 1:
        best, hot = (p > 0.5).long()[:, 0], t[:, None]
        hard = best[:, None]
    elif "multilabel" in logits:
        best, hot, hard = None, t, (p > 0.5).long()
    else:
        best = z.argmax(1)
        hard = F.one_hot(best, z.shape[1]).moveaxis(-1, 1)
        hot = t if soft else F.one_hot(t.clamp(0, z.shape[1] - 1), z.shape[1]).moveaxis(-1, 1)
    return {"logits": z, "t": t, "p": p, "best": best, "hard": hard, "hot": hot}


def updated(metric, *arguments):
    """The result after two updates, with the first image and with the others."""
    metric.update(*(x[:1] for x in arguments))
    metric.update(*(x[1:] for x in arguments))
    return metric.compute()


def aggregated(metric, reduction, *arguments):
    metric(*(x[:1] for x in arguments))
    metric(*(x[1:] for x in arguments))
    return metric.aggregate(reduction)


def classwise_error(p, t, bins):
    """MONAI's bins over all images, and per class the mean over pixels of the error of their bin."""
    flat = lambda x: x.movedim(1, 0).reshape(1, x.shape[1], -1)
    mean_p, mean_t, counts = calibration_binning(flat(p), flat(t.double()), num_bins=bins)
    return torch.nansum((mean_p - mean_t).abs() * counts, -1)[0] / counts.sum(-1)[0]


HERE = {name: value for name, value in globals().items() if not name.startswith("__")}
CASES = []


def case(library, call, ours, logits, labels, options=None, read="result"):
    value = eval(call, HERE, names_for(logits, labels))
    value = np.asarray(value, dtype=np.float64)
    assert np.all(np.isfinite(value)), call
    CASES.append(
        {
            "library": library,
            "call": call,
            "ours": ours,
            "options": options or {},
            "read": read,
            "labels": labels,
            "predictions": logits,
            "value": [float(x) for x in value.flatten()],
        }
    )


TM, MONAI, SK = "torchmetrics", "monai", "scikit-learn"
hard = {"hard": True}

for labels, logits in [("class indices", "logits"), ("class indices, classes missing", "logits for few classes")]:
    one = "tms.mean_iou(best, t, num_classes=C, input_format='index')"
    case(TM, one, "iouScore", logits, labels, {**hard, "absent": "penalize", "reduction": "sample"})
    mean = "updated(TorchMeanIoU(num_classes=C, per_class=True, input_format='index'), best, t)[:3]"
    options = {**hard, "aggregate": "class", "absent": "penalize", "classes": [0, 1, 2]}
    case(TM, mean, "MeanIou", logits, labels, options, "perClass")
    dice = "tms.dice_score(best, t, num_classes=C, average='macro', input_format='index')"
    case(TM, dice, "diceScore", logits, labels, {**hard, "absent": "penalize", "reduction": "sample"})
    dice = "tms.dice_score(best, t, num_classes=C, input_format='index', aggregation_level='global')"
    case(TM, dice, "MeanDice", logits, labels, hard)
    case(TM, "tmc.multiclass_jaccard_index(best, t, C, average='macro')", "MeanIou", logits, labels, hard)
    case(TM, "tmc.multiclass_precision(best, t, C, average='macro')", "MeanPrecision", logits, labels, hard)
    case(TM, "tmc.multiclass_recall(best, t, C, average='macro')", "MeanRecall", logits, labels, hard)
    for name, score in [("precision", "precisionScore"), ("recall", "recallScore")]:
        call = f"tmc.multiclass_{name}(best, t, C, average='macro', multidim_average='samplewise')"
        case(TM, call, score, logits, labels, {**hard, "absent": "penalize", "reduction": "sample"})
    case(TM, "tmc.multiclass_confusion_matrix(best, t, C)", "ConfusionMatrix", logits, labels, {}, "counts")
    case(TM, "tmc.multiclass_cohen_kappa(best, t, C)", "ConfusionMatrix", logits, labels, {}, "kappa")
    case(SK, "cohen_kappa_score(t.flatten(), best.flatten())", "ConfusionMatrix", logits, labels, {}, "kappa")
    case(TM, "tmc.multiclass_accuracy(best, t, C, average='micro')", "ConfusionMatrix", logits, labels, {}, "accuracy")
    for name, part in [("jaccard_index", "meanIou"), ("precision", "meanPrecision"), ("recall", "meanRecall")]:
        call = f"tmc.multiclass_{name}(best, t, C, average='macro')"
        case(TM, call, "ConfusionMatrix", logits, labels, {}, part)
    # MONAI leaves out classes without labels.
    case(MONAI, "aggregated(MeanIoU(), 'mean', hard, hot)", "MeanIou", logits, labels, {**hard, "aggregate": "image"})
    case(
        MONAI, "aggregated(DiceMetric(), 'mean', hard, hot)", "MeanDice", logits, labels, {**hard, "aggregate": "image"}
    )
    by_class = "aggregated(MeanIoU(), 'mean_batch', hard, hot)[:3]"
    case(MONAI, by_class, "MeanIou", logits, labels, {**hard, "aggregate": "class", "classes": [0, 1, 2]}, "perClass")
    one = "aggregated(MeanIoU(), 'mean_channel', hard, hot)"
    case(MONAI, one, "iouScore", logits, labels, {**hard, "reduction": "sample"})
    case(MONAI, "compute_iou(hard, hot, ignore_empty=False)", "iouScore", logits, labels, {**hard, "reduction": "none"})
    case(
        MONAI, "compute_dice(hard, hot, ignore_empty=False)", "diceScore", logits, labels, {**hard, "reduction": "none"}
    )
    no_background = "aggregated(MeanIoU(include_background=False), 'mean', hard, hot)"
    case(MONAI, no_background, "MeanIou", logits, labels, {**hard, "aggregate": "image", "classes": [1, 2, 3]})
    counted = "aggregated(MeanIoU(ignore_empty=False), 'mean', hard, hot)"
    case(MONAI, counted, "MeanIou", logits, labels, {**hard, "aggregate": "image", "absent": "count"})

ignored = "class indices, some ignored"
for name, ours in [("jaccard_index", "MeanIou"), ("precision", "MeanPrecision"), ("recall", "MeanRecall")]:
    call = f"tmc.multiclass_{name}(best, t, C, average='macro', ignore_index=IGNORED)"
    case(TM, call, ours, "logits", ignored, {**hard, "ignoreLabel": IGNORED})
call = "tmc.multiclass_confusion_matrix(best, t, C, ignore_index=IGNORED)"
case(TM, call, "ConfusionMatrix", "logits", ignored, {"ignoreLabel": IGNORED}, "counts")

for labels in ["binary labels", "binary labels, one image empty"]:
    case(TM, "tmc.binary_jaccard_index(best, t)", "MeanIou", "binary logits", labels, hard)
    case(TM, "tmc.binary_jaccard_index(best, t)", "iouScore", "binary logits", labels, {**hard, "aggregate": "batch"})
    case(TM, "tmc.binary_precision(best, t)", "MeanPrecision", "binary logits", labels, hard)
    case(TM, "tmc.binary_recall(best, t)", "MeanRecall", "binary logits", labels, hard)
    call = "tmc.binary_jaccard_index(p[:, 0], t, threshold=0.7)"
    case(TM, call, "MeanIou", "binary logits", labels, {**hard, "threshold": 0.7})
    case(TM, "tmc.binary_confusion_matrix(best, t)", "ConfusionMatrix", "binary logits", labels, {}, "counts")
    call = "tmc.binary_confusion_matrix(p[:, 0], t, threshold=0.3)"
    case(TM, call, "ConfusionMatrix", "binary logits", labels, {"threshold": 0.3}, "counts")
    case(TM, "tmc.binary_cohen_kappa(best, t)", "ConfusionMatrix", "binary logits", labels, {}, "kappa")
    call = "aggregated(MeanIoU(ignore_empty=False), 'mean', hard, hot)"
    case(MONAI, call, "MeanIou", "binary logits", labels, {**hard, "aggregate": "image"})
    for bins in [5, 15]:
        call = f"tmc.binary_calibration_error(p[:, 0].flatten(), t.flatten(), n_bins={bins}, norm='l1')"
        case(TM, call, "expectedCalibrationError", "binary logits", labels, {"bins": bins})
        case(TM, call, "CalibrationError", "binary logits", labels, {"bins": bins})
    call = "brier_score_loss(t.flatten(), p.flatten())"
    case(SK, call, "brierScore", "binary logits", labels)
    case(SK, call, "MeanBrier", "binary logits", labels)

sigmoid = {"activation": "sigmoid"}
multilabel = ["multilabel logits", "multilabel labels"]
call = "tmc.multilabel_jaccard_index(hard, hot, 3, average='none')"
case(TM, call, "MeanIou", *multilabel, {**hard, **sigmoid}, "perClass")
case(TM, "tmc.multilabel_precision(hard, hot, 3, average='macro')", "MeanPrecision", *multilabel, {**hard, **sigmoid})
case(TM, "tmc.multilabel_recall(hard, hot, 3, average='macro')", "MeanRecall", *multilabel, {**hard, **sigmoid})
case(MONAI, "classwise_error(p, t, 10).mean()", "expectedCalibrationError", *multilabel, {**sigmoid, "bins": 10})

for bins in [4, 15]:
    flat = "p.movedim(1, -1).reshape(-1, C), t.flatten(), C"
    call = f"tmc.multiclass_calibration_error({flat}, n_bins={bins}, norm='l1')"
    case(TM, call, "expectedCalibrationError", "logits", "class indices", {"bins": bins})
    case(TM, call, "CalibrationError", "logits", "class indices", {"bins": bins})
    kept = f"tmc.multiclass_calibration_error({flat}, n_bins={bins}, norm='l1', ignore_index=IGNORED)"
    case(TM, kept, "CalibrationError", "logits", ignored, {"bins": bins, "ignoreLabel": IGNORED})
    for labels in ["class indices", "soft labels"]:
        call = f"classwise_error(p, hot, {bins}).mean()"
        case(MONAI, call, "expectedCalibrationError", "logits", labels, {"bins": bins, "confidence": "class"})
        call = f"classwise_error(p, hot, {bins})[1:].mean()"
        options = {"bins": bins, "confidence": "class", "classes": [1, 2, 3]}
        case(MONAI, call, "CalibrationError", "logits", labels, options)

both = ["tmc.multiclass_accuracy(best, t, C, average='micro')", "accuracy_score(t.flatten(), best.flatten())"]
for call, library in zip(both, [TM, SK]):
    case(library, call, "pixelAccuracy", "logits", "class indices")
call = "tmc.multiclass_accuracy(best, t, C, average='micro', multidim_average='samplewise')"
case(TM, call, "pixelAccuracy", "logits", "class indices", {"reduction": "sample"})
call = "tmc.multiclass_accuracy(best, t, C, average='micro', ignore_index=IGNORED)"
case(TM, call, "pixelAccuracy", "logits", ignored, {"ignoreLabel": IGNORED})
case(TM, "tmc.binary_accuracy(p[:, 0], t)", "pixelAccuracy", "binary logits", "binary labels")
call = "tmc.binary_accuracy(p[:, 0], t, threshold=0.7)"
case(TM, call, "pixelAccuracy", "binary logits", "binary labels", {"threshold": 0.7})
case(TM, "tmc.multilabel_accuracy(p, t, 3, average='macro')", "pixelAccuracy", *multilabel, sigmoid)

call = "brier_score_loss(t.flatten(), p.movedim(1, -1).reshape(-1, C), labels=[0, 1, 2, 3])"
case(SK, call, "brierScore", "logits", "class indices")
case(SK, call, "MeanBrier", "logits", "class indices")

libraries = ["torchmetrics", "monai", "scikit-learn", "torch", "numpy"]
result = {
    "seed": SEED,
    "versions": {name: version(name) for name in libraries},
    "inputs": {
        name: {
            "shape": list(array.shape),
            "dtype": "float32" if array.dtype == np.float64 or array.ndim == 4 else "int32",
            "data": array.flatten().tolist(),
        }
        for name, array in INPUTS.items()
    },
    "cases": CASES,
}


def lines(value, depth=0):
    """JSON with one line for each list of numbers and for each short object."""
    flat = json.dumps(value, ensure_ascii=False)
    numbers = isinstance(value, list) and not isinstance(value[0], (dict, list))
    if not isinstance(value, (dict, list)) or len(flat) < 100 or numbers:
        return flat
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict):
        body = [f"{inner}{json.dumps(key)}: {lines(item, depth + 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(body) + "\n" + outer + "}"
    return "[\n" + ",\n".join(inner + lines(item, depth + 1) for item in value) + "\n" + outer + "]"


Path(__file__).with_name("metrics.json").write_text(lines(result) + "\n")
print(f"{len(CASES)} cases")
