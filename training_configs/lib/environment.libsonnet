// What a configuration takes from the environment. AllenNLP hands jsonnet the environment's variables; where
// one is absent, the error says which, and the names of these functions say what it should be.

local set_ALLENNLP_KD_DATA_to_the_folder_that_holds_the_corpora() = std.extVar("ALLENNLP_KD_DATA");
local set_ALLENNLP_KD_TRANSFORMER_to_a_checkpoints_folder_or_name() = std.extVar("ALLENNLP_KD_TRANSFORMER");
local set_ALLENNLP_KD_VECTORS_to_a_text_file_of_vectors_of_words() = std.extVar("ALLENNLP_KD_VECTORS");

{
  data(file):: set_ALLENNLP_KD_DATA_to_the_folder_that_holds_the_corpora() + "/" + file,
  transformer():: set_ALLENNLP_KD_TRANSFORMER_to_a_checkpoints_folder_or_name(),
  vectors():: set_ALLENNLP_KD_VECTORS_to_a_text_file_of_vectors_of_words(),
}
