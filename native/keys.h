/* Signals that keys send. */
#ifndef DRYDOCK_KEYS_H
#define DRYDOCK_KEYS_H

/* On a terminal the keys are the container's: Ctrl-C must not end the shim that watches over it. */
void keys_ignore(void);

#endif
