/* Loads a plug-in, runs it, unloads it, twice: nothing of it may stay behind that a second load stumbles over. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: plugin_host PLUGIN\n");
        return 2;
    }
    for (int round = 0; round < 2; round++) {
        void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        int (*run)(void) = plugin ? (int (*)(void))dlsym(plugin, "plugin_run") : NULL;
        if (run == NULL) {
            fprintf(stderr, "plugin_host: %s\n", dlerror());
            return 1;
        }
        int status = run();
        if (status != 0) {
            fprintf(stderr, "plugin_host: the plug-in returned %d\n", status);
            return 1;
        }
        dlclose(plugin);
    }
    return 0;
}
