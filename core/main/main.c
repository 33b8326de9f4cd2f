/* atriumd: supervisor and worker in one program. */
#include <stdio.h>

#include "config.h"
#include "main/check.h"
#include "main/options.h"
#include "main/supervisor.h"
#include "main/worker.h"

int main(int argc, char **argv)
{
    struct main_options o;
    if (main_options_parse(argc, argv, &o) != 0) {
        main_options_usage();
        return 2;
    }
    if (o.help) {
        main_options_usage();
        return 0;
    }
    if (o.version) {
        puts("atriumd " PACKAGE_VERSION);
        return 0;
    }
    if (o.check)
        return main_check(&o);
    return o.worker ? main_work(&o) : main_supervise(&o);
}
