/* Coverage builds only (EDDY_COVERAGE): processes that end by _exit or abort, as forked children and misuse do, write their
 * counts before. The linker's --wrap leads here. */
#define EXPORTED __attribute__((visibility("default")))

void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __real_abort(void);
_Noreturn void __wrap__exit(int status);
_Noreturn void __wrap_abort(void);

EXPORTED _Noreturn void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}

EXPORTED _Noreturn void __wrap_abort(void)
{
    __gcov_dump();
    __real_abort();
}
