/* Options as text, as heap creation uses them. Any thread. */
#ifndef EDDY_RUNTIME_OPTIONS_H
#define EDDY_RUNTIME_OPTIONS_H

#include "eddy/options.h"

/* eddy_config_parse; `by_environment`: options that only programs may set are refused. */
eddy_status eddy__options_parse(eddy_config *config, const char *text, bool by_environment, char *error, size_t room);
/* Applies the environment, unless the configuration forbids it; complains on standard error. */
eddy_status eddy__options_environment(eddy_config *config);

#endif
