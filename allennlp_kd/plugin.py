"""Imports every module that registers something; the one line of a `.allennlp_plugins` file."""
import allennlp_kd.commands.score  # noqa: F401
import allennlp_kd.data.conllu_tagging_reader  # noqa: F401
import allennlp_kd.data.distillation_reader  # noqa: F401
import allennlp_kd.models.crf_tagger_student  # noqa: F401
import allennlp_kd.models.distillation  # noqa: F401
import allennlp_kd.models.student_predictor  # noqa: F401
import allennlp_kd.modules.pretrained_transformer_layers_embedder  # noqa: F401
import allennlp_kd.modules.pretrained_transformer_layers_indexer  # noqa: F401
import allennlp_kd.objectives.substructured  # noqa: F401
import allennlp_kd.teachers.archive  # noqa: F401
import allennlp_kd.teachers.store  # noqa: F401
import allennlp_kd.training.agreement  # noqa: F401
import allennlp_kd.training.distillation_schedule  # noqa: F401
import allennlp_kd.training.metrics.distributed_span_f1  # noqa: F401
import allennlp_kd.training.metrics.label_agreement  # noqa: F401
import allennlp_kd.training.metrics.word_average  # noqa: F401
import allennlp_kd.training.word_weighted_accumulation  # noqa: F401
