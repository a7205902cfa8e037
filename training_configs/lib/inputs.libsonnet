// What a tagger or a parser reads of a sentence: each gives the reader's indexers, and the model's embedders and encoder.
local environment = import "environment.libsonnet";

local lstm(input, size) = {
  type: "lstm",
  input_size: input,
  hidden_size: size.hidden,
  num_layers: size.layers,
  dropout: size.dropout,
  bidirectional: true,
};

{
  // Words, and characters where size.characters is set, under a bidirectional LSTM.
  // size: {words, vectors: a file of vectors of that width, if any, characters: null or {dim, filters, widths}, hidden, layers,
  // dropout}
  bilstm(size):: {
    local characters = size.characters,
    local has_characters = characters != null,
    local longest = if has_characters then std.foldl(std.max, characters.widths, 1) else 0,

    indexers: {
      tokens: { type: "single_id", lowercase_tokens: true },
      [if has_characters then "token_characters"]: { type: "characters", min_padding_length: longest },
    },
    model: {
      text_field_embedder: {
        token_embedders: {
          tokens: {
            type: "embedding",
            embedding_dim: size.words,
            [if std.objectHas(size, "vectors") then "pretrained_file"]: size.vectors,
          },
          [if has_characters then "token_characters"]: {
            type: "character_encoding",
            // The default is the namespace of the words.
            embedding: { embedding_dim: characters.dim, vocab_namespace: "token_characters" },
            encoder: {
              type: "cnn",
              embedding_dim: characters.dim,
              num_filters: characters.filters,
              ngram_filter_sizes: characters.widths,
            },
          },
        },
      },
      encoder: lstm(
        size.words + (if has_characters then characters.filters * std.length(characters.widths) else 0),
        size
      ),
      dropout: size.dropout,
    },
  },

  // Hashed word features, and word vectors if there are any, under residual convolutions.
  // size: {features: {width, rows by feature}, hidden, dilations, dropout}
  // words: {vectors: a file, if any, words: their width}
  // forms: whether to hash whole words even when there are word vectors. With little text, the student memorizes them.
  convolutions(size, words={}, forms=true):: {
    local has_vectors = std.objectHas(words, "vectors"),
    local features = [
      feature
      for feature in std.objectFields(size.features.rows)
      if forms || !has_vectors || !std.member(["form", "lower"], feature)
    ],

    indexers: {
      features: { type: "word_features", features: features },
      [if has_vectors then "tokens"]: { type: "single_id", lowercase_tokens: true },
    },
    model: {
      text_field_embedder: {
        token_embedders: {
          features: {
            type: "hashed_embedding",
            output_dim: size.hidden,
            width: size.features.width,
            rows: { [feature]: size.features.rows[feature] for feature in features },
            features: features,
            [if std.objectHas(size.features, "dropout") then "feature_dropout"]: size.features.dropout,
          },
          [if has_vectors then "tokens"]: {
            type: "embedding",
            embedding_dim: words.words,
            pretrained_file: words.vectors,
          },
        },
      },
      encoder: {
        type: "dilated_convolutions",
        input_dim: size.hidden + (if has_vectors then words.words else 0),
        hidden_dim: size.hidden,
        dilations: size.dilations,
        dropout: size.dropout,
      },
      dropout: size.dropout,
    },
  },

  // The same features under a bidirectional LSTM.
  // size: {words: the width of a word's vector, features, hidden, layers, dropout}
  features(size):: $.convolutions(size { hidden: size.words, dilations: [1] }) {
    model+: { encoder: lstm(size.words, size) },
  },

  // All layers of a transformer, with AllenNLP's own classes: a teacher.
  transformer(hidden):: {
    local piece = { type: "pretrained_transformer_mismatched", model_name: environment.transformer(), max_length: 510 },
    indexers: { tokens: piece },
    model: {
      text_field_embedder: { token_embedders: { tokens: piece } },
      encoder: { type: "pass_through", input_dim: hidden },
      dropout: 0.1,
    },
  },

  // Some layers of a transformer: a number of layers from the bottom, or a list such as [0, 2, 4]; from an archive, if one
  // is given.
  layers(hidden, layers, archive=null):: {
    local piece = { type: "pretrained_transformer_layers", model_name: environment.transformer(), max_length: 510 },
    indexers: { tokens: piece },
    model: {
      text_field_embedder: { token_embedders: { tokens: piece {
        layers: layers,
        [if archive != null then "from_archive"]: archive,
      } } },
      encoder: { type: "pass_through", input_dim: hidden },
      dropout: 0.1,
    },
  },
}
