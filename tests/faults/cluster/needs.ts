/** What the fault tests of the cluster need: `nats-server` is what `findNatsServer` finds. */
export const natsNeeds: readonly string[] = ["nats-server"];
