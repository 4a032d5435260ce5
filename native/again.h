/* Steps that a signal has kept from their end. */
#ifndef DRYDOCK_AGAIN_H
#define DRYDOCK_AGAIN_H

#include "step.h"

/*
 * Make a step, and go on with it after signals: the client's next frame, and whoever stops and continues the process or freezes and
 * thaws it (signal(7), "Interruption of system calls"), have nothing to do with the step. Unless the client has hung up.
 */
struct outcome step_made(struct step *step, struct slots *slots);

#endif
