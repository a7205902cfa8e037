"""Sub-structured knowledge distillation for AllenNLP taggers and dependency parsers.

Importing this package imports nothing heavy: `allennlp_kd.structs` needs only torch. What registers
with AllenNLP is imported by `allennlp_kd.plugin`, which `.allennlp_plugins` names.
"""

__version__ = "1.0.0"
