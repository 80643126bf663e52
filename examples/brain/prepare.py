"""Makes the slices in data/ from the ICBM-152 template in the PyPI package nilearn.

    python -m venv /tmp/prepare
    /tmp/prepare/bin/pip install nibabel==5.4.2 numpy==2.4.6 pillow==13.0.0
    /tmp/prepare/bin/python examples/brain/prepare.py

It fetches nilearn's wheel with pip, checks its sha256, reads three files from it without installing it, and writes
one PNG per slice (red: T1, green: grey matter, blue: white matter) and slices.csv. It writes the same bytes each time.
"""

import csv
import gzip
import hashlib
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import nibabel
import numpy
from PIL import Image

NILEARN = "0.14.1"
WHEEL = f"nilearn-{NILEARN}-py3-none-any.whl"
SHA256 = "725206484e9fb3f6691f9c2d20204a068759d5072f12055324702ee0cb2bbe8a"
MEMBER = "nilearn/datasets/data/mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
MAPS = ("t1", "gm", "wm")

# The origin of a box with the whole cerebrum, in voxels of 1 mm. The numbers below are slices of 2 mm of this box.
ORIGIN = (18, 21, 12)
WIDTH, HEIGHT = 80, 96
TRAIN, GAP, TEST = 8, 3, 6  # slices in a training block, in an unused gap (6 mm) and in a test block
BLOCKS = [("train", TRAIN), ("test", TEST)] * 3 + [("train", TRAIN)]

DATA = pathlib.Path(__file__).parent / "data"


def read_maps():
    """The three maps, uint8 [x, y, z] at 1 mm, and their common affine."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
        subprocess.run([*pip, "-d", folder, f"nilearn=={NILEARN}"], check=True)
        wheel = pathlib.Path(folder, WHEEL)
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if found != SHA256:
            sys.exit(f"{WHEEL}: sha256 is {found}, not {SHA256}")
        with zipfile.ZipFile(wheel) as archive:
            images = [nibabel.Nifti1Image.from_bytes(gzip.decompress(archive.read(MEMBER.format(m)))) for m in MAPS]
    return [numpy.asarray(image.dataobj) for image in images], images[0].affine


def halve(volume):
    """The box in voxels of 2 mm: the means of 2×2×2 voxels, rounded half up."""
    x, y, z = ORIGIN
    depth = sum(size for _, size in BLOCKS) + GAP * (len(BLOCKS) - 1)
    box = volume[x : x + 2 * WIDTH, y : y + 2 * HEIGHT, z : z + 2 * depth].astype(numpy.uint32)
    sums = box.reshape(WIDTH, 2, HEIGHT, 2, depth, 2).sum(axis=(1, 3, 5))
    return (sums + 4) // 8


def slices(affine):
    """(file, split, block, index, z in mm of the slice's middle) of every slice that is used."""
    start, counts = 0, {"train": 0, "test": 0}
    for number, (split, size) in enumerate(BLOCKS):
        for index in range(start, start + size):
            z = affine[2, 3] + ORIGIN[2] + 2 * index + 0.5
            yield f"{split}_{counts[split]:02d}.png", split, number // 2, index, z
            counts[split] += 1
        start += size + GAP


def main():
    maps, affine = read_maps()
    t1, grey, white = (halve(volume) for volume in maps)
    white = numpy.minimum(white, 255 - grey)  # rounding both up can give 256
    for old in DATA.glob("*.png"):
        old.unlink()
    with open(DATA / "slices.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "split", "block", "z_mm"])
        for name, split, block, index, z in slices(affine):
            channels = numpy.stack([part[:, :, index] for part in (t1, grey, white)], axis=-1)
            upright = channels.transpose(1, 0, 2)[::-1].astype(numpy.uint8)  # rows from front to back
            Image.fromarray(upright).save(DATA / name, optimize=True)
            table.writerow([name, split, block, f"{z:g}"])


if __name__ == "__main__":
    main()
