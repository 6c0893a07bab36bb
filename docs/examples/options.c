/* Options from the command line and from the environment: try EDDY_OPTIONS=log=stderr, or EDDY_OPTIONS=help for the list. */
#include <eddy/eddy.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    char error[EDDY_CONFIG_ERROR_BYTES];
    eddy_config config;
    eddy_heap *heap;
    eddy_config_init(&config);
    if (eddy_config_parse(&config, argc > 1 ? argv[1] : "heap_limit=64m,soft_limit=48m", error, sizeof error)) {
        fprintf(stderr, "%s: %s\n", argv[0], error);
        return 1;
    }
    eddy_status status = eddy_heap_create(&config, &heap); /* reads EDDY_OPTIONS */
    if (status != EDDY_OK) {
        fprintf(stderr, "%s: %s\n", argv[0], eddy_status_text(status));
        return 1;
    }
    printf("limits: %zu MiB, soft %zu MiB\n", config.heap_limit >> 20, config.soft_limit >> 20);
    return eddy_heap_destroy(heap);
}
