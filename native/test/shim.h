/* What the tests of the shim share. Each makes its own names below one directory, and leaves none of them. */
#ifndef DRYDOCK_TEST_SHIM_H
#define DRYDOCK_TEST_SHIM_H

#include "../step.h"
#include "client.h"

extern bool sanitized;      /* then nothing is small or fast … */
extern const char *program; /* … and this is what runs in a root without libraries */
extern const char *const no_strings[], *const true_argv[];

const char *in(const char *name); /* a path below this run's directory; good for eight calls */
bool exists(const char *path);
struct made execve_step(const char *path, const char *const *argv);
struct made make_directory(const char *path); /* and remove it as its undo */
struct made sleep_step(struct made (*make)(const char *, int, const struct blob *), int milliseconds);
int exit_status(const struct said *said); /* of an EXIT frame */
void end(struct client *client);          /* hear ENDED, and that the shim has ended */

void plan_as_it_is(void);
void plan_with_user_namespace(void);
void wrong_steps(void);
void values_travel(void);
void quiet_ones(void);
void undo_runs_backwards(void);
void client_gone_leaves_nothing(void);
void client_gone_while_child_waits(void);
void client_gone_while_host_waits(void);
void client_is_deaf(void);
void client_speaks_after_the_end(void);
void next_frame_does_not_interrupt(void);
void stopped_while_it_copies(void);
void child_stopped_while_it_waits(void);
void rollback_while_child_waits(void);
void child_killed_between(void);
void child_killed_within(void);
void child_exits(void);
void exec_killed_by_filter(void);
void plan_waits_itself(void);
void plan_hears_of_a_stop(void);
void shim_killed(void);
void exec_outlives_the_guard(void);
void signal_reaches_the_program(void);
void second_child_refused(void);
void channel_is_kept(void);
void netlink_answers(void);
void netlink_refuses_what_is_long(void);
void hostile_frames(void);
void half_a_frame(void);
void interrupted_close(void);
void large_batches(void);
void spawner_makes_shims(void);
void hung_up_at_any_moment(void);
void spawner_killed(void);
void stranger_refused(void);
void trees_are_removed(void);
void large_trees_are_removed(void);
void mounts_are_left(void);
void what_is_no_tree(void);
void memory(void);
void speed(void);

#endif
