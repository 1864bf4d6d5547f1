/** Names that the server makes up, such as `otter-42` [U-4]. */

import { randomInt } from "node:crypto";
import { nameTriesMax } from "../limits.ts";

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
 * A name that nobody has. The numbers are of two digits and grow longer only where those are taken.
 *
 * @param isTaken tells of a name whether somebody has it
 */
export function createName(isTaken: (name: string) => boolean): string {
  for (let tries = 0; ; tries++) {
    const digits = 2 + Math.floor(tries / nameTriesMax);
    const name = `${animals[randomInt(animals.length)]}-${randomInt(10 ** (digits - 1), 10 ** digits)}`;
    if (!isTaken(name)) return name;
  }
}
