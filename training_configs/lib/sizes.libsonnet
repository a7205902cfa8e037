// Sizes of students.
{
  bilstm: {
    words: 100,
    characters: { dim: 16, filters: 50, widths: [3] },
    hidden: 200,
    layers: 2,
    dropout: 0.3,
  },
  minilm_hidden: 384,
}
