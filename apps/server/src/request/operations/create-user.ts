import { randomInt } from "node:crypto";
import { UsersError } from "@wirebook/history";
import { createKey, hashKey } from "../../auth/key.ts";
import type { RequestContext } from "../../server-context.ts";
import type { Response } from "../reply.ts";

/** Names that are tried with numbers of one length before the numbers get longer. */
const nameTriesMax = 32;

const animals = (
  "adder alpaca auk badger bat bear beaver bee bison boar bream buck bunting calf carp cat chough cicada cod colt coot " +
  "crab crane crow cub curlew dab deer dove duck dunlin eagle eel egret eider elk ermine ewe falcon fawn ferret finch " +
  "fox frog gannet gecko gibbon goat goose grebe grouse gull hare hawk hen heron horse ibex ibis jackal jay kestrel kid " +
  "kite koala lamb lark lemur linnet lion llama lynx magpie marmot marten merlin minnow mole moose moth mouse mule newt " +
  "ocelot okapi oryx osprey otter owl ox panda perch pig pigeon pika pike plover pony puffin puma quail rabbit raven " +
  "robin rook ruff salmon seal serin shrew skua skylark sloth snail snipe sole sparrow squid stag stoat stork swan swift " +
  "tapir teal tench tern thrush tiger toad trout turtle viper vole walrus wasp weasel whale wolf wombat wren yak zebra"
).split(" ");

/**
 * Operation 4: registers the given name or a made-up one, and answers it with its key.
 *
 * The order prevents a half-made user. The store first does all that can fail, with the name reserved; then the result is
 * written into the history, durably; then the user counts; then the key is answered. If the history refuses the result,
 * there is no user. If the process dies right after the result, the history tells of a user whose key was never
 * sent, and the name is free. In the other order, a death would leave a name that is taken and has no known key.
 */
export async function createUser(context: RequestContext, wanted: string | undefined): Promise<Response> {
  for (;;) {
    const name = wanted ?? createName((each) => context.users.find(each) !== undefined);
    const key = createKey();
    try {
      await add(context, name, key);
      return { text: `${name}~${key}\n` };
    } catch (error) {
      // Another process took the name that was made up here: make up another.
      if (wanted !== undefined || !(error instanceof UsersError) || error.code !== "name-taken") throw error;
    }
  }
}

async function add({ users, history, user, address }: RequestContext, name: string, key: string): Promise<void> {
  const createdAt = new Date().toISOString();
  await users.add({ name, role: "member", keyHash: hashKey(name, key), createdAt, createdBy: user }, () =>
    history.record({ user, address }, { verb: "created-user", name }),
  );
}

/**
 * A name that is free, such as `otter-42` [U-4]. Its number has two digits, and more only where those are taken.
 *
 * @param isTaken says whether a user has the name
 */
export function createName(isTaken: (name: string) => boolean): string {
  for (let tries = 0; ; tries++) {
    const digits = 2 + Math.floor(tries / nameTriesMax);
    const name = `${animals[randomInt(animals.length)]}-${randomInt(10 ** (digits - 1), 10 ** digits)}`;
    if (!isTaken(name)) return name;
  }
}
