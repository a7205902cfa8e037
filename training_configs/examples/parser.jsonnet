// A complete distillation of a dependency parser, in one file. `allennlp kd-init` writes such a file for your teacher and
// your corpus.
//
// It reads   train.conllu, dev.conllu     a treebank in CoNLL-U
//            parser/model.tar.gz          the archive of a `biaffine_parser`
// It writes  runs/parser-store            the teacher's scores
//
// Run it:    allennlp kd-distill training_configs/examples/parser.jsonnet -s runs/parser --package trees

// The teacher scores each sentence once. The folder `directory` keeps the scores for this and all later trainings.
local teacher = {
  type: "store",
  directory: "runs/parser-store",
  teacher: { type: "archive", archive_file: "parser/model.tar.gz" },
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
    // The reader of the treebank. Its indexers are the student's; the teacher has its own.
    reader: {
      type: "universal_dependencies",
      token_indexers: {
        // Hashes the form, prefixes, suffixes and shape of each word, so no vocabulary of words is needed.
        features: {
          type: "word_features",
          features: ["form", "lower", "prefix1", "prefix3", "shape", "suffix2", "suffix3", "suffix4"],
        },
      },
    },
  },
  train_data_path: "train.conllu",
  validation_data_path: "dev.conllu",

  model: {
    type: "distillation",
    teacher: teacher,
    // loss = (1 - alpha) * gold loss + alpha * distillation loss
    alpha: 0.8,
    // The student matches the teacher's predictions on every sub-structure. See docs/objectives.md for the others.
    objective: { type: "substructured" },
    student: {
      type: "biaffine_parser_student",
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
            output_dim: 192,
          },
        },
      },
      encoder: {
        // One residual convolution for each dilation. More or wider ones cost speed.
        type: "dilated_convolutions",
        input_dim: 192,
        hidden_dim: 192,
        dilations: [1, 1, 2, 2, 4, 8],
        dropout: 0.1,
      },
      dropout: 0.1,
      input_dropout: 0.05,
      // The widths of the vectors from which arcs and their labels are scored.
      arc_representation_dim: 100,
      tag_representation_dim: 50,
      // Biaffine scores start at zero. Large random scores would waste the first epoch.
      initializer: {
        regexes: [["arc_attention._weight_matrix|tag_bilinear.weight", { type: "zero" }]],
      },
    },
  },

  // Sentences of about the same length share a batch.
  data_loader: { batch_sampler: { type: "bucket", batch_size: 128, sorting_keys: ["words"] } },
  validation_data_loader: { batch_sampler: { type: "bucket", batch_size: 64, sorting_keys: ["words"] } },

  trainer: {
    // Continues after an interruption, with the same result as without one.
    type: "resumable",
    checkpointer: { type: "whole" },
    num_epochs: 20,
    // The best epoch on the dev set is kept.
    validation_metric: "+LAS",
    grad_norm: 5.0,
    optimizer: { type: "adam", lr: 0.003 },
    // The learning rate rises for a tenth of the training and then falls.
    learning_rate_scheduler: { type: "slanted_triangular", cut_frac: 0.1 },
  },
}
