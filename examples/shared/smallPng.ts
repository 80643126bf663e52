import { encode } from 'fast-png';

/** A PNG without alpha and with 64 levels per channel, which looks the same and is a third smaller. */
export const smallPng = ({ width, height, data }: { width: number; height: number; data: Buffer }): Uint8Array => {
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < rgb.length; i++) {
    const value = data[4 * Math.floor(i / 3) + (i % 3)]!;
    rgb[i] = (value & 0xfc) | (value >> 6);
  }
  return encode({ width, height, data: rgb, channels: 3 }, { zlib: { level: 9 } });
};
