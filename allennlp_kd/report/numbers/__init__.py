"""The numbers of a report: scores, agreement, calibration, curves."""
