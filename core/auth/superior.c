/* Whose superior is who: the manager of the department, or above. */
#define LOG_ROOM "auth"

#include "auth/room.h"

#define MAX_LEVELS 64                /* a tree has fewer; a circle never ends */

static const struct auth_org_node *find(const struct auth_org_node *nodes, size_t n, int64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (nodes[i].id == id) return &nodes[i];
    return NULL;
}

int64_t auth_superior(const struct auth_org_node *nodes, size_t n, int64_t dept, int64_t staff)
{
    for (unsigned level = 0; dept && level < MAX_LEVELS; level++) {
        const struct auth_org_node *d = find(nodes, n, dept);
        if (!d) return 0;
        if (d->manager && d->manager != staff) return d->manager;
        dept = d->parent;
    }
    return 0;
}

struct chain { struct auth_org_node nodes[MAX_LEVELS]; size_t n; };

static int64_t id_of(const struct store_val *v)
{
    return v->type == STORE_I64 ? v->u.i : 0;
}

static bool on_node(void *arg, const struct store_val *v, unsigned n)
{
    struct chain *c = arg;
    (void)n;
    if (c->n == MAX_LEVELS) return false;
    c->nodes[c->n++] = (struct auth_org_node){id_of(&v[0]), id_of(&v[1]), id_of(&v[2])};
    return true;
}

/* Nearest first; a manager who has left counts as none. */
int auth_superior_of(struct store_conn *c, int64_t staff, int64_t *superior, struct err *err)
{
    struct chain chain = {.n = 0};
    struct store_val args[] = {STORE_I(staff)};
    *superior = 0;
    if (store_run(c, SV("SELECT d.id, d.parent, m.id FROM core_staff s"
                        " JOIN core_dept_tree t ON t.descendant = s.department"
                        " JOIN core_dept d ON d.id = t.ancestor"
                        " LEFT JOIN core_staff m ON m.id = d.manager AND m.state = 'active'"
                        " AND m.live = 1 WHERE s.id = ? ORDER BY t.depth"),
                  args, 1, on_node, &chain, err) != 0)
        return -1;
    if (chain.n) *superior = auth_superior(chain.nodes, chain.n, chain.nodes[0].id, staff);
    return 0;
}
