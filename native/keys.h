/* Signals that keys send. */
#ifndef DRYDOCK_KEYS_H
#define DRYDOCK_KEYS_H

/* On a terminal the keys are the container's: Ctrl-C must not end the shim that watches over it. */
void keys_ignore(void);
/* In the child: what is ignored stays ignored across execve, and a container must not inherit that. */
void keys_restore(void);

#endif
