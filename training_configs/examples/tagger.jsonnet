// A complete distillation of a tagger, in one file. `allennlp kd-init` writes such a file for your teacher and your corpus.
//
// It reads   train.txt, dev.txt       a corpus in three columns (word, part of speech, chunk)
//            teacher/model.tar.gz     the archive of a `crf_tagger`
// It writes  runs/tagger-store        the teacher's scores
//
// Run it:    allennlp kd-distill training_configs/examples/tagger.jsonnet -s runs/tagger --package chunks

// The teacher scores each sentence once. The folder `directory` keeps the scores for this and all later trainings.
local teacher = {
  type: "store",
  directory: "runs/tagger-store",
  teacher: { type: "archive", archive_file: "teacher/model.tar.gz" },
};

{
  // The seeds make the training repeatable.
  random_seed: 13,
  numpy_seed: 13,
  pytorch_seed: 13,

  dataset_reader: {
    // Adds to each sentence what the teacher needs. The teacher here is the same as that of the model below.
    type: "distillation",
    teacher: teacher,
    // The reader of the corpus. Its indexers are the student's; the teacher has its own.
    reader: {
      type: "conll2000",
      tag_label: "chunk",
      token_indexers: {
        // Hashes the form, prefixes, suffixes and shape of each word, so no vocabulary of words is needed.
        features: {
          type: "word_features",
          features: ["form", "lower", "prefix1", "prefix3", "shape", "suffix2", "suffix3", "suffix4"],
        },
      },
    },
  },
  train_data_path: "train.txt",
  validation_data_path: "dev.txt",

  model: {
    type: "distillation",
    teacher: teacher,
    // loss = (1 - alpha) * gold loss + alpha * distillation loss
    alpha: 0.8,
    // The student matches the teacher's predictions on every sub-structure. See docs/objectives.md for the others.
    objective: { type: "substructured" },
    student: {
      type: "crf_tagger_student",
      text_field_embedder: {
        token_embedders: {
          features: {
            type: "hashed_embedding",
            features: ["form", "lower", "prefix1", "prefix3", "shape", "suffix2", "suffix3", "suffix4"],
            // The size of the table of each feature.
            rows: {
              form: 8000,
              lower: 8000,
              prefix1: 500,
              prefix3: 4000,
              shape: 1000,
              suffix2: 1000,
              suffix3: 4000,
              suffix4: 8000,
            },
            width: 64,
            output_dim: 96,
          },
        },
      },
      encoder: {
        // One residual convolution for each dilation. More or wider ones cost speed.
        type: "dilated_convolutions",
        input_dim: 96,
        hidden_dim: 96,
        dilations: [1, 1, 2, 4],
        dropout: 0.1,
      },
      dropout: 0.1,
      // How the tags write spans. It is needed for span F1 and by the components of spaCy.
      label_encoding: "BIO",
      // No I-X without a B-X or I-X before it.
      constrain_crf_decoding: true,
      calculate_span_f1: true,
    },
  },

  // Sentences of about the same length share a batch.
  data_loader: { batch_sampler: { type: "bucket", batch_size: 64, sorting_keys: ["tokens"] } },
  validation_data_loader: { batch_sampler: { type: "bucket", batch_size: 64, sorting_keys: ["tokens"] } },

  trainer: {
    // Continues after an interruption, with the same result as without one.
    type: "resumable",
    checkpointer: { type: "whole" },
    num_epochs: 20,
    // The best epoch on the dev set is kept.
    validation_metric: "+f1-measure-overall",
    grad_norm: 5.0,
    optimizer: { type: "adam", lr: 0.003 },
    // The learning rate rises for a tenth of the training and then falls.
    learning_rate_scheduler: { type: "slanted_triangular", cut_frac: 0.1 },
  },
}
