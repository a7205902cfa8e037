import pytest
import torch
from allennlp.models.simple_tagger import SimpleTagger  # noqa: F401 (registers it)

from allennlp_kd.models.distillation import Distillation
from allennlp_kd.models.simple_tagger_student import SimpleTaggerStudent
from allennlp_kd.objectives.structural import Structural
from allennlp_kd.structs.chain import ChainPotentials, log_node_marginals, nll
from allennlp_kd.structs.chain.conversions import independent
from tests.models.fake_teacher import FakeTeacher
from tests.models.small_distillation import batch
from tests.models.tagging import instances, tagger, tensors, vocabulary


@pytest.fixture(
    params=[{}, {"label_encoding": "BIO"}, {"label_encoding": "BIO", "verbose_metrics": True}]
)
def both(request):
    vocab = vocabulary()
    torch.manual_seed(0)
    stock = tagger("simple_tagger", vocab, **request.param)
    student = tagger("simple_tagger_student", vocab, **request.param)
    assert isinstance(student, SimpleTaggerStudent)
    student.load_state_dict(stock.state_dict())
    return stock, student, tensors(vocab, instances())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", [{}, {"ignore_loss_on_o_tags": True}])
def test_is_stock_s_tagger(both, training, options):
    stock, student, inputs = both
    stock.train(training), student.train(training)
    expected, found = stock(**inputs, **options), student(**inputs, **options)
    assert set(found) == {*expected, "mask"}
    for name in ("loss", "logits", "class_probabilities"):
        assert torch.equal(found[name], expected[name])
    readable = [
        model.make_output_human_readable(out)["tags"]
        for model, out in ((stock, expected), (student, found))
    ]
    assert readable[0] == readable[1]
    if training:
        assert student.get_metrics(reset=True) == {}
    else:
        assert student.get_metrics(reset=True) == pytest.approx(stock.get_metrics(reset=True))
    for outputs in (expected, found):
        outputs["loss"].backward()
    for one, other in zip(stock.parameters(), student.parameters()):
        assert torch.equal(one.grad, other.grad)


def test_its_potentials_are_a_chain_without_transitions(both):
    _, student, inputs = both
    potentials = student.potentials(**inputs)
    assert not potentials.transitions.any()
    expected = nll(potentials, inputs["tags"]).sum()
    torch.testing.assert_close(student.gold_loss(potentials, inputs["tags"]), expected)
    narrow = potentials.select_rows(torch.tensor([1, 2]))
    found = student.gold_loss(narrow, inputs["tags"][1:3, :2])
    torch.testing.assert_close(found, nll(narrow, inputs["tags"][1:3]).sum())


def test_decodes_a_teacher_s_words_by_their_marginals(both):
    _, student, inputs = both
    scores = student.potentials(**inputs).emissions.detach()
    chain = ChainPotentials(scores, inputs["tags"] > -1, torch.randn(4, 4) * 3)
    chain = ChainPotentials(scores, student.potentials(**inputs).mask, chain.transitions)
    found = student.decisions(student.decode(chain))["labels"]
    expected = log_node_marginals(chain).argmax(2).masked_fill(~chain.mask, -1)
    assert torch.equal(found, expected)
    assert torch.equal(found, student.decisions(student.decode(independent(chain)))["labels"])


def test_learns_a_crf_s_marginals():
    """By the exact objective, whose optimum among independent words they are."""
    vocab = vocabulary()
    torch.manual_seed(0)
    student = tagger("simple_tagger_student", vocab)
    model = Distillation(vocab, student, FakeTeacher(student.labels), Structural(), alpha=1.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    inputs = batch(model)
    for _ in range(300):
        optimizer.zero_grad()
        model(**inputs)["loss"].backward()
        optimizer.step()
    own = log_node_marginals(student.potentials(**inputs))
    wanted = log_node_marginals(model.teacher.potentials(inputs["teacher"]["value"]))
    mask = student.potentials(**inputs).mask
    torch.testing.assert_close(own[mask].exp(), wanted[mask].exp(), atol=0.02, rtol=0)
    metrics = model.eval()(**inputs) and model.get_metrics()
    assert metrics["agreement"] == 1.0
