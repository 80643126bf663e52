import * as tf from '@tensorflow/tfjs';
import { withSeed } from 'softseg/training';

/** A volume [1, S, S, S, 1] and the class of each voxel [1, S, S, S]: 0 background, 1 ellipsoid, 2 tube. */
export interface Phantom {
  xs: tf.Tensor5D;
  ys: tf.Tensor4D;
}

type Point = [number, number, number];

/**
 * A generated volume of `size`³ voxels: ellipsoids, and thin, winding tubes that are a little brighter, with noise.
 */
export const phantom = (size: number, seed: number): Phantom => {
  const count = Math.ceil(size / 6);
  const classes = withSeed(seed, () => {
    const voxels = new Int32Array(size ** 3);
    for (let i = 0; i < count; i++) drawEllipsoid(voxels, size);
    for (let i = 0; i < count; i++) drawTube(voxels, size);
    return voxels;
  });
  return tf.tidy(() => {
    const ys = tf.tensor4d(classes, [1, size, size, size], 'int32');
    const noise = withSeed(seed, () => tf.randomNormal([1, size, size, size], 0, 0.4));
    const bright = tf.gather([0, 1, 1.4], ys);
    return { xs: tf.expandDims(tf.add(bright, noise), -1) as tf.Tensor5D, ys };
  });
};

const between = (least: number, most: number) => least + (most - least) * Math.random();
const anywhere = (size: number): Point => [between(0, size), between(0, size), between(0, size)];

/** Marks the voxels inside an ellipsoid whose axes are parallel to those of the volume. */
const drawBall = (voxels: Int32Array, size: number, [cz, cy, cx]: Point, [rz, ry, rx]: Point, mark: number) => {
  const span = (centre: number, radius: number): [number, number] => [
    Math.max(0, Math.ceil(centre - radius)),
    Math.min(size - 1, Math.floor(centre + radius)),
  ];
  const [[z0, z1], [y0, y1], [x0, x1]] = [span(cz, rz), span(cy, ry), span(cx, rx)];
  for (let z = z0; z <= z1; z++) {
    for (let y = y0; y <= y1; y++) {
      for (let x = x0; x <= x1; x++) {
        const inside = ((z - cz) / rz) ** 2 + ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1;
        if (inside) voxels[(z * size + y) * size + x] = mark;
      }
    }
  }
};

const drawEllipsoid = (voxels: Int32Array, size: number) => {
  const radii: Point = [between(4, 8), between(4, 8), between(4, 8)];
  drawBall(voxels, size, anywhere(size), radii, 1);
};

/** Draws balls along a path that turns a little at each step. */
const drawTube = (voxels: Int32Array, size: number) => {
  const radius = between(1.5, 2.2);
  let at = anywhere(size);
  let direction = anywhere(2).map((part) => part - 1) as Point;
  for (let step = 0; step < 1.5 * size; step++) {
    drawBall(voxels, size, at, [radius, radius, radius], 2);
    const turned = direction.map((part) => part + between(-0.25, 0.25));
    const length = Math.hypot(...turned);
    direction = turned.map((part) => part / length) as Point;
    at = at.map((part, axis) => part + direction[axis]!) as Point;
  }
};
