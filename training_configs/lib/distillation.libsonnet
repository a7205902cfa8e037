// What makes of a student's experiment its distillation.
{
  // task: {run: the folder of the task's runs, in which `teacher` is the teacher's}
  // plain: the experiment of the student alone
  // objective: what is distilled by
  // marginals: whether the objective needs the teacher's marginals, which another store holds
  distilled(task, plain, objective={ type: "substructured" }, marginals=false)::
    // Scored once into the store, which is then read; a run that finds it incomplete fills it.
    local teacher = {
      type: "store",
      directory: task.run + (if marginals then "/store_with_marginals" else "/store"),
      [if marginals then "marginals"]: true,
      // It is trusted, for it was trained here: one with a transformer names the transformer's folder. Of an archive
      // from elsewhere, say in place of it `transformer: "the folder"`.
      teacher: { type: "archive", archive_file: task.run + "/teacher/model.tar.gz", trust: true },
    };
    plain {
      dataset_reader: { type: "distillation", reader: plain.dataset_reader, teacher: teacher },
      model: {
        type: "distillation",
        student: plain.model,
        teacher: teacher,
        objective: objective,
        alpha: 0.5,
      },
    },

  // The same with the gold of a tenth of the sentences; the teacher annotates all of them. Which ones keep their gold
  // depends on their words alone, so each run has the same.
  tenth(distilled):: distilled { dataset_reader+: { labelled_fraction: 0.1 } },

  // The same with what a student can hold that scores less than its teacher: `to` as in the teacher `converted`. The
  // store has the scores as they were.
  converted(distilled, to):: distilled {
    local teacher = { type: "converted", to: to, teacher: distilled.model.teacher },
    dataset_reader+: { teacher: teacher },
    model+: { teacher: teacher },
  },

  // The same with another run of the task as the teacher, and its own store.
  taught_by(distilled, task, run):: distilled {
    local teacher = distilled.model.teacher {
      directory: task.run + "/store_" + run,
      teacher+: { archive_file: task.run + "/" + run + "/model.tar.gz" },
    },
    dataset_reader+: { teacher: teacher },
    model+: { teacher: teacher },
  },

  // The same with raw text, a sentence a line, beside the labelled: `ratio` of its sentences for each labelled one,
  // null for all. language: spaCy's code.
  with_text(distilled, text, language, ratio=null):: distilled {
    dataset_reader+: {
      unlabelled_reader: { type: "plain_text", language: language, max_words: 100 },
      unlabelled_ratio: ratio,
    },
    train_data_path: { labelled: distilled.train_data_path, unlabelled: text },
  },

  // The same with the words of a treebank in CoNLL-U beside the labelled text; its gold is not looked at.
  with_treebank(distilled, treebank):: distilled {
    dataset_reader+: { unlabelled_reader: { type: "column_text", conllu: true, max_words: 100 } },
    train_data_path: { labelled: distilled.train_data_path, unlabelled: treebank },
  },
}
