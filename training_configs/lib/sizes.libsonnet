// Sizes of students.
local convolutional(hidden, dilations, lr) = {
  features: {
    width: 64,
    // The rows of each feature's table.
    rows: {
      lower: 8000,
      form: 8000,
      prefix1: 500,
      prefix3: 4000,
      suffix2: 1000,
      suffix3: 4000,
      suffix4: 8000,
      shape: 1000,
    },
  },
  hidden: hidden,
  dilations: dilations,
  dropout: 0.1,
  lr: lr,
  batch_size: 128,
  // Epochs on the text of a task, and with a lot of raw text in addition.
  epochs: { task: 20, text: 4 },
  alpha: 0.8,
};

{
  bilstm: {
    words: 100,
    characters: { dim: 16, filters: 50, widths: [3] },
    hidden: 200,
    layers: 2,
    dropout: 0.3,
  },
  // A student that splits sentences. It reads whole documents before all other students, so it must be fast.
  splitter: {
    features: {
      width: 32,
      rows: { lower: 4000, prefix1: 500, prefix3: 2000, suffix2: 1000, suffix3: 2000, shape: 1000 },
      dropout: 0.2,
    },
    hidden: 32,
    dilations: [1, 1, 2],
    dropout: 0.2,
    lr: 0.004,
    // A window contains several sentences.
    batch_size: 8,
    epochs: { task: 15 },
  },
  // A teacher without a transformer.
  bilstm_teacher: {
    words: 100,
    characters: { dim: 32, filters: 100, widths: [2, 3, 4] },
    hidden: 400,
    layers: 3,
    dropout: 0.33,
  },
  minilm_hidden: 384,

  // Convolutional students by size: width and dilations of the layers; for parsers, the widths of the representations from
  // which arcs and labels are scored.
  small: {
    tagging: convolutional(96, [1, 1, 2, 4], 0.003) { batch_size: 64 },
    parsing: convolutional(192, [1, 1, 2, 2, 4, 8], 0.003) { forms: { arcs: 100, labels: 50 } },
  },
  medium: {
    tagging: convolutional(192, [1, 1, 2, 2, 4, 1], 0.0025) { batch_size: 64 },
    parsing: convolutional(256, [1, 1, 2, 2, 4, 4, 8, 1], 0.0025) { forms: { arcs: 200, labels: 100 } },
  },
  // The first layers of the teacher.
  large: { layers: 3, epochs: { task: 10, text: 4 }, forms: { arcs: 200, labels: 50 } },
}
