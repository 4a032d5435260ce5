/* Linked into the sanitized shim only. Leaks are not looked for: at exit everything goes, and the search needs ptrace, which a bottle
 * or an ordinary user may not have. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=1";
}
