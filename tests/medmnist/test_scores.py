import numpy as np
import pytest
import torch
from monai.metrics import compute_roc_auc
from torch.nn.functional import one_hot

from sre_monai.medmnist import (
    BINARY,
    MULTI_LABEL,
    TASKS,
    ClassificationMetric,
    class_probabilities,
    classification_scores,
)


def area(score, positive):
    """Fraction of positive-negative pairs in the right order, ties counting one half."""
    pairs = score[positive == 1][:, None] - score[positive == 0][None]
    return ((pairs > 0).double() + 0.5 * (pairs == 0)).mean().item()


def test_binary_takes_the_last_column():
    probability = torch.softmax(torch.randn(50, 2).round(decimals=1), dim=1)
    label = torch.randint(2, (50,))
    scores = classification_scores(probability, label, BINARY)
    assert scores["accuracy"] == pytest.approx(np.mean((probability[:, 1] > 0.5).numpy() == label.numpy()))
    assert scores["auc"] == pytest.approx(area(probability[:, 1], label))


@pytest.mark.parametrize("task", TASKS[2:])
def test_multi_class_against_counting_and_monai(task):
    probability = torch.softmax(torch.randn(80, 4), dim=1)
    label = torch.arange(80) % 4
    scores = classification_scores(probability, label[:, None], task)
    assert scores["accuracy"] == pytest.approx((probability.argmax(1) == label).double().mean().item())
    assert scores["auc"] == pytest.approx(np.mean([area(probability[:, k], label == k) for k in range(4)]))
    assert scores["auc"] == pytest.approx(compute_roc_auc(probability, one_hot(label, 4), average="macro"))


def test_multi_label_is_a_mean_over_the_labels():
    probability, label = torch.rand(60, 3), torch.randint(2, (60, 3))
    scores = classification_scores(probability, label, MULTI_LABEL)
    each = [((probability[:, k] > 0.5) == (label[:, k] == 1)).double().mean().item() for k in range(3)]
    assert scores["accuracy"] == pytest.approx(np.mean(each))
    assert scores["auc"] == pytest.approx(np.mean([area(probability[:, k], label[:, k]) for k in range(3)]))


def test_a_probability_of_one_half_is_class_zero():
    assert classification_scores(torch.full((4, 2), 0.5), torch.tensor([0, 0, 0, 1]), BINARY)["accuracy"] == 0.75


def test_a_class_that_is_absent_is_left_out_of_the_area():
    probability = torch.softmax(torch.randn(30, 3), dim=1)
    label = torch.arange(30) % 2
    expected = np.mean([area(probability[:, k], label == k) for k in range(2)])
    assert classification_scores(probability, label, "multi-class")["auc"] == pytest.approx(expected)
    assert np.isnan(classification_scores(probability[:, :2], torch.zeros(30), BINARY)["auc"])


def test_probabilities():
    logits = torch.tensor([[0.0, 2.0, -1.0]])
    assert torch.equal(class_probabilities(logits, MULTI_LABEL), logits.sigmoid())
    assert class_probabilities(logits, "ordinal-regression").sum().item() == pytest.approx(1)


@pytest.mark.parametrize("score", ["auc", "accuracy"])
def test_metric_collects_batches(score):
    probability, label = torch.softmax(torch.randn(30, 3), dim=1), torch.arange(30) % 3
    metric = ClassificationMetric("multi-class", score)
    for start in (0, 8, 16):
        metric(y_pred=probability[start : start + 8], y=label[start : start + 8])
    metric(y_pred=probability[24:], y=label[24:])
    assert metric.aggregate().item() == pytest.approx(classification_scores(probability, label, "multi-class")[score])
    metric.reset()
    with pytest.raises(ValueError, match="nothing to aggregate"):
        metric.aggregate()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: classification_scores(torch.rand(3, 2), torch.zeros(3), "binary"), "task must be one of 'multi-label"),
        (lambda: classification_scores(torch.rand(3, 2), torch.zeros(4), BINARY), r"label \(N,\) for binary-class"),
        (lambda: classification_scores(torch.rand(3, 2), torch.zeros(3), MULTI_LABEL), r"label \(N, K\) for multi-"),
        (lambda: classification_scores(torch.full((3, 2), np.nan), torch.zeros(3), BINARY), "probability holds NaN"),
        (lambda: ClassificationMetric(BINARY, "f1"), r"score must be one of accuracy, auc.* got 'f1'"),
        (lambda: class_probabilities(torch.zeros(1, 2), "regression"), "task must be one of"),
    ],
)
def test_errors_name_the_argument(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
