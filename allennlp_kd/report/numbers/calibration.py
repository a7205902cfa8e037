"""Calibration: reliability bins and expected calibration error."""

from typing import Any, Dict, Optional, Sequence

from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence

BINS = 10


def calibration(
    decoded: Sequence[DecodedSentence], gold: Sequence[DecodedSentence]
) -> Optional[Dict[str, Any]]:
    """Computes reliability bins and calibration errors from the probabilities of decisions.

    The expected calibration error, over bins of equal width (Naeini et al., "Obtaining well
    calibrated probabilities using Bayesian binning", 2015):

        ECE = sum over bins of n_bin / n * |accuracy_bin - confidence_bin|

    # Returns

    `Dict[str, Any]`, optional
        `None` for decisions without probabilities. Otherwise `ece`, and `bins`: `low`, `high` (bin k
        is ((k - 1)/10, k/10]; the first holds 0 too), `words`, and the mean `confidence` and
        `accuracy`, `None` where there is no word. A decision is right where all of it is: of trees,
        head and label.
    """
    if any(ours.confidence is None for ours in decoded):
        return None
    totals = [[0, 0.0, 0] for _ in range(BINS)]
    for ours, theirs in zip(decoded, gold):
        wrong = set(ours.differing(theirs))
        for word, sure in enumerate(ours.confidence or ()):
            # Rounding leaves some slightly above 1.
            place = min(max(-int(-sure * BINS // 1) - 1, 0), BINS - 1)
            totals[place][0] += 1
            totals[place][1] += min(sure, 1.0)
            totals[place][2] += word not in wrong
    words = sum(number for number, _, _ in totals)
    error = sum(abs(right - sure) for _, sure, right in totals) / words
    bins = [
        {
            "low": place / BINS,
            "high": (place + 1) / BINS,
            "words": number,
            "confidence": sure / number if number else None,
            "accuracy": right / number if number else None,
        }
        for place, (number, sure, right) in enumerate(totals)
    ]
    return {"ece": error, "bins": bins}
