import torch

from allennlp_kd.structs.chain.forward_backward.layout import Layout

NAN = float("nan")


def test_words_come_by_position_longest_sentence_first():
    layout = Layout(torch.tensor([1, 0, 3, 2]), 4)
    assert layout.sizes == [3, 2, 1]
    assert layout.chains.tolist() == [2, 3, 0]
    assert layout.rows.tolist() == [2, 3, 0, 2, 3, 2]
    assert layout.positions.tolist() == [0, 0, 0, 1, 1, 2]
    # Sentence 2 has the words 0, 3, 5; sentence 3 the words 1, 4; sentence 0 the word 2.
    assert layout.last.tolist() == [5, 4, 2]
    assert layout.previous.tolist() == [0, 1, 3]
    assert layout.num_edges.tolist() == [2, 1, 0]


def test_packing_and_back_leaves_padding_out():
    layout = Layout(torch.tensor([1, 0, 3, 2]), 4)
    values = torch.arange(16.0).view(4, 4)
    words = layout.pack(values)
    assert words.tolist() == [8, 12, 0, 9, 13, 10]
    assert layout.unpack(words, fill=-1.0).tolist() == [
        [0, -1, -1, -1],
        [-1, -1, -1, -1],
        [8, 9, 10, -1],
        [12, 13, -1, -1],
    ]
    assert layout.sum_words(words).tolist() == [0, 0, 27, 25]
    assert layout.sum_edges(words[3:]).tolist() == [0, 0, 19, 13]
    assert layout.spread(words[:3]).tolist() == [0, 0, 8, 12]


def test_start_and_end_are_folded_into_first_and_last_words():
    layout = Layout(torch.tensor([1, 0, 2]), 3)
    emissions = torch.full((3, 3, 1), NAN)
    emissions[0, 0], emissions[2, 0], emissions[2, 1] = 1.0, 2.0, 3.0
    folded = layout.fold(emissions, torch.tensor([10.0]), torch.tensor([100.0]))
    assert folded.squeeze(1).tolist() == [12.0, 111.0, 103.0]


def test_a_batch_without_words():
    for lengths, length in (([0, 0], 3), ([], 3), ([0], 0)):
        layout = Layout(torch.tensor(lengths, dtype=torch.long), length)
        assert layout.sizes == [] and layout.num_sentences == 0
        assert layout.pack(torch.ones(len(lengths), length, 2)).shape == (0, 2)
        assert layout.unpack(torch.ones(0, 2)).shape == (len(lengths), length, 2)
