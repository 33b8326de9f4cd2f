/* Durable jobs of the core: functions by name, as plugins bind theirs. */
#define LOG_ROOM "model"
#include "model/internal.h"

struct core_job {
    struct core_job *next;
    const char *name;
    model_job_fn *fn;
};

static const struct core_job *find(const struct model *m, sv name)
{
    for (const struct core_job *j = m->core_jobs; j; j = j->next)
        if (sv_eqs(name, j->name)) return j;
    return NULL;
}

void model_core_job(struct model *m, const char *name, model_job_fn *fn)
{
    if (m->sealed || find(m, sv_of(name)))
        panic("model_core_job: bound already, or after model_seal");
    struct core_job *j = ARENA_NEW(m->a, struct core_job);
    *j = (struct core_job){m->core_jobs, name, fn};
    m->core_jobs = j;
}

int model_core_jobs_check(const struct model *m, struct err *err)
{
    const struct mf_manifest *core = model_core_manifest(m);
    for (size_t i = 0; core && i < core->n_jobs; i++)
        if (!find(m, sv_of(core->jobs[i].hook)))
            return err_internal(err, "the core's job %s has no function %s", core->jobs[i].id,
                                core->jobs[i].hook);
    return 0;
}

int model_job_run(struct model *m, struct work_job *job, struct err *err)
{
    sv name = sv_make(job->kind.p + 5, job->kind.n - 5); /* "core.<name>" */
    const struct core_job *j = find(m, name);
    if (!j) return err_internal(err, "there is no job %.*s", SVARG(job->kind));
    return j->fn(m, job->tenant, job, err);
}

void model_set_jobs(struct model *m, struct work_jobs *jobs)
{
    atomic_store(&m->jobs, jobs);
}
