"""The losses as users write them in PyTorch, timed one run at a time on request: a JSON line in, a JSON line out.

{"do": "hello"}
{"do": "open", "folder": ..., "file": ..., "shape": [N, ...spatial, C]}
{"do": "check", "loss": ..., "labels": ..., "layout": ..., "threads": ..., "gradient": path}
{"do": "run", "loss": ..., "labels": ..., "layout": ..., "threads": ...}
{"do": "memory", with the same fields as run}

The server ends when its standard input closes.
"""

import json
import os
import signal
import sys
import time

import torch
import torch.nn.functional as F

# Layouts: 'first' is [N, C, ...spatial], contiguous; 'last' is [N, ...spatial, C], contiguous.


def class_axis(layout):
    return 1 if layout == "first" else -1


def spatial_axes(z, layout):
    return tuple(range(2, z.dim())) if layout == "first" else tuple(range(1, z.dim() - 1))


def one_hot(indices, z, layout):
    axis = class_axis(layout)
    return torch.zeros_like(z).scatter_(axis, indices.unsqueeze(axis), 1.0)


def to_soft(labels, z, layout):
    if labels.is_floating_point():
        return labels
    if z.shape[class_axis(layout)] == 1:
        return labels.unsqueeze(class_axis(layout)).to(z.dtype)
    return one_hot(labels, z, layout)


def region_loss(t, z, layout, value):
    axis, spatial = class_axis(layout), spatial_axes(z, layout)
    p = torch.softmax(z, axis) if z.shape[axis] > 1 else torch.sigmoid(z)
    both = p.sum(spatial) + t.sum(spatial)
    intersection = (both - (p - t).abs().sum(spatial)) / 2
    losses = 1 - value(intersection, both)
    present = t.sum(spatial) > 0
    if z.shape[axis] == 1:
        return torch.where(present, losses, p.mean(spatial)).mean()
    return ((losses * present).sum(1) / present.sum(1)).mean()


def iou_loss(labels, z, layout):
    t = to_soft(labels, z, layout)
    return region_loss(t, z, layout, lambda intersection, both: intersection / (both - intersection))


def dice_loss(labels, z, layout):
    t = to_soft(labels, z, layout)
    return region_loss(t, z, layout, lambda intersection, both: 2 * intersection / both)


def binary_cross_entropy_loss(labels, z, layout):
    return F.binary_cross_entropy_with_logits(z, to_soft(labels, z, layout))


def cross_entropy_loss(labels, z, layout):
    if z.shape[class_axis(layout)] == 1:
        return binary_cross_entropy_loss(labels, z, layout)
    if layout == "first":
        return F.cross_entropy(z, labels)
    classes = z.shape[-1]
    flat = labels.reshape(-1, classes) if labels.is_floating_point() else labels.reshape(-1)
    return F.cross_entropy(z.reshape(-1, classes), flat)


def combo_loss(labels, z, layout):
    return iou_loss(labels, z, layout) + cross_entropy_loss(labels, z, layout)


LOSSES = {
    "iouLoss": iou_loss,
    "diceLoss": dice_loss,
    "crossEntropyLoss": cross_entropy_loss,
    "binaryCrossEntropyLoss": binary_cross_entropy_loss,
    "comboLoss": combo_loss,
}

tensors = {}


def hello(_):
    return {"version": torch.__version__, "python": sys.version.split()[0], "threads": torch.get_num_threads()}


def open_data(request):
    shape = request["shape"]

    def read(name, dtype, of):
        path = os.path.join(request["folder"], f"{request['file']}.{name}")
        with open(path, "rb") as file:
            return torch.frombuffer(bytearray(file.read()), dtype=dtype).reshape(of)

    tensors.clear()
    for name in ("logits", "soft"):
        last = read(name, torch.float32, shape)
        tensors[name, "last"] = last
        tensors[name, "first"] = last.movedim(-1, 1).contiguous()
    indices = read("indices", torch.int32, shape[:-1]).long()
    tensors["indices", "last"] = tensors["indices", "first"] = indices
    for layout in ("first", "last"):
        tensors["logits", layout].requires_grad_()
    return {}


def forward_backward(request):
    if torch.get_num_threads() != request["threads"]:
        torch.set_num_threads(request["threads"])
    labels, z = (tensors[name, request["layout"]] for name in (request["labels"], "logits"))
    z.grad = None
    start = time.perf_counter()
    loss = LOSSES[request["loss"]](labels, z, request["layout"])
    loss.backward()
    value = loss.item()
    return (time.perf_counter() - start) * 1e3, value, z


def check(request):
    ms, value, z = forward_backward(request)
    gradient = z.grad if request["layout"] == "last" else z.grad.movedim(1, -1)
    with open(request["gradient"], "wb") as file:
        file.write(gradient.contiguous().numpy().tobytes())
    return {"ms": ms, "value": value}


def run(request):
    ms, _, z = forward_backward(request)
    z.grad = None
    return {"ms": ms}


def status(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(f"{field}:"))


def memory(request):
    """How far resident memory rises in one run, after a warm-up run."""
    if sys.platform != "linux":
        return {}
    start = status("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # resets the peak
    forward_backward(request)
    return {"residentBytes": status("VmHWM") - start}


DO = {"hello": hello, "open": open_data, "check": check, "run": run, "memory": memory}

signal.signal(signal.SIGINT, signal.SIG_IGN)
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = DO[request["do"]](request)
    except Exception as error:  # the client decides what to do about it
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
