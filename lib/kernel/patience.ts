/**
 * How long something may take before it is taken for hung: milliseconds on a usual machine, $DRYDOCK_PATIENCE times as many on a very slow one, an emulated one
 * for instance, where everything takes that much longer and nothing is wrong.
 */
export const patience = (milliseconds: number): number => milliseconds * Math.max(1, Number(process.env.DRYDOCK_PATIENCE) || 1)
