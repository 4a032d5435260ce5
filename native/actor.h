#ifndef DRYDOCK_ACTOR_H
#define DRYDOCK_ACTOR_H

/* Be a shim for this client; never returns. */
_Noreturn void serve(int client);

#endif
