/** A wheel (a package for Python, which is a zip file) that is fetched with pip and pinned by its checksum. */
export interface Wheel {
  name: string;
  version: string;
  file: string;
  /** pip's name for the platform that the wheel was built for. */
  platform: string;
  bytes: number;
  sha256: string;
  /** Only members whose name starts with one of these are unpacked. */
  keep: string[];
  /** Bytes that those members take on disk. */
  unpacked: number;
}

/** TensorFlow's C library for one platform. */
export interface Library {
  /** Name of its folder in the cache. */
  key: string;
  version: string;
  wheel: Wheel;
  /** The files that the binding is linked against, relative to the cached folder. */
  files: string[];
  /** NVIDIA's CUDA libraries; each wheel fills one folder under `nvidia`, where TensorFlow looks for them. */
  cuda: { folder: string; wheel: Wheel }[];
}

const version = '2.21.0';

// The headers of the C API and those that they include, for tfjs-node's binding and for softseg's op.
const headers = [
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/ctstring',
  'tensorflow/include/tsl/platform/ctstring',
  'tensorflow/include/xla/tsl/c/',
];
const licenses = ['tensorflow/THIRD_PARTY_NOTICES.txt', 'tensorflow/include/LICENSE'];
const megabyte = 1_000_000;

function library(key: string, name: string, platform: string, files: string[], pin: Pin): Library {
  return {
    key: `${name}-${version}-${key}`,
    version,
    files,
    cuda: [],
    wheel: {
      name,
      version,
      platform,
      file: `${name.replaceAll('-', '_')}-${version}-cp312-cp312-${platform}.whl`,
      keep: [...files, ...headers, ...licenses],
      ...pin,
    },
  };
}

type Pin = Pick<Wheel, 'bytes' | 'sha256' | 'unpacked'>;

const linuxFiles = ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'];
const macFiles = ['tensorflow/libtensorflow_cc.2.dylib', 'tensorflow/libtensorflow_framework.2.dylib'];

const linuxX64 = library('linux-x64', 'tensorflow-cpu', 'manylinux_2_27_x86_64', linuxFiles, {
  bytes: 274_000_871,
  sha256: 'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
  unpacked: 855 * megabyte,
});

// tensorflow-cpu has no wheels for the two platforms below; there the package tensorflow is a CPU build.
const linuxArm64 = library('linux-arm64', 'tensorflow', 'manylinux_2_27_aarch64', linuxFiles, {
  bytes: 281_946_471,
  sha256: 'b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552',
  unpacked: 885 * megabyte,
});

const macArm64 = library('darwin-arm64', 'tensorflow', 'macosx_12_0_arm64', macFiles, {
  bytes: 223_488_205,
  sha256: '56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712',
  unpacked: 743 * megabyte,
});

const linuxX64Cuda: Library = {
  ...library('linux-x64-cuda', 'tensorflow', 'manylinux_2_27_x86_64', linuxFiles, {
    bytes: 572_611_111,
    sha256: 'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0',
    unpacked: 1261 * megabyte,
  }),
  // The requirements of tensorflow[and-cuda], at the versions that were current when these pins were made.
  cuda: [
    nvidia('cublas', '12.9.3.13', 'manylinux_2_27_x86_64', {
      bytes: 581_217_458,
      sha256: 'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
      unpacked: 855_064_416,
    }),
    nvidia('cuda_cupti', '12.9.79', 'manylinux_2_25_x86_64', {
      bytes: 10_814_997,
      sha256: '096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f',
      unpacked: 43_365_768,
    }),
    nvidia('cuda_nvcc', '12.9.86', 'manylinux2010_x86_64.manylinux_2_12_x86_64', {
      bytes: 40_546_229,
      sha256: '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
      unpacked: 98_957_442,
    }),
    nvidia('cuda_nvrtc', '12.9.86', 'manylinux2010_x86_64.manylinux_2_12_x86_64', {
      bytes: 89_568_129,
      sha256: '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
      unpacked: 227_340_992,
    }),
    nvidia('cuda_runtime', '12.9.79', 'manylinux2014_x86_64.manylinux_2_17_x86_64', {
      bytes: 3_493_179,
      sha256: '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
      unpacked: 5_342_176,
    }),
    nvidia('cudnn', '9.28.0.42', 'manylinux_2_27_x86_64', {
      bytes: 716_538_495,
      sha256: '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
      unpacked: 1_162_393_472,
    }),
    nvidia('cufft', '11.4.1.4', 'manylinux2014_x86_64.manylinux_2_17_x86_64', {
      bytes: 200_877_592,
      sha256: 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
      unpacked: 293_609_416,
    }),
    nvidia('curand', '10.3.10.19', 'manylinux_2_27_x86_64', {
      bytes: 68_295_626,
      sha256: '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
      unpacked: 166_965_432,
    }),
    nvidia('cusolver', '11.7.5.82', 'manylinux_2_27_x86_64', {
      bytes: 338_117_415,
      sha256: '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
      unpacked: 494_975_064,
    }),
    nvidia('cusparse', '12.5.10.65', 'manylinux2014_x86_64.manylinux_2_17_x86_64', {
      bytes: 366_465_088,
      sha256: '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
      unpacked: 486_556_368,
    }),
    nvidia('nccl', '2.32.3', 'manylinux_2_27_x86_64', {
      bytes: 351_526_311,
      sha256: 'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c',
      unpacked: 489_653_380,
    }),
    nvidia('nvjitlink', '12.9.86', 'manylinux2010_x86_64.manylinux_2_12_x86_64', {
      bytes: 39_748_338,
      sha256: 'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
      unpacked: 95_935_344,
    }),
  ],
};

function nvidia(folder: string, wheelVersion: string, platforms: string, pin: Pin): { folder: string; wheel: Wheel } {
  const name = `nvidia-${folder.replaceAll('_', '-')}-cu12`;
  return {
    folder,
    wheel: {
      name,
      version: wheelVersion,
      file: `nvidia_${folder}_cu12-${wheelVersion}-py3-none-${platforms}.whl`,
      platform: platforms.split('.')[0] ?? platforms,
      keep: ['lib', 'bin', 'nvvm'].map((part) => `nvidia/${folder}/${part}/`),
      ...pin,
    },
  };
}

/**
 * TensorFlow's library for this system, or undefined where there is none to fetch. softseg's authors have run only
 * the two for Linux x64; those for Linux arm64 and macOS arm64 are pinned from the same release.
 */
export function libraryFor(platform: string, arch: string, cuda: boolean): Library | undefined {
  const system = `${platform}-${arch}${cuda ? '-cuda' : ''}`;
  return {
    'linux-x64': linuxX64,
    'linux-x64-cuda': linuxX64Cuda,
    'linux-arm64': linuxArm64,
    'darwin-arm64': macArm64,
  }[system];
}
