// How taggers and parsers are trained.

local batches(size, text) = { batch_sampler: { type: "bucket", batch_size: size, sorting_keys: [text] } };

{
  // Data loaders and seeds, the same for all; text is the name of the field with the words.
  common(batch_size, text="tokens"):: {
    random_seed: 13,
    numpy_seed: 13,
    pytorch_seed: 13,
    data_loader: batches(batch_size, text),
    validation_data_loader: batches(64, text),
  },

  // From scratch.
  adam(epochs, metric, lr=0.002):: {
    type: "resumable",
    num_epochs: epochs,
    grad_norm: 5.0,
    validation_metric: metric,
    checkpointer: { type: "whole" },
    optimizer: { type: "adam", lr: lr },
  },

  // Convolutions: a slanted triangular learning rate.
  triangular(epochs, metric, lr):: $.adam(epochs, metric, lr) {
    learning_rate_scheduler: { type: "slanted_triangular", cut_frac: 0.1 },
  },

  // A transformer with a low learning rate, under new layers with a high one.
  adamw(epochs, metric):: {
    type: "resumable",
    num_epochs: epochs,
    grad_norm: 5.0,
    validation_metric: metric,
    checkpointer: { type: "whole" },
    optimizer: {
      type: "adamw",
      lr: 0.002,
      betas: [0.9, 0.98],
      weight_decay: 0.01,
      parameter_groups: [[["_matched_embedder"], { lr: 0.0002 }]],
    },
    learning_rate_scheduler: { type: "slanted_triangular", cut_frac: 0.1 },
  },
}
