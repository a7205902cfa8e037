// Sizes of students.
{
  bilstm: {
    words: 100,
    characters: { dim: 16, filters: 50, widths: [3] },
    hidden: 200,
    layers: 2,
    dropout: 0.3,
  },
  // Of a teacher without a transformer.
  bilstm_teacher: {
    words: 100,
    characters: { dim: 32, filters: 100, widths: [2, 3, 4] },
    hidden: 400,
    layers: 3,
    dropout: 0.33,
  },
  minilm_hidden: 384,
}
