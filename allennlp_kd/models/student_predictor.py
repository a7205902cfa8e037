"""The predictor of an archive that `distillation` has left."""

from typing import Any

from allennlp.data import DatasetReader
from allennlp.models import Model
from allennlp.predictors import Predictor

from allennlp_kd.fields.reader_inputs import unwrapped


@Predictor.register("distillation", constructor="of_student")
class StudentPredictor(Predictor):
    """Stands for the default predictor of the student.

    AllenNLP finds the predictor by the type of the model in the archive's configuration,
    `distillation`; which one it is depends on the student.
    """

    @classmethod
    def of_student(cls, model: Model, dataset_reader: DatasetReader, **kwargs: Any) -> Predictor:
        """
        # Parameters

        model : `Model`
            The student.
        dataset_reader : `DatasetReader`
            A `distillation` reader stands for the one that it wraps: stock's predictor of parsers
            asks it for an option.
        kwargs : `Any`
            What the student's default predictor takes.
        """
        predictor = Predictor
        if model.default_predictor is not None:
            predictor = Predictor.by_name(model.default_predictor)
        return predictor(model, unwrapped(dataset_reader), **kwargs)
