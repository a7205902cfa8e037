// What makes of a student's experiment its distillation.
{
  // task: {run: the folder of the task's runs; `teacher` in it is the teacher's run}
  // plain: the configuration of the plain student
  // objective: the distillation objective
  // marginals: whether the objective needs the teacher's marginals, for which there is a separate store
  distilled(task, plain, objective={ type: "substructured" }, marginals=false)::
    // The teacher scores each sentence once into the store; a run that finds it incomplete fills it.
    local teacher = {
      type: "store",
      directory: task.run + (if marginals then "/store_with_marginals" else "/store"),
      [if marginals then "marginals"]: true,
      // Trusted because it was trained here; with a transformer, it names the transformer's folder. For an archive
      // from elsewhere, use `transformer: "the folder"` instead.
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

  // The same with the gold of a tenth of the sentences; the teacher scores all of them. The choice depends only on the
  // words, so it is the same in each run.
  tenth(distilled):: distilled { dataset_reader+: { labelled_fraction: 0.1 } },

  // The same with the teacher converted to the student's coarser factorization; `to` as in the teacher `converted`. The
  // store contains the scores before conversion.
  converted(distilled, to):: distilled {
    local teacher = { type: "converted", to: to, teacher: distilled.model.teacher },
    dataset_reader+: { teacher: teacher },
    model+: { teacher: teacher },
  },

  // The same with a live teacher, for objectives that need hidden states, which a store does not hold.
  live(distilled)::
    assert distilled.model.teacher.type == "store" : "live needs a distillation from a store";
    distilled {
      local teacher = distilled.model.teacher.teacher,
      dataset_reader+: { teacher: teacher },
      model+: { teacher: teacher },
    },

  // The same with another run of the task as the teacher, and a separate store.
  taught_by(distilled, task, run):: distilled {
    local teacher = distilled.model.teacher {
      directory: task.run + "/store_" + run,
      teacher+: { archive_file: task.run + "/" + run + "/model.tar.gz" },
    },
    dataset_reader+: { teacher: teacher },
    model+: { teacher: teacher },
  },

  // The same with raw text in addition, one sentence per line. ratio: its sentences per labeled one, null for all.
  // language: spaCy's code.
  with_text(distilled, text, language, ratio=null):: distilled {
    dataset_reader+: {
      unlabelled_reader: { type: "plain_text", language: language, max_words: 100 },
      unlabelled_ratio: ratio,
    },
    train_data_path: { labelled: distilled.train_data_path, unlabelled: text },
  },

  // The same with the words of a CoNLL-U treebank in addition; its gold is ignored.
  with_treebank(distilled, treebank):: distilled {
    dataset_reader+: { unlabelled_reader: { type: "column_text", conllu: true, max_words: 100 } },
    train_data_path: { labelled: distilled.train_data_path, unlabelled: treebank },
  },
}
