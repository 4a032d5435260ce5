#include "kernel.h"

/* syscall(2), "Architecture calling conventions". glibc's wrappers of the same names do more than the call: its setresuid, for
 * instance, signals every thread it believes this process to have. */
long kernel_call(long number, const int64_t args[6])
{
#if defined(__x86_64__)
	long result;
	register int64_t r10 __asm__("r10") = args[3];
	register int64_t r8 __asm__("r8") = args[4];
	register int64_t r9 __asm__("r9") = args[5];
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register int64_t x0 __asm__("x0") = args[0];
	register int64_t x1 __asm__("x1") = args[1];
	register int64_t x2 __asm__("x2") = args[2];
	register int64_t x3 __asm__("x3") = args[3];
	register int64_t x4 __asm__("x4") = args[4];
	register int64_t x5 __asm__("x5") = args[5];
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
#else
#error "the shim knows x86-64 and arm64"
#endif
}
