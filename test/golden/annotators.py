# Writes annotators.json: the results of SimpleITK's STAPLE filters and crowd-kit's Dawid-Skene for masks of several
# raters.
#   python3 -m venv /tmp/annotators && /tmp/annotators/bin/pip install \
#     simpleitk==2.5.7 numpy==2.4.6 pandas==3.1.1 attrs==26.1.0 tqdm==4.70.1 scikit-learn==1.9.1
#   /tmp/annotators/bin/pip install --no-deps crowd-kit==1.4.2  # its transformers and nltk are not needed
#   /tmp/annotators/bin/python test/golden/annotators.py
"""STAPLE on class maps is the same model as Dawid & Skene's, whose prior is updated in each iteration. crowd-kit gives
the probabilities of classes, SimpleITK only their argmax. A missing answer is -1.

confusion[rater][truth][answer] has the same order as in softseg.
"""

import importlib
import importlib.util
import json
import sys
import types
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk

SEED = 20261
SHAPE = (12, 15)
rng = np.random.default_rng(SEED)


def load_dawid_skene():
    # The package itself imports transformers, but this model does not: empty parents stand in for the package.
    root = list(importlib.util.find_spec("crowdkit").submodule_search_locations)[0]
    for name in ["crowdkit", "crowdkit.aggregation", "crowdkit.aggregation.classification"]:
        parent = types.ModuleType(name)
        parent.__path__ = [str(Path(root, *name.split(".")[1:]))]
        sys.modules[name] = parent
    return importlib.import_module("crowdkit.aggregation.classification.dawid_skene").DawidSkene


DawidSkene = load_dawid_skene()

# ------------------------------------------------------------------------------------------------------- raters


def random_masks(share, sensitivities, specificities):
    truth = rng.random(SHAPE) < share
    pairs = zip(sensitivities, specificities)
    return np.stack([np.where(truth, rng.random(SHAPE) < p, rng.random(SHAPE) >= q) for p, q in pairs]).astype(np.uint8)


def random_maps(classes, accuracies):
    truth = rng.integers(0, classes, SHAPE)
    return np.stack([np.where(rng.random(SHAPE) < a, truth, rng.integers(0, classes, SHAPE)) for a in accuracies])


def with_missing(maps, share):
    return np.where(rng.random(maps.shape) < share, -1, maps)


# ---------------------------------------------------------------------------------------------------- libraries


def staple(masks):
    image_filter = sitk.STAPLEImageFilter()
    consensus = image_filter.Execute([sitk.GetImageFromArray(mask) for mask in masks])
    return {
        "consensus": sitk.GetArrayFromImage(consensus).ravel().tolist(),
        "sensitivity": list(image_filter.GetSensitivity()),
        "specificity": list(image_filter.GetSpecificity()),
    }


def multi_label_staple(maps, classes, prior=None):
    image_filter = sitk.MultiLabelSTAPLEImageFilter()
    # SimpleITK's probabilities are float32.
    image_filter.SetTerminationUpdateThreshold(1e-7)
    image_filter.SetMaximumNumberOfIterations(2000)
    if prior is not None:
        image_filter.SetPriorProbabilities(prior)
    labels = image_filter.Execute([sitk.GetImageFromArray(m.astype(np.uint8)) for m in maps])
    # The matrix is (classes + 1) x classes: a row for each answer, the last for rejected pixels; a column for each
    # truth.
    matrices = [np.reshape(image_filter.GetConfusionMatrix(k), (classes + 1, classes)) for k in range(len(maps))]
    return {
        "labels": sitk.GetArrayFromImage(labels).ravel().tolist(),
        "confusion": [matrix[:classes].T.tolist() for matrix in matrices],
    }


def dawid_skene(maps, classes):
    flat = maps.reshape(len(maps), -1)
    rows = [(i, k, flat[k, i]) for i in range(flat.shape[1]) for k in range(len(maps)) if flat[k, i] >= 0]
    answers = pd.DataFrame(rows, columns=["task", "worker", "label"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = DawidSkene(n_iter=500, tol=-1).fit(answers)
    matrices = [model.errors_.loc[k].reindex(index=range(classes), columns=range(classes)) for k in range(len(maps))]
    return {
        "consensus": model.probas_.reindex(columns=range(classes)).sort_index().to_numpy().ravel().tolist(),
        "prior": model.priors_.reindex(range(classes)).tolist(),
        "confusion": [matrix.to_numpy().T.tolist() for matrix in matrices],
    }


# -------------------------------------------------------------------------------------------------------- cases


def binary_case(name, masks):
    return {"name": name, "masks": masks.reshape(len(masks), -1).tolist(), "shape": SHAPE, **staple(masks)}


def multi_label_case(name, maps, classes, prior=None):
    case = {"name": name, "maps": maps.reshape(len(maps), -1).tolist(), "shape": SHAPE, "classes": classes}
    return {**case, "prior": prior, **multi_label_staple(maps, classes, prior)}


def dawid_skene_case(name, maps, classes):
    case = {"name": name, "maps": maps.reshape(len(maps), -1).tolist(), "shape": SHAPE, "classes": classes}
    return {**case, **dawid_skene(maps, classes)}


golden = {
    "seed": SEED,
    "versions": {name: version(name) for name in ["SimpleITK", "crowd-kit", "numpy", "pandas"]},
    "binary": [
        binary_case("three good raters", random_masks(0.4, [0.95, 0.9, 0.85], [0.97, 0.9, 0.92])),
        binary_case(
            "a careless one among five", random_masks(0.3, [0.9, 0.85, 0.8, 0.9, 0.5], [0.95, 0.9, 0.9, 0.85, 0.6])
        ),
        binary_case("a small structure", random_masks(0.08, [0.9, 0.8, 0.85, 0.9], [0.99, 0.98, 0.97, 0.98])),
    ],
    "multiLabel": [
        multi_label_case("three classes, four raters", random_maps(3, [0.9, 0.8, 0.7, 0.85]), 3),
        multi_label_case("a prior that is given", random_maps(3, [0.9, 0.8, 0.75]), 3, [0.5, 0.3, 0.2]),
    ],
    "dawidSkene": [
        dawid_skene_case("three classes, five raters", random_maps(3, [0.9, 0.8, 0.7, 0.85, 0.6]), 3),
        dawid_skene_case(
            "a quarter of the answers missing", with_missing(random_maps(4, [0.9, 0.85, 0.8, 0.9, 0.75, 0.8]), 0.25), 4
        ),
    ],
}


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return value


path = Path(__file__).with_name("annotators.json")
path.write_text(json.dumps(rounded(golden), separators=(",", ":")) + "\n")
