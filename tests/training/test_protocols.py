"""Which weights each protocol touches, and the values of its losses against independent formulas."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from sxtstudio.training.network import DeepSXT
from sxtstudio.training.protocols import Losses

LABEL_PARTS = ("label_decoder.", "label_head.")


@pytest.fixture
def crops():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 1, 32, 32, generator=generator)
    labels = torch.sign(torch.randn(2, 1, 32, 32, generator=generator))
    return images, labels


def network():
    """A network whose batch norms know their inputs, so that outputs are of a sane size without training."""
    torch.manual_seed(0)
    net = DeepSXT(2).train()
    norms = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        scores, _ = net.outline(torch.randn(4, 1, 32, 32), 4)
        net.draw_image(net.encode(torch.randn(4, 1, 32, 32))[1])
        net.label_head.out.weight /= scores.std()  # where tanh is saturated, nothing has a slope
    for norm in norms:
        norm.momentum = 0.01
    return net


def learn(losses, optimiser, images, labels, with_image=True):
    """One step of Adam; returns the names of parameters and buffers that changed."""
    before = {name: value.clone() for name, value in losses.network.state_dict().items()}
    losses.train()
    optimiser.zero_grad(set_to_none=True)
    losses(images, labels, with_image)[0].backward()
    optimiser.step()
    after = losses.network.state_dict()
    return {name for name, value in after.items() if not torch.equal(value, before[name])}


def settled(method="published"):
    """Losses, and an Adam that has moments for every weight, which would move them without a gradient."""
    losses = Losses(network(), method, 8.0)
    return losses, torch.optim.Adam(losses.network.parameters(), lr=1e-3)


def test_the_labelled_protocol_moves_every_weight_and_every_statistic(crops):
    losses, optimiser = settled()
    assert learn(losses, optimiser, *crops) == set(losses.network.state_dict())


def test_the_unlabelled_protocol_leaves_the_label_decoder_as_it_is(crops):
    losses, optimiser = settled()
    learn(losses, optimiser, *crops)
    changed = learn(losses, optimiser, crops[0], None)
    names = set(losses.network.state_dict())
    of_the_label = {name for name in names if name.startswith(LABEL_PARTS)}
    assert any("running_mean" in name for name in of_the_label)
    assert changed == names - of_the_label


def test_a_quick_step_without_the_image_leaves_the_image_decoder_as_it_is(crops):
    losses, optimiser = settled("quick")
    assert learn(losses, optimiser, *crops) == set(losses.network.state_dict())
    changed = learn(losses, optimiser, *crops, with_image=False)
    names = set(losses.network.state_dict())
    assert changed == {name for name in names if not name.startswith(("image_decoder.", "image_head."))}


def test_quick_crops_without_labels_do_not_reach_the_label_decoder(crops):
    """With norms kept each crop is on its own: one more without labels changes nothing there."""
    images, labels = crops
    gradients = []
    for count in (1, 2):
        losses = Losses(network(), "quick", 8.0, keep_norms=True).train()
        losses(images[:count], labels[:1])[0].backward()
        found = {name: weight.grad for name, weight in losses.network.named_parameters()}
        gradients.append(found)
    for name in gradients[0]:
        one, two = gradients[0][name], gradients[1][name]
        change = float((one - two).norm() / one.norm().clamp(min=1e-12))
        if name.startswith(LABEL_PARTS):
            assert change < 1e-4, name  # rounding: other batches are summed in another order
        elif name.startswith(("image_decoder.", "image_head.")):
            assert change > 1e-2, name


def huber(difference, delta=0.1):
    size = np.abs(difference)
    return np.where(size <= delta, size**2 / 2, delta * (size - delta / 2)).mean()


def outputs(losses, images):
    with torch.no_grad():
        scores, neck = losses.network.outline(images, len(images))
        return torch.tanh(scores).numpy(), losses.network.draw_image(neck).numpy()


def test_the_labelled_protocol_by_hand(crops):
    images, labels = crops
    labels[:, :, :8] = 0  # these pixels do not count
    losses = Losses(network(), "published", 8.0).eval()
    label, redrawn = outputs(losses, images)
    counted = labels.numpy() != 0
    expected_label = huber((label - labels.numpy())[counted])
    expected_image = huber(redrawn - images.numpy())
    total, label_loss, image_loss = (value.item() for value in losses(images, labels))
    assert label_loss == pytest.approx(expected_label, rel=1e-5)
    assert image_loss == pytest.approx(expected_image, rel=1e-5)
    assert total == pytest.approx(0.99 * expected_label + 0.01 * expected_image, rel=1e-5)


def test_the_unlabelled_protocol_by_hand(crops):
    images = crops[0][:1]
    net = network()
    for weight in net.image_head[2].parameters():
        weight.data *= 1e-6  # an untrained head reaches millions; so it redraws almost nothing
    losses = Losses(net, "published", data_range=8.0).eval()
    _, redrawn = outputs(losses, images)
    image, drawn = images[0, 0].numpy(), redrawn[0, 0]
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    _, similar = structural_similarity(drawn, image, data_range=8.0, full=True, **options)
    expected = 0.5 * (1 - similar[5:-5, 5:-5].mean()) + 0.5 * huber(drawn - image)
    total, label_loss, image_loss = (value.item() for value in losses(images, None))
    assert total == image_loss == pytest.approx(expected, rel=1e-4)
    assert np.isnan(label_loss)


@pytest.mark.parametrize("method", ["published", "quick"])
def test_an_ignored_pixel_changes_neither_loss_nor_gradient(crops, method):
    """What the network says at an ignored pixel has no slope: the label loss does not see it."""
    images, labels = crops
    labels[0, 0, 5, 7] = 0
    net = network().eval()
    scores, neck = net.outline(images, 2)
    scores = scores.detach().requires_grad_()
    net.outline = lambda *_: (scores, neck)
    losses = Losses(net, method, 8.0)
    _, label_loss, _ = losses(images, labels)
    total, *_ = losses(images, labels)
    (slope,) = torch.autograd.grad(total, scores)
    assert slope[0, 0, 5, 7] == 0
    assert slope[0, 0, 5, 8] != 0
    with torch.no_grad():
        scores[0, 0, 5, 7] += 3.0
    assert torch.equal(losses(images, labels)[1], label_loss)
    (moved,) = torch.autograd.grad(losses(images, labels)[0], scores)
    assert torch.equal(moved, slope)


@pytest.mark.parametrize("method", ["published", "quick"])
def test_crops_in_which_nothing_counts_teach_nothing(crops, method):
    images, labels = crops
    losses = Losses(network(), method, 8.0)
    total, label_loss, _ = losses(images, torch.zeros_like(labels))
    assert torch.isfinite(total)
    assert float(label_loss) == pytest.approx(0.0, abs=1e-6)


def test_kept_norms_stay_as_they_are(crops):
    losses = Losses(network(), "quick", 8.0, keep_norms=True)
    optimiser = torch.optim.Adam(losses.network.parameters(), lr=1e-3)
    changed = learn(losses, optimiser, *crops)
    assert changed == {name for name, _ in losses.network.named_parameters()}


def two_appearances(agree=0.0, teach=0.0):
    """Losses, one labelled crop, two others in two appearances each, and labels for those."""
    torch.manual_seed(5)
    losses = Losses(network(), "quick", 8.0, keep_norms=True, agree=agree, teach=teach).train()
    images, labels = torch.randn(5, 1, 32, 32), torch.sign(torch.randn(1, 1, 32, 32))
    pseudo = torch.sign(torch.randn(2, 1, 32, 32))
    pseudo[:, :, :16] = 0
    return losses, images, labels, pseudo


def test_two_appearances_have_to_be_outlined_alike_and_as_the_teacher_says():
    losses, images, labels, pseudo = two_appearances(agree=3.0, teach=0.5)
    total, label, _ = losses(images, labels, False, None, pseudo, 0.2)
    scores = losses.network.outline(images, 5)[0].double()
    outlines = torch.tanh(scores)
    gap = (outlines[1:3] - outlines[3:5]).abs()
    huber_mean = torch.where(gap < 0.1, gap**2 / 2, 0.1 * (gap - 0.05)).mean()
    taught = torch.cat([pseudo, pseudo]).double()
    counted = taught != 0
    truth = (taught > 0).double()
    odds = 2 * scores[1:]
    entropy = -(
        1.5 * truth * torch.nn.functional.logsigmoid(odds)
        + (1 - truth) * torch.nn.functional.logsigmoid(-odds)
    )
    share = torch.sigmoid(odds)[counted]
    dice = 1 - (2 * (share * truth[counted]).sum() + 1) / (share.sum() + truth[counted].sum() + 1)
    expected = float(label) + 3.0 * huber_mean + 0.5 * 0.2 * (entropy[counted].mean() + 0.3 * dice)
    assert float(total.detach()) == pytest.approx(float(expected.detach()), rel=1e-4)


def test_a_teacher_that_is_sure_of_nothing_teaches_nothing():
    losses, images, labels, pseudo = two_appearances(teach=1.0)
    total, label, _ = losses(images, labels, False, None, 0 * pseudo)
    assert float(total.detach()) == pytest.approx(float(label), abs=1e-6)


def test_the_image_head_is_compared_with_what_it_is_to_draw():
    losses, images, labels, _ = two_appearances()
    redrawn = losses.network.draw_image(losses.network.encode(images)[1]).detach()
    image = losses(images, labels, True, redrawn)[2]
    assert float(image) == pytest.approx(0, abs=1e-4)
    assert float(losses(images, labels, True)[2]) > 0.01
