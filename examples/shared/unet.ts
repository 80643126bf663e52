import * as tf from '@tensorflow/tfjs';

/** The shape of a network: sizes in pixels, and the channels of its levels from the full size down. */
export interface Shape {
  height: number;
  width: number;
  channels: number;
  classes: number;
  levels: number[];
}

/** A U-Net that gives logits. Each level but the last halves the image, so its sides must divide by 2^(levels - 1). */
export const unet = ({ height, width, channels, classes, levels }: Shape, seed: number): tf.LayersModel => {
  const start = () => tf.initializers.heNormal({ seed: seed++ });
  const convolve = (x: tf.SymbolicTensor, filters: number) =>
    tf.layers
      .conv2d({ filters, kernelSize: 3, padding: 'same', activation: 'relu', kernelInitializer: start() })
      .apply(x) as tf.SymbolicTensor;
  const block = (x: tf.SymbolicTensor, filters: number) => convolve(convolve(x, filters), filters);

  const input = tf.input({ shape: [height, width, channels] });
  const skips: tf.SymbolicTensor[] = [];
  let x = input;
  levels.forEach((filters, level) => {
    if (level > 0) x = tf.layers.maxPooling2d({ poolSize: 2, strides: 2 }).apply(x) as tf.SymbolicTensor;
    x = block(x, filters);
    skips.push(x);
  });
  for (let level = levels.length - 2; level >= 0; level--) {
    x = tf.layers.upSampling2d({ size: [2, 2] }).apply(x) as tf.SymbolicTensor;
    x = tf.layers.concatenate().apply([x, skips[level]!]) as tf.SymbolicTensor;
    x = block(x, levels[level]!);
  }
  const logits = tf.layers.conv2d({ filters: classes, kernelSize: 1, kernelInitializer: start() }).apply(x);
  return tf.model({ inputs: input, outputs: logits as tf.SymbolicTensor });
};
