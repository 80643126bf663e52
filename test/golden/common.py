"""Shared by the scripts in this folder: loading a library, and writing the json files."""

import importlib
import importlib.util
import json
import sys
import types
from importlib.metadata import version


def load_smp_losses():
    # The package itself imports torchvision, its losses only torch: an empty parent stands in for the package.
    name = "segmentation_models_pytorch"
    parent = types.ModuleType(name)
    parent.__path__ = list(importlib.util.find_spec(name).submodule_search_locations)
    sys.modules[name] = parent
    return importlib.import_module(f"{name}.losses")


def described(array):
    kind = "int32" if array.dtype.kind == "i" else "float32"
    return {"shape": list(array.shape), "dtype": kind, "data": array.ravel().tolist()}


def write(path, seed, packages, inputs, cases):
    """`packages` maps names of libraries to packages; inputs and cases take a line each."""
    versions = {library: version(package).split("+")[0] for library, package in packages.items()}
    lines = ["{", f'  "seed": {seed},', f'  "versions": {json.dumps(versions)},']
    texts = [f"    {json.dumps(name)}: {json.dumps(described(array))}" for name, array in inputs.items()]
    lines += ['  "inputs": {', ",\n".join(texts), "  },"]
    lines += ['  "cases": [', ",\n".join(f"    {json.dumps(case)}" for case in cases), "  ]", "}"]
    path.write_text("\n".join(lines) + "\n")
    print(f"{len(cases)} cases")
