// What makes of a student's experiment its distillation.
{
  // task: {run: the folder of the task's runs, in which `teacher` is the teacher's}
  // plain: the experiment of the student alone
  distilled(task, plain)::
    // Scored once into the store, which is then read; a run that finds it incomplete fills it.
    local teacher = {
      type: "store",
      directory: task.run + "/store",
      teacher: { type: "archive", archive_file: task.run + "/teacher/model.tar.gz" },
    };
    plain {
      dataset_reader: { type: "distillation", reader: plain.dataset_reader, teacher: teacher },
      model: {
        type: "distillation",
        student: plain.model,
        teacher: teacher,
        objective: { type: "substructured" },
        alpha: 0.5,
      },
    },
}
