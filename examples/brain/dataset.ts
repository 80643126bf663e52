/** One image with its labels, as plain numbers in the order row, column, channel. */
export interface Sample {
  file: string;
  image: Float32Array;
  /** Soft labels; or, with `annotators`, the number of annotators who marked the pixel. */
  labels: Float32Array;
  annotators?: number;
}

/** Images of the same size with their labels, split into training and test images. */
export interface Dataset {
  name: string;
  height: number;
  width: number;
  /** The title of the images in the picture. */
  imageTitle: string;
  /** Channels of an image: 1 grey, 3 colour. */
  channels: number;
  /** Names of the label channels. With a single name, the classes are this one and its absence. */
  classes: string[];
  train: Sample[];
  test: Sample[];
  /** The test images in the picture, by index, each with the title of its row. */
  shown: { index: number; title: string }[];
  /** Remarks for the reader, one per line. */
  notes: string[];
}
